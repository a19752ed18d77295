"""Health checks and probes are counted, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import Story, answer, handshake, request, rules
from tests.rules.exchanges import found, instances

RULE = "health-check"
OWN = "the load balancer's own"


@pytest.mark.parametrize(
    ("probe", "note"),
    [
        (request(target="/health", User_Agent="HTTP-Monitor/1.1"), "HTTP-Monitor/1.1"),
        (request(target="/health", User_Agent="elb-healthchecker/2.0"), "elb-healthchecker/2.0"),
        (request("OPTIONS", "/", version="1.0", Host=None), OWN),
        (request(target="/probe", X_Forwarded_For="::"), OWN),
    ],
)
def test_on_the_back(tmp_path: Path, probe: bytes, note: str) -> None:
    story = Story()
    story.page()
    for _ in range(2):
        story.back().ask(probe).reply(answer(200)).end()
    story.page()
    analysis = story.analyze(tmp_path)
    assert rules(analysis) == {RULE}
    (finding,) = analysis.findings
    assert (finding.severity, finding.count) == ("info", 2)
    assert {(e.side, e.note, len(e.frames)) for e in finding.evidence} == {("back", note, 1)}


def test_on_the_front(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(request(target="/health", User_Agent="ELB-HealthChecker/2.0")).reply(answer(200)).end()
    story.page()
    assert [(e.side, e.target) for e in instances(story.analyze(tmp_path), RULE)] == [("front", "/health")]


def test_a_clients_requests_are_none(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(request(target="/health", User_Agent="curl/8 HTTP-Monitor")).reply(answer(403)).end()
    story.front().ask(handshake(User_Agent="HTTP-Monitor/1.1")).reply(answer(403)).end()
    story.page()
    assert not found(story.analyze(tmp_path), RULE)
