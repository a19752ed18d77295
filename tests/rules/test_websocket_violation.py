"""Who broke the rules of the frames."""

from __future__ import annotations

from pathlib import Path

from tests.cases.wire import Story, Tcp, close, frame, handshake, switching
from tests.rules.finds import finding, findings, instance

RULE = "websocket-violation"
PROPER, UNMASKED = frame(b"hello", masked=True), frame(b"hello", masked=False)
MASKED = frame(b"hello", masked=True)


def opened(story: Story) -> tuple[Tcp, Tcp]:
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(Via="lb")).reply(switching())
    front.reply(switching())
    return front, back


def ended(*legs: Tcp) -> None:
    for leg in legs:
        leg.ask(close(masked=True)).reply(close(masked=False)).end()


def test_the_client_and_nobody_changed_it(tmp_path: Path) -> None:
    story = Story()
    legs = opened(story)
    for leg in legs:
        leg.ask(UNMASKED)
    ended(*legs)
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    assert (found.severity, found.confidence) == ("warning", "certain")
    assert (evidence.side, evidence.note, evidence.handshake) == ("front", "client: client-unmasked", "h1")
    # SYN, SYN-ACK, ACK, handshake, ACK, 101, ACK: then the frame.
    assert evidence.frames == (8,)


def test_the_router_and_nobody_changed_it(tmp_path: Path) -> None:
    story = Story()
    legs = opened(story)
    for leg in reversed(legs):
        leg.reply(MASKED)
    ended(*legs)
    assert instance(story.analyze(tmp_path), RULE).note == "router: server-masked"


def test_the_load_balancer_towards_the_client(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    back.reply(frame(b"hello", masked=False))
    front.reply(b"\xc1\x05hello")
    ended(front, back)
    evidence = instance(story.analyze(tmp_path), RULE)
    assert (evidence.side, evidence.note) == ("front", "load balancer: rsv1-unexpected")


def test_the_load_balancer_towards_the_router(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    front.ask(PROPER)
    back.ask(UNMASKED)
    ended(front, back)
    evidence = instance(story.analyze(tmp_path), RULE)
    assert (evidence.side, evidence.note) == ("back", "load balancer: client-unmasked")


def test_the_load_balancer_repaired_it(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    front.ask(UNMASKED)
    back.ask(PROPER).reply(MASKED)
    front.reply(frame(b"hello", masked=False))
    ended(front, back)
    notes = {(e.side, e.note) for e in finding(story.analyze(tmp_path), RULE).evidence}
    assert notes == {("front", "client: client-unmasked"), ("back", "router: server-masked")}


def test_several_by_one_are_one_entry(tmp_path: Path) -> None:
    story = Story()
    legs = opened(story)
    for leg in legs:
        leg.ask(UNMASKED).ask(frame(b"", 11, masked=True))
    ended(*legs)
    evidence = instance(story.analyze(tmp_path), RULE)
    assert evidence.note == "client: client-unmasked, opcode-reserved"
    assert len(evidence.frames) == 2


def test_a_load_balancer_that_speaks_websocket_itself(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front = story.front().ask(handshake()).reply(switching())
    front.reply(MASKED)
    ended(front)
    story.page()
    found = finding(story.analyze(tmp_path), RULE)
    assert (found.confidence, found.evidence[0].note) == ("certain", "load balancer: server-masked")


def test_the_front_alone_does_not_tell_who(tmp_path: Path) -> None:
    story = Story()
    ended(story.front().ask(handshake()).reply(switching()).reply(MASKED))
    found = finding(story.analyze(tmp_path), RULE)
    assert (found.confidence, found.evidence[0].note) == ("likely", "load balancer or router: server-masked")


def test_the_back_alone_does_not_tell_who(tmp_path: Path) -> None:
    story = Story()
    ended(story.back().ask(handshake()).reply(switching()).ask(UNMASKED))
    found = finding(story.analyze(tmp_path), RULE)
    assert (found.confidence, found.evidence[0].note) == ("likely", "client or load balancer: client-unmasked")


def test_the_other_capture_ended_too_early(tmp_path: Path) -> None:
    story = Story()
    front, _ = opened(story)
    front.reply(MASKED)
    ended(front)
    assert instance(story.analyze(tmp_path), RULE).note == "load balancer or router: server-masked"


def test_what_follows_a_hole_is_not_trusted(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    for leg in (back, front):
        leg.reply(UNMASKED)
        leg.sequence[False] += 3
        leg.reply(b"\xf3\x05hello").reply(MASKED)
    ended(front, back)
    assert not findings(story.analyze(tmp_path), RULE)


def test_proper_frames(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    for leg in (front, back):
        leg.ask(PROPER).ask(frame(b"x", 9, masked=True)).reply(frame(b"x", 10, masked=False)).reply(UNMASKED)
    ended(front, back)
    assert not findings(story.analyze(tmp_path), RULE)
