"""What differs between two replays is learned, exchange by exchange."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.cases.wire import answer
from tests.replay.exchanges import came
from wsanalyze.replay.model import Replayed
from wsanalyze.replay.volatile import BINARY, CLOSE_CODE, NOTHING_LEARNED, OUTCOME, TEXT, learn


def test_headers_and_facts_that_differ() -> None:
    first = came(id_="h1", headers=answer(101, X_Build="1", Server="a"), received_text=3, close_code=1000)
    second = came(id_="h1", headers=answer(101, X_Build="2", Server="a"), received_text=4, close_code=1000)
    learned = learn([first, came(id_="h2")], [came(id_="h2"), second])
    assert learned.has_header("h1", "x-build")
    assert not learned.has_header("h2", "x-build")
    assert not learned.has_header("h1", "server")
    assert learned.has_fact("h1", TEXT)
    assert not learned.has_fact("h1", CLOSE_CODE)
    assert not learned.has_fact("h1", BINARY)


def test_an_outcome_that_changes() -> None:
    assert learn([came(101)], [came(503)]).has_fact("h1", OUTCOME)
    assert learn([came(101)], [came(101, accept_valid=False)]).has_fact("h1", OUTCOME)


def test_what_was_sent_once_tells_nothing() -> None:
    assert learn([came(101)], []) == NOTHING_LEARNED
    assert learn([came(101)], [Replayed("h1", error="refused")]) == NOTHING_LEARNED


def test_repetitions_are_compared_in_their_order() -> None:
    one, two = came(id_="h1", received_text=1), came(id_="h1", received_text=2)
    assert learn([one, two], [one, two]) == NOTHING_LEARNED
    assert learn([one, two], [one, one]).has_fact("h1", TEXT)


def test_headers_of_the_moment() -> None:
    for name in (
        "date",
        "x-vcap-request-id",
        "x-request-id",
        "traceparent",
        "x-b3-spanid",
        "etag",
        "correlation-id",
        "x-cf-instanceindex",
    ):
        assert NOTHING_LEARNED.has_header("h1", name), name
    for name in ("x-cf-routererror", "server", "content-type", "location", "upgrade", "sec-websocket-protocol"):
        assert not NOTHING_LEARNED.has_header("h1", name), name


@given(st.builds(came, st.sampled_from([101, 400, None])), st.integers(0, 9))
def test_the_same_twice_teaches_nothing(replayed: Replayed, received: int) -> None:
    replayed = replace(replayed, received_text=received)
    assert learn([replayed], [replayed]) == NOTHING_LEARNED
