"""A key belongs to one connection."""

from __future__ import annotations

from pathlib import Path

from tests.cases.wire import CLIENT, KEY, Story, answer, handshake, switching
from tests.rules.exchanges import found, instances

RULE = "key-shared"
OTHER = "AAAAAAAAAAAAAAAAAAAAAA=="


def passed(story: Story, target: str, key: str) -> None:
    front, back = story.front(), story.back()
    front.ask(handshake(target, key=key))
    back.ask(handshake(target, key=key, X_Forwarded_For=CLIENT)).reply(switching(key))
    front.reply(switching(key))


def test_a_key_on_several_connections(tmp_path: Path) -> None:
    story = Story()
    for target, key in (("/a", KEY), ("/b", OTHER), ("/c", KEY), ("/d", KEY)):
        passed(story, target, key)
    analysis = story.analyze(tmp_path)
    (finding,) = found(analysis, RULE)
    assert (finding.severity, finding.count) == ("info", 3)
    assert [(e.side, e.target, e.note) for e in finding.evidence] == [
        ("front", target, f"{KEY}, on 3 connections") for target in ("/a", "/c", "/d")
    ]
    assert [e.handshake for e in finding.evidence] == ["h1", "h3", "h4"]


def test_again_on_the_same_connection(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(handshake("/a")).reply(answer(403)).ask(handshake("/a")).reply(answer(403)).end()
    story.page()
    analysis = story.analyze(tmp_path)
    assert len(analysis.handshakes) == 2
    assert not found(analysis, RULE)


def test_keys_that_are_empty_absent_or_not_whole(tmp_path: Path) -> None:
    story = Story()
    story.page()
    for key in (None, None, "", ""):
        story.front().ask(handshake("/a", key=key)).reply(answer(400)).end()
    for _ in range(2):
        story.front().ask(handshake("/b")[:-50]).end()
    story.page()
    assert not instances(story.analyze(tmp_path), RULE)
