"""Connections to the router that came to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import ACK, FIN, LB_BACK, ROUTER, RST, SYN, Story, answer, handshake, told
from tests.rules.finds import finding, findings, instance

RULE = "router-unreachable"


def test_a_refused_connection(tmp_path: Path) -> None:
    story = Story()
    story.page()
    tcp = story.tcp("back", LB_BACK, ROUTER, 81)
    tcp.packet(True, SYN)
    tcp.packet(False, RST | ACK)
    story.page()
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    assert (found.severity, found.confidence, found.title) == (
        "warning", "certain", "The load balancer could not connect to the router, 1 time",
    )  # fmt: skip
    frame = evidence.frames[0]
    assert (evidence.side, evidence.frames) == ("back", (frame, frame + 1))
    assert evidence.note == f"{LB_BACK}:{tcp.client[1]} to {ROUTER}:81: refused"


def test_connections_that_nothing_answers(tmp_path: Path) -> None:
    story = Story()
    for _ in range(3):
        story.tcp("back", LB_BACK, ROUTER, 81).packet(True, SYN)
        story.wait(1)
    story.page()
    found = finding(story.analyze(tmp_path), RULE)
    assert (found.confidence, found.count) == ("certain", 3)
    assert found.title.endswith(", 3 times")
    assert [evidence.frames for evidence in found.evidence] == [(1,), (2,), (3,)]


def test_a_handshake_that_was_lost_to_it(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front = story.front().ask(handshake())
    tcp = story.tcp("back", LB_BACK, ROUTER, 80)
    tcp.packet(True, SYN)
    tcp.packet(False, RST | ACK)
    front.reply(answer(502))
    story.wait(2)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("blocked", "router-unreachable", "refused")
    assert instance(analysis, RULE).handshake == "h1"


@pytest.mark.parametrize("later", [0.1, 0.9, 1.1])
def test_the_capture_has_to_go_on(tmp_path: Path, later: float) -> None:
    story = Story()
    story.page()
    story.tcp("back", LB_BACK, ROUTER, 81).packet(True, SYN)
    story.wait(later)
    story.page()
    assert bool(findings(story.analyze(tmp_path), RULE)) == (later > 1)


def test_one_packet_may_be_lost_with_others(tmp_path: Path) -> None:
    story = Story()
    back = story.back().ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    back.sequence[False] += 100
    back.reply(answer(200))
    story.tcp("back", LB_BACK, ROUTER, 81).packet(True, SYN)
    repeated = story.tcp("back", LB_BACK, ROUTER, 82)
    for _ in range(3):
        repeated.packet(True, SYN)
        repeated.sequence[True] -= 1
        story.wait(1)
    story.page()
    by_confidence = {f.confidence: f.evidence[0].note or "" for f in findings(story.analyze(tmp_path), RULE)}
    assert by_confidence["likely"].endswith(":81: unanswered")
    assert by_confidence["certain"].endswith(":82: unanswered")


def test_answers_that_were_not_captured_are_no_silence(tmp_path: Path) -> None:
    story = Story()
    story.page()
    for data in (b"", b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"):
        one_sided = story.tcp("back", LB_BACK, ROUTER, 80)
        for flags, sent in ((SYN, b""), (ACK, b""), (ACK, data)):
            one_sided.packet(True, flags, sent)
    story.wait(5)
    story.page()
    assert not findings(story.analyze(tmp_path), RULE)


def test_what_was_opened_and_closed_is_reachable(tmp_path: Path) -> None:
    story = Story()
    story.back().end()
    story.back().reset()
    story.back().reset(by_client=False)
    mid_stream = story.tcp("back", LB_BACK, ROUTER, 80)
    mid_stream.packet(True, FIN | ACK)
    mid_stream.packet(False, RST)
    story.front().reset(by_client=False)
    story.wait(5)
    story.page()
    assert not findings(story.analyze(tmp_path), RULE)
