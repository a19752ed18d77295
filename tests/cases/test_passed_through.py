"""The client's own handshake reaches the router; what comes of it is the router's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import KEY, STEP, Story, answer, close, frame, handshake, request, rules, switching, told

PASSED = ("passed-through", None)


def through(
    story: Story, front_request: bytes, back_request: bytes, reply: bytes, front_reply: bytes | None = None
) -> None:
    """A handshake and its answer, on connections of their own."""
    front, back = story.front(), story.back()
    front.ask(front_request)
    back.ask(back_request)
    back.reply(reply)
    front.reply(front_reply or reply)


def test_established(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10"))
    back.reply(switching())
    front.reply(switching())
    for data, masked in ((b"hello", True), (b"world", False)):
        for leg in (front, back):
            (leg.ask if masked else leg.reply)(frame(data, masked=masked))
    for leg in (front, back):
        leg.ask(close(1000, masked=True))
        leg.reply(close(1000, masked=False)).end()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (*PASSED, "established")
    row = analysis.handshakes.iloc[0]
    assert (row["mode"], row["confidence"], row["pairing"]) == ("http", "certain", "sec-websocket-key")
    assert (row["front_frames"], row["back_frames"]) == ((4, 6), (4, 6))
    assert (row["close_code"], row["closed_by"], row["messages_client"], row["messages_server"]) == (
        1000,
        "client",
        1,
        1,
    )
    assert not analysis.findings


@pytest.mark.parametrize(
    ("status", "error"), [(403, None), (404, "unknown_route"), (503, "no_endpoints"), (426, None), (200, None)]
)
def test_refused_by_the_router(tmp_path: Path, status: int, error: str | None) -> None:
    story = Story()
    reply = answer(status, b"no", X_Cf_Routererror=error)
    through(story, handshake(), handshake(X_Forwarded_For="203.0.113.10"), reply)
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (*PASSED, "refused")
    assert rules(analysis) == ({"router-error"} if error else set())


@pytest.mark.parametrize(
    "changed",
    [
        handshake(Connection="keep-alive, Upgrade", Host="10.244.0.10"),
        handshake(target="/prefix/ws", Via="1.1 lb"),
        handshake()
        .lower()
        .replace(b"get", b"GET")
        .replace(b"http/1.1", b"HTTP/1.1")
        .replace(KEY.lower().encode(), KEY.encode()),
        handshake().replace(b"Sec-WebSocket", b"Sec-Websocket"),
    ],
)
def test_what_load_balancers_change_and_may(tmp_path: Path, changed: bytes) -> None:
    story = Story()
    through(story, handshake(), changed, switching())
    assert told(story.analyze(tmp_path)) == (*PASSED, "established")


def test_the_version_was_lowered_and_the_upgrade_survived(tmp_path: Path) -> None:
    story = Story()
    through(story, handshake(), handshake().replace(b"HTTP/1.1", b"HTTP/1.0"), switching())
    assert told(story.analyze(tmp_path)) == ("passed-through", "http/1.0", "established")


def test_absolute_form_in_front(tmp_path: Path) -> None:
    story = Story()
    through(story, handshake(target="http://app.test/ws"), handshake(X_Forwarded_For="1.2.3.4"), switching())
    assert told(story.analyze(tmp_path)) == (*PASSED, "established")


def test_keep_alive_in_front_and_a_pooled_connection_behind(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    for number in range(3):
        front.ask(request(target=f"/{number}"))
        back.ask(request(target=f"/{number}", X_Forwarded_For="203.0.113.10", X_Forwarded_Proto="http"))
        back.reply(answer(200, b"x"))
        front.reply(answer(200, b"x"))
    front.ask(handshake())
    other = story.back()
    other.ask(handshake(X_Forwarded_For="203.0.113.10"))
    other.reply(answer(404, X_Cf_Routererror="unknown_route"))
    front.reply(answer(404, X_Cf_Routererror="unknown_route"))
    front.ask(request(target="/after"))
    back.ask(request(target="/after", X_Forwarded_For="203.0.113.10", X_Forwarded_Proto="http"))
    back.reply(answer(200))
    front.reply(answer(200))
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (*PASSED, "refused")
    assert (analysis.requests.total, analysis.requests.judged, analysis.requests.paired) == (4, 4, 4)


def test_frames_before_and_with_the_101(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake() + frame(b"early", masked=True))
    back.ask(handshake(X_Forwarded_For="203.0.113.10") + frame(b"early", masked=True))
    back.reply(switching() + frame(b"at once", masked=False))
    front.reply(switching() + frame(b"at once", masked=False))
    row = story.analyze(tmp_path).handshakes.iloc[0]
    assert (row["verdict"], row["outcome"], row["messages_client"], row["messages_server"]) == (
        "passed-through",
        "established",
        1,
        1,
    )


def test_a_key_that_is_not_16_bytes(tmp_path: Path) -> None:
    story = Story()
    through(story, handshake(key="short"), handshake(key="short", X_Forwarded_For="1.2.3.4"), answer(400, b"bad key"))
    assert told(story.analyze(tmp_path)) == (*PASSED, "refused")


def test_a_head_over_several_segments(tmp_path: Path) -> None:
    story = Story()
    large = {f"X_Large_{number}": "v" * 900 for number in range(4)}
    through(story, handshake(**large), handshake(X_Forwarded_For="1.2.3.4", **large), switching())
    assert told(story.analyze(tmp_path)) == (*PASSED, "established")


@pytest.mark.parametrize("says", [502, 504, None])
def test_the_router_never_answers(tmp_path: Path, says: int | None) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10"))
    story.wait(30)
    back.end(by_client=True)
    if says:
        front.reply(answer(says, b"timeout"))
    front.end(by_client=False)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (*PASSED, "refused" if says else "reset")
    assert analysis.handshakes.iloc[0]["ended_by"] == (None if says else "lb")


def test_the_client_gives_up_first(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10"))
    front.reset(by_client=True)
    story.wait(2)
    back.reply(switching()).end()
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (*PASSED, "reset")
    assert analysis.handshakes.iloc[0]["ended_by"] == "client"


def test_the_load_balancer_replaces_the_routers_error_page(tmp_path: Path) -> None:
    story = Story()
    refusal = answer(503, b"no", X_Cf_Routererror="no_endpoints")
    through(story, handshake(), handshake(X_Forwarded_For="203.0.113.10"), refusal, answer(500, b"sorry"))
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (*PASSED, "refused")
    assert rules(analysis) == {"router-error", "answer-altered"}


def test_a_second_router_is_tried(tmp_path: Path) -> None:
    story = Story()
    front = story.front()
    front.ask(handshake())
    first = story.back("10.244.0.11").ask(handshake(X_Forwarded_For="203.0.113.10"))
    first.reset(by_client=False)
    second = story.back("10.244.0.12").ask(handshake(X_Forwarded_For="203.0.113.10"))
    second.reply(switching())
    front.reply(switching())
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (*PASSED, "established")
    assert analysis.handshakes.iloc[0]["router"] == "10.244.0.12:80"


def test_intact_first_and_then_without_the_upgrade(tmp_path: Path) -> None:
    story = Story()
    front = story.front()
    front.ask(handshake())
    first = story.back("10.244.0.11").ask(handshake(X_Forwarded_For="203.0.113.10"))
    first.reply(answer(503, X_Cf_Routererror="no_endpoints")).end()
    again = handshake(Upgrade=None, Connection="close", X_Forwarded_For="203.0.113.10")
    story.back("10.244.0.12").ask(again).reply(answer(400, b"no")).end()
    front.reply(answer(400, b"no"))
    analysis = story.analyze(tmp_path)
    assert told(analysis) == (*PASSED, "refused")
    assert rules(analysis) == {"handshake-retried", "router-error"}


@pytest.mark.parametrize("proxy", [b"", b"PROXY TCP4 203.0.113.10 203.0.113.1 50001 80\r\n"])
def test_the_same_bytes(tmp_path: Path, proxy: bytes) -> None:
    story = Story()
    for number in range(3):
        front, back = story.front(), story.back()
        front.ask(handshake(target=f"/ws/{number}", key=KEY))
        header = proxy.replace(b"50001", str(front.client[1]).encode())
        back.ask(header + handshake(target=f"/ws/{number}", key=KEY))
        back.reply(switching())
        front.reply(switching())
    rows = story.analyze(tmp_path).handshakes
    assert list(rows["verdict"]) == ["passed-through"] * 3
    assert set(rows["mode"]) == {"tcp"}
    assert set(rows["pairing"]) == {"bytes"}


@pytest.mark.parametrize("offset", [3.7, -7200.0, 1e6])
def test_clocks_that_differ(tmp_path: Path, offset: float) -> None:
    story = Story(offset)
    for number in range(4):
        story.page()
        through(
            story,
            handshake(f"/{number}", key=f"{number:022}=="),
            handshake(f"/{number}", key=f"{number:022}==", Via="lb"),
            switching(f"{number:022}=="),
        )
    analysis = story.analyze(tmp_path)
    assert set(analysis.handshakes["verdict"]) == {"passed-through"}
    clock = analysis.clock_offset
    assert clock.low is not None
    assert clock.high is not None
    assert clock.low <= offset <= clock.high
    assert clock.high - clock.low < 100 * STEP


def test_ipv6(tmp_path: Path) -> None:
    story = Story()
    front = story.tcp("front", "2001:db8::10", "2001:db8::1", 80).connect()
    back = story.tcp("back", "fd00::1", "fd00::10", 80).connect()
    front.ask(handshake())
    back.ask(handshake(Via="lb"))
    back.reply(switching())
    front.reply(switching())
    row = story.analyze(tmp_path).handshakes.iloc[0]
    assert row["verdict"] == "passed-through"
    assert row["client"] == f"[2001:db8::10]:{front.client[1]}"
    assert row["router"] == "[fd00::10]:80"
