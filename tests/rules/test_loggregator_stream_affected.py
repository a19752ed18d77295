"""Loggregator's streams that the load balancer did not pass through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import Story, answer, handshake, switching
from tests.rules.finds import finding, findings

RULE = "loggregator-stream-affected"
LOGS, FIREHOSE = "/apps/0f3ec8a2-1111-2222-3333-444455556666/stream", "/firehose/nozzle?filter-type=logs"


def strip(story: Story, target: str, port: int = 80) -> None:
    front, back = story.front(), story.back(port=port)
    front.ask(handshake(target))
    back.ask(handshake(target, Upgrade=None, Connection="close")).reply(answer(400))
    front.reply(answer(400))


@pytest.mark.parametrize(("target", "port", "use"), [
    (LOGS, 80, "app logs to developers"), (FIREHOSE, 80, "the firehose"), (LOGS, 8081, "from the Dopplers"),
])  # fmt: skip
def test_a_stripped_stream(tmp_path: Path, target: str, port: int, use: str) -> None:
    story = Story()
    strip(story, target, port)
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    assert (found.severity, evidence.note, evidence.handshake) == ("info", "stripped/upgrade+connection", "h1")
    assert use in found.title


def test_terminated_and_blocked_streams(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(handshake(LOGS)).reply(switching())
    story.front().ask(handshake(FIREHOSE)).reply(answer(403)).end()
    story.wait(2)
    story.page()
    found = findings(story.analyze(tmp_path), RULE)
    assert sorted(evidence.note or "" for f in found for evidence in f.evidence) == [
        "blocked/by-policy",
        "terminated/local",
    ]
    assert len(found) == 2


def test_one_finding_for_each_use(tmp_path: Path) -> None:
    story = Story()
    for target in (LOGS, FIREHOSE, LOGS, "/ws"):
        strip(story, target)
        story.wait(1)
    assert sorted(f.count for f in findings(story.analyze(tmp_path), RULE)) == [1, 2]


@pytest.mark.parametrize("status", [101, 503])
def test_what_got_through(tmp_path: Path, status: int) -> None:
    story = Story()
    front, back = story.front(), story.back()
    reply = switching() if status == 101 else answer(503, X_Cf_Routererror="no_endpoints")
    front.ask(handshake(LOGS))
    back.ask(handshake(LOGS)).reply(reply)
    front.reply(reply)
    assert not findings(story.analyze(tmp_path), RULE)


def test_what_cannot_be_told(tmp_path: Path) -> None:
    story = Story()
    story.front().ask(handshake(LOGS)).reply(answer(400))
    assert not findings(story.analyze(tmp_path), RULE)
