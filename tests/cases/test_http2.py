"""HTTP/2 on either leg: translated handshakes, refusals by status and by RST_STREAM, identical paths in flight, layer 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import http2
from tests.cases.http2 import PREFACE, Http2
from tests.cases.wire import CLIENT, Story, Tcp, answer, frame, handshake, request, rules, switching, told

FORWARDED = {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "http"}


def key(number: int) -> str:
    """A key that the load balancer makes."""
    return f"bWFkZSBieSB0aGUgTEI{number}MA=="


def begin(leg: Tcp) -> Http2:
    """The connection's beginning."""
    leg.ask(PREFACE + http2.settings())
    leg.reply(http2.settings(connect=True))
    return Http2()


def talk(front: Tcp, back: Tcp, stream: int, said: bytes, mask: bytes) -> None:
    """A message and its echo, through a load balancer that copies frames."""
    front.ask(http2.data(stream, frame(said, masked=True, mask=mask)))
    back.ask(frame(said, masked=True, mask=mask))
    back.reply(frame(said, masked=False))
    front.reply(http2.data(stream, frame(said, masked=False)))


def test_translated_to_http1(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    h2 = begin(front)
    front.ask(h2.connect(1))
    back.ask(handshake(key=key(1), **FORWARDED))
    back.reply(switching(key(1)))
    front.reply(h2.answer(1, 200))
    talk(front, back, 1, b"hello", b"\1\2\3\4")
    analysis = story.analyze(tmp_path)
    (row,) = analysis.handshakes.to_dict("records")
    assert told(analysis) == ("passed-through", None, "established")
    assert (row["mode"], row["method"], row["http_version"], row["key"]) == ("h2-to-h1", "CONNECT", "2", None)
    assert (row["front_status"], row["back_status"], row["confidence"]) == (200, 101, "certain")
    assert row["messages_client"] == 1
    assert "translated to HTTP/1.1" in row["reason"]
    assert "200 to its extended CONNECT" not in row["reason"]


def test_translated_to_http2(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    h2 = begin(back)
    front.ask(handshake())
    back.ask(h2.connect(1, "/ws", ("x-forwarded-for", CLIENT)))
    back.reply(h2.answer(1, 200))
    front.reply(switching())
    analysis = story.analyze(tmp_path)
    (row,) = analysis.handshakes.to_dict("records")
    assert told(analysis) == ("passed-through", None, "established")
    assert (row["mode"], row["front_status"], row["back_status"]) == ("h1-to-h2", 101, 200)


def test_http2_on_both_legs(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    ours, theirs = begin(front), begin(back)
    front.ask(ours.connect(1))
    back.ask(theirs.connect(1, "/ws", ("x-forwarded-for", CLIENT)))
    back.reply(theirs.answer(1, 200))
    front.reply(ours.answer(1, 200))
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("passed-through", None, "established")
    assert list(analysis.handshakes["mode"]) == ["h2"]


def test_http2_carried_byte_for_byte(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    h2 = Http2()
    for asked in (PREFACE + http2.settings(), h2.connect(1)):
        front.ask(asked)
        back.ask(asked)
    for said in (http2.settings(connect=True), h2.answer(1, 200)):
        back.reply(said)
        front.reply(said)
    analysis = story.analyze(tmp_path)
    (row,) = analysis.handshakes.to_dict("records")
    assert told(analysis) == ("passed-through", None, "established")
    assert (row["mode"], row["pairing"]) == ("tcp", "bytes")


@pytest.mark.parametrize("how", ["status", "reset", "goaway"])
def test_refused_by_the_load_balancer(tmp_path: Path, how: str) -> None:
    story = Story()
    story.page()
    front = story.front()
    h2 = begin(front)
    front.ask(h2.connect(1))
    refusal = {
        "status": h2.answer(1, 400, end=True),
        "reset": http2.reset(1, http2.PROTOCOL_ERROR),
        "goaway": http2.goaway(0),
    }
    front.reply(refusal[how])
    if how == "goaway":
        front.end(by_client=False)
    story.wait(2)
    story.page()
    story.page()
    analysis = story.analyze(tmp_path)
    (row,) = analysis.handshakes.to_dict("records")
    assert (row["verdict"], row["detail"]) == ("blocked", "by-policy"), row["reason"]
    assert (row["outcome"], row["ended_by"]) == (("refused", None) if how == "status" else ("reset", "lb"))
    assert "handshake-blocked" in rules(analysis)
    (finding,) = [finding for finding in analysis.findings if finding.rule == "handshake-blocked"]
    assert "HTTP/2" in finding.title
    if how == "reset":
        assert "RST_STREAM PROTOCOL_ERROR" in row["reason"]


def test_the_client_gave_up_first(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    h2 = begin(front)
    front.ask(h2.connect(1))
    back.ask(handshake(key=key(1), **FORWARDED))
    story.wait(2)
    front.ask(http2.reset(1))
    story.wait(1)
    back.reply(switching(key(1)))
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("passed-through", None, "reset")
    assert list(analysis.handshakes["ended_by"]) == ["client"]


def test_the_router_resets_the_stream(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    ours, theirs = begin(front), begin(back)
    front.ask(ours.connect(1))
    back.ask(theirs.connect(1, "/ws", ("x-forwarded-for", CLIENT)))
    back.reply(http2.reset(1, http2.PROTOCOL_ERROR))
    front.reply(ours.answer(1, 502, end=True))
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("passed-through", None, "refused")
    assert "the router reset the stream (RST_STREAM PROTOCOL_ERROR" in analysis.handshakes["reason"].iloc[0]


def test_stripped_in_translation(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    h2 = begin(front)
    front.ask(h2.connect(1))
    back.ask(request(target="/ws", Sec_WebSocket_Version="13", **FORWARDED))
    back.reply(answer(400, b"no"))
    front.reply(h2.answer(1, 400, end=True))
    story.page()
    assert told(story.analyze(tmp_path)) == ("stripped", "upgrade+connection", "refused")


@pytest.mark.parametrize("asks_router", [True, False])
def test_spoken_by_the_load_balancer(tmp_path: Path, asks_router: bool) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    h2 = begin(front)
    front.ask(h2.connect(1))
    front.reply(h2.answer(1, 200))
    story.wait(0.1)
    if asks_router:
        back.ask(handshake(key=key(1), **FORWARDED))
        back.reply(switching(key(1)))
    story.wait(2)
    story.page()
    told_ = told(story.analyze(tmp_path))
    assert told_ == ("terminated", "early" if asks_router else "local", "established")


def test_identical_paths_in_flight(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, other = story.front(), story.front("203.0.113.11")
    h2 = {leg.client[1]: begin(leg) for leg in (front, other)}
    backs = [story.back() for _ in range(4)]
    asked = [(front, 1), (front, 3), (other, 1), (other, 3)]
    for leg, stream in asked:
        leg.ask(h2[leg.client[1]].connect(stream))
    # The load balancer forwards them in another order than they came in.
    order = (2, 0, 3, 1)
    for number, back in enumerate(backs):
        back.ask(handshake(key=key(number)))
    for number, back in enumerate(backs):
        back.reply(switching(key(number)))
    for number in order:
        leg, stream = asked[number]
        leg.reply(h2[leg.client[1]].answer(stream, 200))
    for back, number in zip(backs, order, strict=True):
        leg, stream = asked[number]
        talk(leg, back, stream, b"hello", bytes([number, 7, 8, 9]))
    analysis = story.analyze(tmp_path)
    rows = analysis.handshakes
    assert set(rows["verdict"]) == {"passed-through"}
    expected = {
        (f"{asked[number][0].client[0]}:{asked[number][0].client[1]}", f"10.244.0.1:{back.client[1]}")
        for back, number in zip(backs, order, strict=True)
    }
    assert set(zip(rows["client"], rows["lb_back"], strict=True)) == expected
    assert set(rows["confidence"]) == {"certain"}


def test_identical_paths_that_say_nothing(tmp_path: Path) -> None:
    """Where nothing tells them apart each gets a partner of its own, and what all have in common is still true."""
    story = Story()
    story.page()
    front = story.front()
    h2 = begin(front)
    backs = [story.back() for _ in range(3)]
    for stream in (1, 3, 5):
        front.ask(h2.connect(stream))
    for number, back in enumerate(backs):
        back.ask(handshake(key=key(number)))
    for number, back in enumerate(backs):
        back.reply(switching(key(number)))
    for stream in (1, 3, 5):
        front.reply(h2.answer(stream, 200))
    rows = story.analyze(tmp_path).handshakes
    assert list(rows["verdict"]) == ["passed-through"] * 3
    assert list(rows["confidence"]) == ["likely"] * 3
    assert rows["lb_back"].nunique() == 3


def test_ordinary_requests_are_judged(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    ours, theirs = begin(front), begin(back)
    for stream, forwarded in ((1, True), (3, False)):
        names = [("x-forwarded-for", CLIENT), ("x-forwarded-proto", "http")] if forwarded else []
        front.ask(ours.request(stream, f"/page/{stream}"))
        back.ask(theirs.request(stream, f"/page/{stream}", *names))
        back.reply(theirs.answer(stream, 200) + http2.data(stream, b"ok", end=True))
        front.reply(ours.answer(stream, 200) + http2.data(stream, b"ok", end=True))
    counts = story.analyze(tmp_path).requests
    assert (counts.total, counts.judged, counts.paired) == (2, 2, 2)
    assert (counts.missing_x_forwarded_for, counts.missing_x_forwarded_proto) == (1, 1)


def test_a_header_that_was_sent_before_the_capture_is_not_missing(tmp_path: Path) -> None:
    """What HPACK refers to by number, and the capture does not hold, is unknown and no proof of anything."""
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    ours, theirs = begin(front), begin(back)
    forwarded = (("x-forwarded-for", CLIENT), ("x-forwarded-proto", "http"))
    for stream in (1, 3):
        front.ask(ours.request(stream, f"/page/{stream}"))
        back.ask(theirs.request(stream, f"/page/{stream}", *forwarded))
        back.reply(theirs.answer(stream, 200, end=True))
        front.reply(ours.answer(stream, 200, end=True))
        if stream == 1:
            story.records["back"] = [one for one in story.records["back"] if one[0] < story.now - 1]
    analysis = story.analyze(tmp_path)
    assert analysis.requests.missing_x_forwarded_for == 0
    assert "x-forwarded-for-missing" not in rules(analysis)


@pytest.mark.parametrize("status", ["65736", "0200", "200abc", "1000", "+200", "99999999999999999999", ""])
def test_a_status_that_is_none_is_not_invented(tmp_path: Path, status: str) -> None:
    story = Story()
    story.page()
    front = story.front()
    h2 = begin(front)
    front.ask(h2.connect(1))
    front.reply(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, h2.server.encode([(":status", status)])))
    story.wait(2)
    story.page()
    story.page()
    (row,) = story.analyze(tmp_path).handshakes.astype(object).to_dict("records")
    assert row["verdict"] == "undetermined", row["reason"]
    assert (
        row["front_status"] is None or row["front_status"] != row["front_status"] or str(row["front_status"]) == "<NA>"
    )


@pytest.mark.parametrize("legible", [True, False])
def test_what_cannot_be_followed_on_the_back_may_hide_the_handshake(tmp_path: Path, legible: bool) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    begin(back)
    front.ask(handshake())
    # A frame longer than any that was allowed (RFC 9113 4.2): nobody knows where the next one begins.
    back.ask(http2.data(1, b"x") if legible else b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + b"x" * 300)
    front.reply(answer(502))
    story.wait(20)
    story.page()
    verdict = told(story.analyze(tmp_path))[:2]
    assert verdict == (("blocked", "by-policy") if legible else ("undetermined", "packets-missing"))
