"""Takes what a client sent, what the router got and what came back, gives the analysis of the two captures that show it."""

from __future__ import annotations

from pathlib import Path

from tests.cases.wire import CLIENT, Story, answer, switching
from wsanalyze.analysis import Analysis
from wsanalyze.rules.finding import Evidence, Finding


def went_by(
    folder: Path, sent: bytes, got: bytes, said: bytes | None = None, heard: bytes | None = None, client: str = CLIENT
) -> Analysis:
    """The client `sent`, the router `got` and `said`, the client `heard`; unless told otherwise a 101 where WebSocket was asked for."""
    usual = switching() if b"Sec-WebSocket-Key" in sent or b"websocket" in sent.lower() else answer(200, b"ok")
    said = usual if said is None else said
    story = Story()
    story.page("/before")
    front, back = story.front(client), story.back()
    front.ask(sent)
    back.ask(got).reply(said)
    front.reply(said if heard is None else heard)
    back.end()
    front.end(by_client=False)
    story.wait(3)
    story.page("/after")
    return story.analyze(folder)


def found(analysis: Analysis, rule: str) -> list[Finding]:
    """What this rule found."""
    return [finding for finding in analysis.findings if finding.rule == rule]


def instances(analysis: Analysis, rule: str) -> list[Evidence]:
    """What this rule found, instance by instance."""
    return [evidence for finding in found(analysis, rule) for evidence in finding.evidence]


def notes(analysis: Analysis, rule: str) -> list[str | None]:
    """What this rule says of each instance."""
    return [evidence.note for evidence in instances(analysis, rule)]
