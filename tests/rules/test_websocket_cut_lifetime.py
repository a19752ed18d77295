"""WebSockets that the load balancer ended at a certain age."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import Story, Tcp, frame, handshake, switching
from tests.rules.finds import finding, findings
from tests.rules.sockets import opened, talk

RULE = "websocket-cut-lifetime"


def cut(front: Tcp, back: Tcp) -> None:
    front.end(by_client=False)
    back.end()


@pytest.mark.parametrize("age", [30, 60, 240])
def test_a_known_limit(tmp_path: Path, age: float) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back, seconds=age)
    cut(front, back)
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    assert (found.severity, found.confidence, evidence.side, evidence.handshake) == ("warning", "likely", "front", "h1")
    assert f" s old; {age} s is the default of " in (evidence.note or "")


def test_the_same_age_three_times(tmp_path: Path) -> None:
    story = Story()
    for number in range(3):
        front, back = opened(story, f"/{number}")
        talk(front, back, seconds=47 + number / 4)
        cut(front, back)
    found = finding(story.analyze(tmp_path), RULE)
    assert (found.confidence, found.count) == ("certain", 3)
    assert all((evidence.note or "").endswith("; 3 ended at about that age") for evidence in found.evidence)


def test_all_at_once_may_have_another_cause(tmp_path: Path) -> None:
    story = Story()
    legs = [opened(story, f"/{number}") for number in range(3)]
    for _ in range(9):
        story.wait(5)
        for front, back in legs:
            talk(front, back)
    for front, back in legs:
        cut(front, back)
    found = finding(story.analyze(tmp_path), RULE)
    assert (found.confidence, found.count) == ("likely", 3)
    assert (found.evidence[0].note or "").endswith("3 ended at about that age, all of them at once")


def test_a_restart_ends_all_ages(tmp_path: Path) -> None:
    story = Story()
    legs: list[tuple[Tcp, Tcp]] = []
    for number in range(12):
        legs.append(opened(story, f"/{number}"))
        story.wait(5)
        for front, back in legs:
            talk(front, back)
    for front, back in legs:
        cut(front, back)
    assert not findings(story.analyze(tmp_path), RULE)


@pytest.mark.parametrize("times", [1, 2])
def test_other_ages_that_few_have(tmp_path: Path, times: int) -> None:
    story = Story()
    for number in range(times):
        front, back = opened(story, f"/{number}")
        talk(front, back, seconds=45)
        cut(front, back)
    front, back = opened(story, "/other")
    talk(front, back, seconds=72)
    cut(front, back)
    assert not findings(story.analyze(tmp_path), RULE)


@pytest.mark.parametrize("age", [1, 9])
def test_short_ones_are_none(tmp_path: Path, age: float) -> None:
    story = Story()
    for number in range(4):
        front, back = opened(story, f"/{number}")
        talk(front, back, seconds=age)
        cut(front, back)
    assert not findings(story.analyze(tmp_path), RULE)


@pytest.mark.parametrize("who", ["client", "router"])
def test_others_may_end_it_at_that_age(tmp_path: Path, who: str) -> None:
    story = Story()
    for number in range(3):
        front, back = opened(story, f"/{number}")
        talk(front, back, seconds=60)
        for leg in (front, back) if who == "client" else (back, front):
            leg.end(by_client=who == "client")
    assert not findings(story.analyze(tmp_path), RULE)


def test_a_silence_before_it_is_another_rule(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back, seconds=30)
    story.wait(30)
    cut(front, back)
    assert not findings(story.analyze(tmp_path), RULE)


def test_pings_keep_it_in_use(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    for _ in range(6):
        story.wait(5)
        back.reply(frame(b"", 9, masked=False))
        front.reply(frame(b"", 9, masked=False)).ask(frame(b"", 10, masked=True))
        back.ask(frame(b"", 10, masked=True))
    cut(front, back)
    assert finding(story.analyze(tmp_path), RULE).count == 1


def test_the_back_alone_does_not_tell_who(tmp_path: Path) -> None:
    story = Story()
    back = story.back().ask(handshake()).reply(switching())
    for _ in range(12):
        story.wait(5)
        back.ask(frame(b"x", masked=True))
    back.end()
    assert not findings(story.analyze(tmp_path), RULE)
