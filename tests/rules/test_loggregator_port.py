"""Where Loggregator's streams come in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import Story, answer, handshake, switching
from tests.rules.finds import findings, instance

RULE = "loggregator-port"
LOGS, FIREHOSE = "/apps/0f3ec8a2-1111-2222-3333-444455556666/stream", "/firehose/nozzle"


def opened(target: str, port: int, router: int = 80) -> Story:
    story = Story()
    front, back = story.front(port=port), story.back(port=router)
    front.ask(handshake(target))
    back.ask(handshake(target)).reply(switching())
    front.reply(switching())
    return story


@pytest.mark.parametrize("target", [LOGS, FIREHOSE])
@pytest.mark.parametrize("port", [80, 4443, 8443])
def test_another_port(tmp_path: Path, target: str, port: int) -> None:
    analysis = opened(target, port).analyze(tmp_path)
    evidence = instance(analysis, RULE)
    assert (evidence.side, evidence.target, evidence.handshake) == ("front", target, "h1")
    assert evidence.note == f"port {port}"
    assert [finding.severity for finding in findings(analysis, RULE)] == ["info"]


def test_whatever_came_of_it(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front(port=8443).ask(handshake(LOGS)).reply(answer(403)).end()
    story.page()
    assert instance(story.analyze(tmp_path), RULE).note == "port 8443"


@pytest.mark.parametrize(("target", "port"), [(LOGS, 443), (FIREHOSE, 443), ("/ws", 8443), ("/apps/x/streams", 80)])
def test_the_usual_port_and_other_websockets(tmp_path: Path, target: str, port: int) -> None:
    assert not findings(opened(target, port).analyze(tmp_path), RULE)


def test_a_front_that_was_not_captured(tmp_path: Path) -> None:
    story = Story()
    story.back(port=8443).ask(handshake(LOGS)).reply(switching())
    assert not findings(story.analyze(tmp_path), RULE)
