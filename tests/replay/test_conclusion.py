"""The conclusion, in the words of the case."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases.wire import answer, handshake
from tests.replay.exchanges import asked, came, captured, got, page
from tests.replay.test_comparison import CAPTURED, REPLAYED
from wsanalyze.replay.comparison import compare
from wsanalyze.replay.conclusion import conclude
from wsanalyze.replay.model import Captured, NotSent, Replayed
from wsanalyze.replay.results import Compared
from wsanalyze.replay.volatile import learn

UNKNOWN_ROUTE = answer(404, X_Cf_Routererror="unknown_route")
IS_NO_UPGRADE = answer(400, Sec_WebSocket_Version="13")
STRIPPED = compare(captured(400, router=400, verdict="stripped"), came())
PASSED = compare(captured(101, router=101, verdict="passed-through"), came())
REFUSED = compare(captured(404, router=404, verdict="passed-through"), came(404, headers=UNKNOWN_ROUTE))
DOWN = compare(captured(), came(None, error="connection refused", reached=False))
KEPT = compare(page(), NotSent(page(), "POST is not a safe method"))


def blocked(detail: str) -> Captured:
    return captured(502, verdict="blocked", detail=detail)


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (captured(400, router=400, verdict="stripped"), came(),
         "The router accepts this handshake when it arrives with Upgrade: the LB is the cause."),
        (captured(101, answer=answer(101), router=101, outcome="refused", verdict="stripped", detail="response"), came(),
         "The router accepts this handshake, as it did behind the LB: the LB, which strips the upgrade from its answer, is the cause."),
        (blocked("by-policy"), came(), "The router accepts this handshake when it arrives: the LB, which stopped it, is the cause."),
        (blocked("answer-withheld"), came(),
         "The router accepts this handshake, as it did behind the LB: the LB, which withheld its answer, is the cause."),
        (blocked("router-unreachable"), came(),
         "The router accepts this handshake, but the LB could not reach its own: what is between the LB and its router is the cause."),
        (captured(400, verdict="terminated"), came(),
         "The router accepts this handshake as the client sent it: the LB, which answered by itself, is the cause."),
        (captured(426, router=426, verdict="passed-through", detail="http/1.0"), came(),
         "The router accepts this handshake as the client sent it: the LB, which lowered it to HTTP/1.0, is the cause."),
        (captured(503, router=503, verdict="passed-through"), came(),
         ("The router accepts this handshake, which was refused behind the LB: the router there, its app, or what the LB changed on"
          " the way was the cause.")),
        (captured(400), came(),
         ("The router accepts this handshake when it arrives with Upgrade: whether the LB was the cause cannot be told from what"
          " was captured.")),
        (captured(None, outcome="unknown"), came(), "The router accepts this handshake; what the client got was not captured."),
        (captured(None, outcome="unknown"), came(400), "The router refuses this handshake; what the client got was not captured (400)."),
        (captured(None, outcome="unknown"), came(None), "This handshake gets no answer; what the client got was not captured (no-answer)."),
        (captured(404), came(404, headers=UNKNOWN_ROUTE), "This handshake is refused without the LB too (404 unknown_route)."),
        (captured(400, verdict="stripped"), came(403),
         "This handshake is refused without the LB too: the stripped upgrade was not all that was wrong (403)."),
        (captured(400, verdict="stripped"), came(400, headers=IS_NO_UPGRADE),
         "This handshake is refused as servers refuse what has lost its Upgrade: an LB before the target may strip it (400)."),
        (captured(400, head=handshake(Sec_WebSocket_Version="8")), came(400, headers=IS_NO_UPGRADE),
         "This handshake is refused without the LB too (400)."),
        (captured(502), came(None), "This handshake gets no answer without the LB either (no-answer)."),
        (captured(101, verdict="terminated"), came(), "The router accepts this handshake by itself, which the LB had answered in its place."),
        (captured(101, verdict="terminated"), came(400),
         "This handshake had been answered by the LB itself; the router does not accept it (400)."),
        (captured(101), came(), "This handshake is established without the LB as it was with it."),
        (captured(101, close_code=1000), came(close_code=1001),
         "This handshake is established without the LB as it was with it (with differences)."),
        (captured(101), came(503), "This handshake was established through the LB and is not without it (503)."),
        (captured(101), came(error="a masked frame"),
         "This handshake is established without the LB as it was with it, but fails or is cut later on (a masked frame)."),
        (captured(400), came(error="a masked frame"),
         "This handshake fails after it was accepted, where it had not been before (a masked frame)."),
        (captured(400), came(accept_valid=False),
         "This handshake is answered by a Sec-WebSocket-Accept that does not fit its key, which clients must not accept."),
        (page(200), got(200), "The only request gets its captured answer without the LB too."),
        (page(502), got(200), "The only request is answered better than through the LB."),
    ],
)  # fmt: skip
def test_one_exchange(then: Captured, now: Replayed, told: str) -> None:
    assert conclude([compare(then, now)]) == told


def test_several() -> None:
    assert (
        conclude([STRIPPED] * 3)
        == "The router accepts all 3 handshakes when they arrive with Upgrade: the LB is the cause."
    )
    assert conclude([REFUSED, PASSED, STRIPPED, STRIPPED]) == (
        "Of 4 handshakes, the router accepts 2 when they arrive with Upgrade: the LB is the cause; 1 is refused without the LB too"
        " (404 unknown_route); 1 is established without the LB as it was with it."
    )
    others = [compare(page(200), got(status)) for status in (200, 404, 302)]
    assert conclude([PASSED, *others, DOWN, KEPT]) == (
        "This handshake is established without the LB as it was with it. Of 3 requests, 1 is answered worse than through the LB;"
        " 1 is answered otherwise, or had no answer to compare with; 1 is answered as captured. 1 handshake could not be sent (connection refused);"
        " 1 request was not to be sent (POST is not a safe method)."
    )


def test_nothing_was_sent() -> None:
    assert conclude([]) == "There is nothing to replay in this capture."
    assert conclude([KEPT]) == "Nothing was sent: POST is not a safe method."
    assert conclude([DOWN, DOWN]) == (
        "The target could not be reached (connection refused): nothing can be told of 2 handshakes."
    )
    ended = [
        compare(captured(), Replayed("h1")),
        compare(captured(), came(None, error="interrupted", interrupted=True)),
    ]
    assert conclude(ended) == "Nothing can be told: the replay ended before any answer came."
    assert conclude([PASSED, *ended]).endswith(" The replay ended before 2 handshakes were done.")
    assert conclude([compare(page(), got(404))] * 2) == "All 2 requests are answered worse than through the LB."


def test_credentials_that_were_not_sent() -> None:
    of = captured(101, head=handshake(Cookie="a=b"))
    found = compare(of, came(401), request=asked(of, handshake()))
    assert conclude([found]) == (
        "This handshake is refused without the client's credentials, which were not sent and may be the cause (401)."
    )


def test_what_changes_each_time() -> None:
    found = compare(captured(101), came(503), learned=learn([came(101)], [came(503)]))
    assert conclude([found]) == "What comes of this handshake changes from one replay to the next."


@given(st.lists(st.tuples(CAPTURED, REPLAYED), max_size=6))
def test_any_results_have_a_conclusion(exchanges: list[tuple[Captured, Replayed]]) -> None:
    told = conclude([compare(then, now) for then, now in exchanges])
    assert told.endswith(".")
    assert ("is the cause" in told) <= any(now.outcome == "established" for _, now in exchanges)


def test_thousands_take_no_time() -> None:
    many: list[Compared] = []
    began = time.process_time()
    for number in range(3000):
        now = Replayed("h1", error=f"error {number} " + "x" * 1000)
        many += [compare(captured(id_=f"h{number}"), now), compare(captured(400), came(400 + number % 90))]
    assert len(conclude(many)) < 2000
    assert time.process_time() - began < 10
