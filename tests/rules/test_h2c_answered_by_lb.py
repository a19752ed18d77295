"""Upgrades to HTTP/2 that the load balancer accepted, and such that it did not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import Story, answer, handshake, request, switching
from tests.rules.finds import finding, findings

RULE = "h2c-answered-by-lb"
NAMES = {"X_Forwarded_For": "203.0.113.10", "X_Forwarded_Proto": "http"}


def asks(upgrade: str = "h2c", target: str = "/h2c", **headers: str) -> bytes:
    return request(target=target, Upgrade=upgrade, Connection="Upgrade, HTTP2-Settings", HTTP2_Settings="A", **headers)


def accepts(upgrade: str = "h2c") -> bytes:
    return answer(101, Upgrade=upgrade, Connection="Upgrade")


@pytest.mark.parametrize("upgrade", ["h2c", "H2C", "foo/2 , h2c", "h2c,websocket"])
def test_the_router_got_an_ordinary_request(tmp_path: Path, upgrade: str) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(asks(upgrade)).reply(accepts())
    back.ask(request(target="/h2c", **NAMES)).reply(answer(200))
    front.reply(bytes(50))
    story.page()
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    assert (found.severity, found.confidence) == ("warning", "certain")
    assert (evidence.side, evidence.target, evidence.note) == ("front", "/h2c", "the router answered 200")
    assert len(evidence.frames) == 2


def test_the_router_got_nothing(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(asks()).reply(accepts()).reply(bytes(50))
    story.page()
    assert finding(story.analyze(tmp_path), RULE).confidence == "likely"


def test_the_router_accepted_it(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(asks())
    back.ask(asks(**NAMES)).reply(accepts())
    front.reply(accepts())
    story.page()
    assert not findings(story.analyze(tmp_path), RULE)


def test_the_router_accepted_it_under_another_name(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(asks(target="/one"))
    back.ask(asks(target="/other/one", **NAMES)).reply(accepts())
    front.reply(accepts())
    story.page()
    assert not findings(story.analyze(tmp_path), RULE)


def test_the_routers_answer_was_not_captured(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(asks())
    back.ask(asks(**NAMES))
    back.sequence[False] += 80
    front.reply(accepts())
    back.end(by_client=False)
    story.page()
    assert not findings(story.analyze(tmp_path), RULE)


@pytest.mark.parametrize("without", ["before", "after", "both"])
def test_the_back_was_not_captured_then(tmp_path: Path, without: str) -> None:
    story = Story()
    if without == "after":
        story.page()
    story.front().ask(asks()).reply(accepts())
    if without == "before":
        story.page()
    assert not findings(story.analyze(tmp_path), RULE)


def test_the_back_lost_packets(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(asks()).reply(accepts())
    back = story.back().ask(request(target="/else"))
    back.sequence[False] += 80
    back.reply(answer(200))
    story.page()
    assert not findings(story.analyze(tmp_path), RULE)


def test_what_is_no_accepted_h2c(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(asks()).reply(answer(200))
    story.front().ask(asks("h2cx")).reply(accepts("h2cx"))
    story.front().ask(handshake()).reply(switching())
    story.page()
    assert not findings(story.analyze(tmp_path), RULE)
