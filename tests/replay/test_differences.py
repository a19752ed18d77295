"""What counts as another answer, and what is told only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.cases.wire import answer, switching
from tests.replay.exchanges import came, captured, got, page, said
from wsanalyze.replay.differences import MAX_LATER, Difference, differences, reference
from wsanalyze.replay.model import Captured, Replayed
from wsanalyze.replay.volatile import BINARY, CLOSE_CODE, NOTHING_LEARNED, SENT, TEXT, Volatile


def found(
    then: Captured, now: Replayed, learned: Volatile = NOTHING_LEARNED
) -> list[tuple[str, str | None, str | None]]:
    """What differs and counts."""
    return [(one.what, one.captured, one.replayed) for one in differences(then, now, learned) if one.counts]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"Connection": "upgrade"}, {"Connection": "keep-alive, Upgrade"}),
        ({"Upgrade": "WebSocket"}, {"Upgrade": "websocket"}),
        ({"Sec_WebSocket_Extensions": "permessage-deflate; a; b=1"}, {"Sec_WebSocket_Extensions": 'permessage-deflate;b="1"; a'}),
        ({"Content_Type": "text/html; charset=utf-8"}, {"Content_Type": "Text/HTML"}),
        ({"Date": "then"}, {"Date": "now"}),
        ({"X_Vcap_Request_Id": "1"}, {"X_Vcap_Request_Id": "2"}),
        ({"Server": "nginx"}, {"Server": "app"}),
        ({"Sec_WebSocket_Accept": "a"}, {"Sec_WebSocket_Accept": "b"}),
    ],
)  # fmt: skip
def test_no_other_answer(then: dict[str, Any], now: dict[str, Any]) -> None:
    assert not found(captured(answer=switching(**then)), came(headers=switching(**now)))


@pytest.mark.parametrize(
    ("name", "then", "now"),
    [
        ("X-Cf-Routererror", None, "unknown_route"),
        ("X-Cf-RouterError", "no_endpoints", "unknown_route"),
        ("Location", "/login", "https://other.test/login"),
        ("WWW-Authenticate", "Basic realm=a", "Bearer"),
        ("Content-Type", "text/html", None),
        ("Sec-WebSocket-Version", None, "13"),
        ("Upgrade", "websocket", "h2c"),
    ],
)
def test_another_answer(name: str, then: str | None, now: str | None) -> None:
    made = [answer(400, b"", **{name.replace("-", "_"): text}) for text in (then, now)]
    assert found(captured(400, answer=made[0]), came(400, headers=made[1])) == [(name, then, now)]


def test_what_is_only_told() -> None:
    (one,) = differences(captured(answer=switching(Server="a")), came(headers=switching(Server="b")), NOTHING_LEARNED)
    assert one == Difference("Server", "a", "b", counts=False, header=True)


def test_subprotocol_and_extensions() -> None:
    then = captured(answer=switching(Sec_WebSocket_Protocol="chat", Sec_WebSocket_Extensions="permessage-deflate"))
    assert found(then, came()) == [
        ("Sec-WebSocket-Extensions", "permessage-deflate", None),
        ("Sec-WebSocket-Protocol", "chat", None),
    ]


def test_the_routers_own_answer_is_what_counts() -> None:
    then = captured(502, router=503, router_answer=answer(503, X_Cf_Routererror="no_endpoints"))
    assert not found(then, came(503, headers=answer(503, X_Cf_Routererror="no_endpoints")))
    assert found(then, came(502)) == [("status", "503", "502"), ("X-Cf-Routererror", "no_endpoints", None)]


def test_a_router_that_was_asked_something_else() -> None:
    then = captured(101, router=200, verdict="terminated", detail="bridged")
    assert reference(then) == (None, None)
    assert not found(then, came(101, headers=switching(Sec_WebSocket_Protocol="chat")))


def test_http2_has_no_upgrade() -> None:
    then = captured(200, outcome="established", version="2", answer=b":status: 200\nserver: a\n")
    assert not found(then, came(101))
    assert found(page(404, answer=b":status: 404\n"), got(500)) == [("status", "404", "500")]


TALK = said((True, 1, b"hi"), (False, 1, b"a"), (False, 0, b"b"), (False, 2, b"c"), (True, 9, b""), (False, 10, b""))


def test_messages_are_counted_by_kind() -> None:
    then = captured(frames=TALK)
    same = came(sent=1, received=2, received_text=1, received_binary=1)
    assert not found(then, same)
    other = replace(same, sent=0, received_text=2, received_binary=0)
    assert found(then, other) == [(SENT, "1", "0"), (TEXT, "1", "2"), (BINARY, "1", "0")]
    assert not found(replace(then, lost="packets are missing"), other)
    assert not found(then, other, Volatile(facts={"h1": frozenset({SENT, TEXT, BINARY})}))


def test_close_codes() -> None:
    then = captured(close_code=1000)
    assert found(then, came(close_code=1006)) == [(CLOSE_CODE, "1000", "1006")]
    assert not found(captured(), came(close_code=1000))


def test_learned_headers_do_not_count() -> None:
    learned = Volatile(headers={"h1": frozenset({"location"})})
    assert not found(
        captured(302, answer=answer(302, Location="/a")), came(302, headers=answer(302, Location="/b")), learned
    )


def test_headers_without_end_are_not_all_told() -> None:
    many = b"".join(b"X-%d: a\r\n" % number for number in range(100_000))
    told = differences(captured(400), came(400, headers=b"HTTP/1.1 400 No\r\n" + many), NOTHING_LEARNED)
    assert len(told) == MAX_LATER
