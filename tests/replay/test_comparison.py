"""Each exchange gets one of the results, with the facts; what is not known makes nothing better or worse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases.wire import KEY, answer, handshake, request, switching
from tests.replay.exchanges import asked, came, captured, got, head_of, page
from wsanalyze.replay.comparison import compare
from wsanalyze.replay.model import Captured, NotSent, Replayed
from wsanalyze.replay.results import RESULTS
from wsanalyze.replay.volatile import learn

UNKNOWN_ROUTE = answer(404, X_Cf_Routererror="unknown_route")


@pytest.mark.parametrize(
    ("then", "now", "result", "why"),
    [
        (captured(101, router=101, verdict="passed-through"), came(101), "same", "established as captured (101)"),
        (captured(400, router=400, verdict="stripped"), came(101), "better",
         "101 instead of 400: the router accepts it when it arrives with Upgrade, which the LB had stripped"),
        (captured(403, verdict="blocked"), came(101), "better",
         "101 instead of 403: the router accepts it when it arrives; the LB had stopped it"),
        (captured(502, router=101, verdict="blocked"), came(101), "better",
         "101 instead of 502 (the router had answered 101): the router accepts it when it arrives; the LB had stopped it"),
        (captured(503, router=503, verdict="passed-through"), came(101), "better",
         "101 instead of 503: the router did not accept it as the LB had passed it on"),
        (captured(400), came(101), "better", "101 instead of 400: it is accepted without what was between"),
        (captured(None), came(101), "better", "101 instead of no answer: it is accepted without what was between"),
        (captured(101), came(400), "worse", "400 instead of 101"),
        (captured(101, verdict="terminated"), came(400), "worse", "400 instead of 101: the LB had answered by itself"),
        (captured(101), came(None, error="no answer within 10 s"), "worse", "no answer instead of 101: no answer within 10 s"),
        (captured(101), came(101, accept_valid=False), "worse",
         "101 with a Sec-WebSocket-Accept that does not answer the key instead of 101"),
        (captured(101, answer=switching(KEY[::-1])), came(101), "better",
         "101 instead of 101 with a Sec-WebSocket-Accept that does not answer the key: it is accepted without what was between"),
        (captured(400), came(400), "same", "400 as captured"),
        (captured(400), came(403), "different", "403 instead of 400"),
        (captured(400), came(None, outcome="reset"), "different", "a reset instead of 400"),
        (captured(404), came(404, headers=UNKNOWN_ROUTE), "different",
         ("404 as captured: X-Cf-Routererror is unknown_route, which means: no app is mapped to this host: check `cf routes`,"
         " and that the load balancer does not rewrite Host")),
        (captured(400), came(101, error="a frame with reserved bits"), "different", "101 instead of 400: a frame with reserved bits"),
        (captured(101, close_code=1000), came(101, error="the connection ended", close_code=1006), "worse",
         "101 as captured: close code 1006 instead of 1000; the connection ended"),
        (captured(101, close_code=1006), came(101, error="the connection ended", close_code=1006), "same",
         "established as captured (101): the connection ended"),
        (captured(None, outcome="unknown"), came(101), "different", "101; what the client got was not captured"),
        (captured(None, outcome=""), came(400), "different", "400; what the client got was not captured"),
        (page(200), got(200), "same", "200 as captured"),
        (page(502), got(200), "better", "200 instead of 502"),
        (page(None), got(204), "better", "204 instead of no answer"),
        (page(200), got(404), "worse", "404 instead of 200"),
        (page(200), got(302), "different", "302 instead of 200"),
        (page(200), got(None), "worse", "no answer instead of 200"),
    ],
)  # fmt: skip
def test_results(then: Captured, now: Replayed, result: str, why: str) -> None:
    found = compare(then, now)
    assert (found.result, found.why) == (result, why)


def test_what_was_not_sent() -> None:
    assert compare(captured(), NotSent(captured(), "POST is not safe")).why == "POST is not safe"
    assert (
        compare(captured(), Replayed("h1", error="connection refused")).why
        == "it could not be sent: connection refused"
    )
    assert compare(captured(), Replayed("h1")).why == "the replay ended before it was sent"


@pytest.mark.parametrize(
    ("then", "now", "status", "result"),
    [
        ({"Authorization": "Bearer s3cret"}, {}, 401, "different"),
        ({"Cookie": "a=b"}, {}, 404, "different"),
        ({"target": "/chat?token=s3cret"}, {"target": "/chat"}, 403, "different"),
        ({"target": "/chat?a=b"}, {"target": "/other"}, 403, "worse"),
        ({"Authorization": "Bearer s3cret"}, {"Authorization": "Bearer s3cret"}, 401, "worse"),
        ({"Cookie": "a=b"}, {}, 502, "worse"),
        ({}, {}, 401, "worse"),
    ],
)
def test_credentials_that_were_not_sent(then: dict[str, Any], now: dict[str, Any], status: int, result: str) -> None:
    of = captured(head=handshake(**then))
    found = compare(of, came(status), request=asked(of, handshake(**now)))
    assert found.result == result
    assert found.withheld is (result == "different")
    assert ("credentials were not sent" in found.why) is found.withheld


def test_credentials_of_http2() -> None:
    head = b":method: CONNECT\n:path: /chat\ncookie: a=b\n"
    of = captured(head=head, version="2")
    without = asked(of, b"", fields=((b":method", b"CONNECT"), (b":path", b"/chat")))
    assert compare(of, came(401), request=without).withheld
    all_ = replace(without, fields=(*without.fields, (b"cookie", b"a=b")))
    assert not compare(of, came(401), request=all_).withheld


def test_an_outcome_that_changes_is_neither_better_nor_worse() -> None:
    runs = [came(101)], [came(503)]
    for then in (captured(101), captured(400)):
        for now in (runs[0][0], runs[1][0]):
            found = compare(then, now, learned=learn(*runs))
            assert (found.result, found.unsteady) == ("different", True)


def test_sentences_carry_no_secrets() -> None:
    then = captured(302, head=request(), answer=answer(302, Location="/login?state=1"))
    now = came(302, headers=answer(302, Location="/login?access_token=s3cret"), error="at /x?token=s3cret")
    assert "s3cret" not in compare(then, now).why
    token = captured(answer=switching(Sec_WebSocket_Protocol="access_token, s3crets3cret"))
    found = compare(token, came())
    assert "Sec-WebSocket-Protocol none instead of access_token, ***" in found.why


def test_sentences_are_short() -> None:
    now = came(400, headers=answer(400, Location="x" * 10_000, X_Cf_Routererror="y" * 10_000), error="z" * 10_000)
    assert len(compare(captured(400), now).why) < 1000


OUTCOMES = st.sampled_from(["established", "refused", "answered", "no-answer", "reset", "unknown", ""])
STATUS = st.one_of(st.none(), st.sampled_from([101, 200, 302, 400, 401, 404, 502, 999]))
HEADS = st.one_of(st.none(), st.binary(max_size=200), st.just(switching()), st.just(UNKNOWN_ROUTE))
HEADERS = st.lists(
    st.tuples(st.sampled_from(["Upgrade", "Location", "x-cf-routererror", "\x1b", ""]), st.text(max_size=20)),
    max_size=5,
)
CAPTURED = st.builds(
    captured, STATUS, handshake=st.booleans(), head=HEADS.map(lambda head: head or b""), answer=HEADS, outcome=OUTCOMES,
    router_answer=HEADS, router_status=STATUS, verdict=st.sampled_from([None, "stripped", "terminated", "blocked", "passed-through", "undetermined"]),
    close_code=st.sampled_from([None, 1000, 1006]),
)  # fmt: skip
REPLAYED = st.builds(
    Replayed, st.just("h1"), st.one_of(st.none(), OUTCOMES.filter(bool)), STATUS, HEADERS.map(tuple), st.sampled_from([None, True, False]),
    error=st.one_of(st.none(), st.text(max_size=20)), close_code=st.sampled_from([None, 1000, 1006]),
)  # fmt: skip


@given(CAPTURED, REPLAYED)
def test_any_two_give_a_result(then: Captured, now: Replayed) -> None:
    found = compare(then, now, request=asked(then))
    assert found.result in RESULTS
    assert found.why
    assert (found.result == "not-sent") is (now.outcome is None)
    if found.result in {"better", "worse"}:
        assert then.outcome in {"established", "refused", "answered", "no-answer", "reset"}
    if found.result == "better":
        assert now.outcome in {"established", "answered"}
        assert now.accept_valid is not False or not then.handshake
        assert not now.error


@given(
    STATUS, st.booleans(), st.dictionaries(st.sampled_from(["Server", "Location", "Date"]), st.sampled_from(["a", "b"]))
)
def test_the_captured_answer_again_is_the_same(status: int | None, is_handshake: bool, headers: dict[str, str]) -> None:
    head = head_of(status, **headers)
    then = (captured if is_handshake else page)(status, id_="x", answer=head)
    now = (came if is_handshake else got)(status, id_="x", headers=head)
    assert compare(then, now).result == "same"
