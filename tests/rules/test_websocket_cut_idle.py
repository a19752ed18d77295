"""WebSockets that the load balancer ended after a silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import Story, frame, handshake, switching
from tests.rules.finds import finding, findings, instance
from tests.rules.sockets import opened, talk

RULE = "websocket-cut-idle"


@pytest.mark.parametrize(("silence", "owner"), [
    (30, "Google Cloud"), (59.3, "nginx"), (61.5, "AWS Application"), (240, "Azure"), (355, "AWS Network"), (900, "Gorouter"),
])  # fmt: skip
@pytest.mark.parametrize("reset", [True, False])
def test_known_timeouts(tmp_path: Path, silence: float, owner: str, reset: bool) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back, seconds=7)
    story.wait(silence)
    for leg, by_client in ((front, False), (back, True)):
        leg.reset(by_client=by_client) if reset else leg.end(by_client=by_client)
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    note = evidence.note or ""
    assert (found.severity, found.confidence, evidence.side, evidence.handshake) == (
        "warning",
        "certain",
        "front",
        "h1",
    )
    assert note.startswith(f"ended by the load balancer ({'RST' if reset else 'FIN'}) without a Close frame, after ")
    assert f" s is the default of {owner}" in note or f"; {owner}" in note
    assert len(evidence.frames) == 2


@pytest.mark.parametrize("silence", [10.1, 45, 64, 120, 300])
def test_other_timeouts(tmp_path: Path, silence: float) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(silence)
    front.end(by_client=False)
    back.end()
    note = instance(story.analyze(tmp_path), RULE).note or ""
    assert f"after {silence:.1f} s of silence" in note
    assert "default" not in note


def test_nothing_but_the_handshake(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    story.wait(60)
    front.end(by_client=False)
    back.end()
    assert "after 60.0 s of silence, 60.0 s old" in (instance(story.analyze(tmp_path), RULE).note or "")


@pytest.mark.parametrize("opcode", [9, 10])
def test_pings_and_pongs_are_traffic(tmp_path: Path, opcode: int) -> None:
    story = Story()
    front, back = opened(story)
    for _ in range(11):
        story.wait(5)
        back.reply(frame(b"", opcode, masked=False))
        front.reply(frame(b"", opcode, masked=False))
    story.wait(5)
    front.end(by_client=False)
    back.end()
    assert not findings(story.analyze(tmp_path), RULE)


def test_tcp_keep_alive_is_no_traffic(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    for _ in range(5):
        story.wait(12)
        for leg in (front, back):
            leg.sequence[True] -= 1
            leg.packet(True, 16)
            leg.sequence[True] += 1
            leg.packet(False, 16)
    front.end(by_client=False)
    back.end()
    assert "after 60.0 s of silence" in (instance(story.analyze(tmp_path), RULE).note or "")


@pytest.mark.parametrize("who", ["client", "router"])
def test_others_may_end_it_after_a_silence(tmp_path: Path, who: str) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(60)
    for leg in (front, back) if who == "client" else (back, front):
        leg.end(by_client=who == "client")
    assert not findings(story.analyze(tmp_path), RULE)


@pytest.mark.parametrize(("leg", "silence", "there"), [
    ("front", 60, True), ("front", 45, True), ("back", 60, True), ("back", 45, False),
])  # fmt: skip
def test_one_leg_alone_is_likely_at_most(tmp_path: Path, leg: str, silence: float, there: bool) -> None:
    story = Story()
    tcp = (story.front() if leg == "front" else story.back()).ask(handshake()).reply(switching())
    tcp.ask(frame(b"x", masked=True))
    story.wait(silence)
    tcp.end(by_client=leg == "back")
    found = findings(story.analyze(tmp_path), RULE)
    assert [f.confidence for f in found] == ["likely"] * there


def test_a_silence_of_less_than_ten_seconds(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(9)
    front.end(by_client=False)
    back.end()
    assert not findings(story.analyze(tmp_path), RULE)
