"""The load balancer speaks WebSocket itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import Story, answer, frame, handshake, request, rules, switching, told

OTHER = "x3JJHMbDL1EzLkh9GBhXDw=="


def test_local(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(handshake()).reply(switching()).ask(frame(b"hello", masked=True))
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("terminated", "local", "established")
    row = analysis.handshakes.iloc[0]
    assert row["mode"] is None
    assert row["router"] is None
    assert rules(analysis) == {"websocket-terminated"}


def test_re_originated(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(key=OTHER, X_Forwarded_For="203.0.113.10")).reply(switching(OTHER))
    front.reply(switching())
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("terminated", "re-originated", "established")
    assert rules(analysis) == {"websocket-terminated"}


@pytest.mark.parametrize(
    ("own", "mask", "payload", "verdict", "detail"),
    [
        ({"Server": "lb"}, b"\1\2\3\4", b"hello", "terminated", "re-originated"),
        # F5 can mask anew what it passes on: then the 101 is the router's.
        ({"X_Vcap_Request_Id": "4711", "Server": "lb"}, b"\1\2\3\4", b"hello", "passed-through", None),
        # Headers may be removed by who copies the bytes.
        ({"Server": "lb"}, b"\x11\x22\x33\x44", b"hello", "passed-through", None),
        ({"Server": "lb"}, b"\1\2\3\4", b"other", "passed-through", None),
    ],
    ids=["both marks", "masks alone", "headers alone", "another payload"],
)
def test_with_the_clients_own_key(
    tmp_path: Path, own: dict[str, str], mask: bytes, payload: bytes, verdict: str, detail: str | None
) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10")).reply(switching(X_Vcap_Request_Id="4711"))
    front.reply(switching(**own)).ask(frame(b"hello", masked=True))
    back.ask(frame(payload, masked=True, mask=mask))
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (verdict, detail, "established")
    assert analysis.handshakes.iloc[0]["confidence"] == ("likely" if detail else "certain")


def test_re_originated_and_refused(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(key=OTHER, X_Forwarded_For="203.0.113.10")).reply(answer(503, X_Cf_Routererror="no_endpoints"))
    front.reply(answer(502))
    assert told(story.analyze(tmp_path)) == ("terminated", "re-originated", "refused")


def test_bridged_to_plain_http(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake()).reply(switching())
    back.ask(request(target="/ws", X_Forwarded_For="203.0.113.10")).reply(answer(200, b"page")).end()
    front.ask(frame(b"hello", masked=True))
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("terminated", "bridged", "established")
    assert rules(analysis) == {"websocket-terminated", "upgrade-stripped"}
    assert analysis.requests.judged == 0, "a stripped handshake is no request"


def test_bridged_to_raw_tcp(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front = story.front()
    front.ask(handshake()).reply(switching())
    front.ask(frame(b"LOGIN alice", masked=True))
    story.back(port=9000).ask(b"LOGIN alice").reply(b"OK")
    front.reply(frame(b"OK", masked=False))
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("terminated", "bridged", "established")
    assert "raw TCP" in analysis.handshakes.iloc[0]["reason"]


@pytest.mark.parametrize("reply", [switching(), answer(503, X_Cf_Routererror="no_endpoints"), None])
def test_early_with_the_same_key(tmp_path: Path, reply: bytes | None) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(handshake())
    front.reply(switching())
    back.ask(handshake(X_Forwarded_For="203.0.113.10"))
    story.wait(0.05)
    if reply:
        back.reply(reply)
    story.wait(2)
    story.page()
    assert told(story.analyze(tmp_path)) == ("terminated", "early", "established")


@pytest.mark.parametrize("offset", [0.0, 3600.0, -5.5])
def test_where_every_handshake_is_early(tmp_path: Path, offset: float) -> None:
    story = Story(offset)
    for number in range(3):
        key = f"{number:022}=="
        front, back = story.front(), story.back()
        front.ask(handshake(f"/{number}", key=key))
        front.reply(switching(key))
        back.ask(handshake(f"/{number}", key=key, Via="lb"))
        story.wait(0.02)
        back.reply(switching(key))
        story.wait(0.1)
    analysis = story.analyze(tmp_path)
    assert set(analysis.handshakes["detail"]) == {"early"}
    assert analysis.clock_offset.low is None
    assert analysis.clock_offset.high is not None
    assert analysis.clock_offset.high >= offset


def test_one_websocket_behind_carries_many(tmp_path: Path) -> None:
    story = Story()
    story.page()
    back = story.back()
    back.ask(handshake("/mux", key=OTHER)).reply(switching(OTHER))
    for number in range(3):
        key = f"{number:022}=="
        front = story.front()
        front.ask(handshake(f"/{number}", key=key)).reply(switching(key))
        front.ask(frame(b"hello", masked=True))
        back.ask(frame(b"hello", masked=True))
    story.page()
    rows = story.analyze(tmp_path).handshakes
    mine = rows[rows["target"].notna()]
    assert len(mine) == 3
    assert set(mine["verdict"]) <= {"terminated", "undetermined"}


def test_the_load_balancer_answers_101_after_the_router_refused(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10")).reply(answer(404, X_Cf_Routererror="unknown_route"))
    front.reply(switching())
    assert told(story.analyze(tmp_path))[0] == "terminated"
