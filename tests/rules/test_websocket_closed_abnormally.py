"""WebSockets that ended in another way than they should."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.cases.wire import Story, close, frame, handshake, switching
from tests.rules.finds import finding, findings, instance
from tests.rules.sockets import opened, talk

RULE = "websocket-closed-abnormally"
NO_PONG = b"Client did not respond to ping before keep-alive timeout expired."


def closing(code: int, reason: bytes = b"", *, masked: bool) -> bytes:
    return frame(struct.pack(">H", code) + reason, 8, masked=masked)


@pytest.mark.parametrize("reset", [True, False])
def test_the_load_balancer_cut_it_in_the_middle(tmp_path: Path, reset: bool) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back, seconds=17)
    if reset:
        front.reset(by_client=False)
        back.reset()
    else:
        front.end(by_client=False)
        back.end()
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    how = "RST" if reset else "FIN"
    assert (found.severity, found.confidence, evidence.side, evidence.handshake) == (
        "warning",
        "certain",
        "front",
        "h1",
    )
    assert evidence.note == (
        f"ended by the load balancer ({how}) without a Close frame, after 0.0 s of silence, 17.0 s old"
    )
    assert len(evidence.frames) == 2


def test_the_router_cut_it(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(900)
    story.page()
    back.reset(by_client=False)
    story.wait(0.002)
    front.reset(by_client=False)
    found = finding(story.analyze(tmp_path), RULE)
    assert (found.severity, found.evidence[0].side) == ("warning", "back")
    assert "900 s is the default of Gorouter" in (found.evidence[0].note or "")


@pytest.mark.parametrize("seconds", [1, 60])
def test_the_client_just_left(tmp_path: Path, seconds: float) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(seconds)
    front.end()
    back.end()
    found = finding(story.analyze(tmp_path), RULE)
    assert (found.severity, found.confidence) == ("info", "certain")
    assert (found.evidence[0].note or "").startswith("ended by the client (FIN)")


@pytest.mark.parametrize("code", [1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1015])
def test_codes_of_a_fault(tmp_path: Path, code: int) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    for leg in (back, front):
        leg.reply(closing(code, b"why", masked=False)).end(by_client=False)
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    assert (found.severity, found.confidence, evidence.side) == ("warning", "certain", "front")
    assert (evidence.note or "").startswith(f"router: Close {code}, ")
    assert "“why”" in (evidence.note or "")
    assert len(evidence.frames) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1012, 1013, 3000, 4999])
@pytest.mark.parametrize("by_client", [True, False])
def test_codes_of_no_fault(tmp_path: Path, code: int, by_client: bool) -> None:
    story = Story()
    for leg in opened(story):
        if by_client:
            leg.ask(close(code, masked=True)).end()
        else:
            leg.reply(close(code, masked=False)).end(by_client=False)
    assert not findings(story.analyze(tmp_path), RULE)


@pytest.mark.parametrize(("reason", "meaning"), [
    (NO_PONG, "got no pong in time"), (b"Slow consumer", "reads more slowly"), (b"other", None),
])  # fmt: skip
def test_words_of_loggregator(tmp_path: Path, reason: bytes, meaning: str | None) -> None:
    story = Story()
    for leg in reversed(opened(story, "/firehose/nozzle")):
        leg.reply(closing(1008, reason, masked=False)).end(by_client=False)
    note = instance(story.analyze(tmp_path), RULE).note or ""
    assert note.startswith("router: Close 1008, policy violation")
    assert (meaning in note) if meaning else note.endswith("”")


def test_who_sent_the_code(tmp_path: Path) -> None:
    story = Story()
    story.page()
    for number, (codes, on_front) in enumerate(
        [((1002, 1002), True), ((1000, 1011), True), ((1011, 1000), False), ((None, 1011), False), ((1011, None), True)]
    ):
        front, back = opened(story, f"/{number}")
        for leg, code in ((front, codes[0]), (back, codes[1])):
            if code is None:
                leg.end(by_client=on_front)
            elif on_front:
                leg.ask(close(code, masked=True)).end()
            else:
                leg.reply(close(code, masked=False)).end(by_client=False)
        story.page()
    told = {
        evidence.target: (evidence.note or "").partition(":")[0]
        for found in findings(story.analyze(tmp_path), RULE)
        for evidence in found.evidence
    }
    assert told == {"/0": "client", "/1": "load balancer", "/2": "load balancer", "/3": "router", "/4": "client"}


def test_one_leg_does_not_tell_who_sent_the_code(tmp_path: Path) -> None:
    story = Story()
    story.front().ask(handshake()).reply(switching()).reply(close(1011, masked=False)).end(by_client=False)
    found = finding(story.analyze(tmp_path), RULE)
    assert found.confidence == "likely"
    assert found.evidence[0].note == (
        "load balancer or router: Close 1011, internal error; the other leg was not seen to its end"
    )


def test_the_load_balancer_closed_towards_the_client_only(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    front.reply(close(1011, masked=False)).end(by_client=False)
    back.end()
    assert instance(story.analyze(tmp_path), RULE).note == "load balancer: Close 1011, internal error"


def test_a_code_that_one_leg_lacks(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    whole = closing(1011, b"why", masked=False)
    back.reply(whole[:2])
    back.sequence[False] += 2
    back.reply(whole[4:]).end(by_client=False)
    front.reply(whole).end(by_client=False)
    assert (instance(story.analyze(tmp_path), RULE).note or "").startswith("router: Close 1011")


def test_what_another_rule_explains(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(60)
    front.end(by_client=False)
    back.end()
    assert not findings(story.analyze(tmp_path), RULE)
