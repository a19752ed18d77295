"""The table and the JSON of every recorded scenario, and of hostile traffic."""

from __future__ import annotations

import json as json_
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cases.wire import Story, answer, handshake, request, switching
from tests.scenarios import CAPTURES, SCENARIOS, Scenario, analysis_of
from wsanalyze.report import json, summary, table

HANDSHAKE = {
    "id", "method", "host", "back_host", "target", "back_target", "key", "http_version", "client", "lb_front", "lb_back", "router",
    "verdict", "detail", "mode", "confidence", "reason", "outcome", "ended_by", "front_status", "back_status", "evidence", "pairing",
    "changes", "websocket", "stream", "findings",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_json_is_the_contract(scenario: Scenario) -> None:
    text = json.render(analysis_of(scenario))
    document: dict[str, Any] = json_.loads(text)
    assert text.isascii()
    assert list(document) == [
        *("wsanalyze", "captures", "judged", "filtered", "clock_offset"),
        *("handshakes", "requests", "findings", "unpaired"),
    ]
    for side in ("front", "back"):
        (capture,) = document["captures"][side]
        assert set(capture) == {"file", "packets", "first", "last", "problems", "completeness"}
        assert TIME.fullmatch(capture["first"])
        assert isinstance(document["unpaired"][side], int)
    if document["clock_offset"] is not None:
        assert set(document["clock_offset"]) == {"low", "high", "unit", "pairs"}
    assert [handshake["id"] for handshake in document["handshakes"]] == [
        f"h{n + 1}" for n in range(len(document["handshakes"]))
    ]
    findings = {finding["id"]: finding for finding in document["findings"]}
    for handshake_ in document["handshakes"]:
        assert set(handshake_) == HANDSHAKE
        assert handshake_["evidence"], "a verdict points at frames"
        for evidence in handshake_["evidence"]:
            assert set(evidence) == {"side", "file", "frames"}
            assert all(isinstance(frame, int) and frame > 0 for frame in evidence["frames"])
        assert set(handshake_["findings"]) <= set(findings)
        if handshake_["outcome"] == "established" and (handshake_["websocket"] or not scenario.damaged):
            assert set(handshake_["websocket"]) == {"close_code", "closed_by", "messages", "duration_s"}
            assert set(handshake_["websocket"]["messages"]) == {"client", "server"}
        elif handshake_["outcome"] not in {None, "established"}:
            assert handshake_["websocket"] is None
        for change in handshake_["changes"]:
            assert set(change) == {"header", "front", "back"}
    for finding in findings.values():
        assert set(finding) == {"id", "rule", "severity", "confidence", "title", "count", "advice", "evidence"}
        assert finding["count"] == len(finding["evidence"])
        assert all(
            {"side", "file", "frames", "method", "host", "target"} <= set(evidence) for evidence in finding["evidence"]
        )
    assert text == json.render(analysis_of(scenario)), "the same each time"


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_screen_fits(scenario: Scenario, width: int) -> None:
    analysis = analysis_of(scenario)
    text = table.render(analysis, width=width)
    lines = text.splitlines()
    command = re.compile(r"(More:|Wireshark)")
    assert all(len(line) <= width or command.match(line) for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert "\x1b" not in text
    assert " ".join(text.split()).startswith(" ".join(summary.answer(analysis).split()))
    for finding in analysis.findings:
        assert finding.rule in text
    shown = [line for line in lines if re.match(r"h\d+ ", line)]
    assert len(shown) == min(len(analysis.handshakes), table.MAX_HANDSHAKES)


def test_colours_only_where_they_are_wanted() -> None:
    assert "\x1b[" in table.render(analysis_of(Scenario(CAPTURES / "own-local")), colour=True)


EVIL = "\x1b]52;c;cm0=\x07\x1b[2J"


def test_hostile_traffic_does_not_reach_the_terminal(tmp_path: Path) -> None:
    story = Story()
    evil = EVIL.encode()
    front, back = story.front(), story.back()
    ask = handshake("/ws?x=A").replace(b"app.test", b"app" + evil).replace(b"?x=A", "?x=\u202eA".encode())
    front.ask(ask)
    back.ask(ask.replace(b"Upgrade: websocket", b"X: y") + b"")
    refusal = answer(503).replace(b"Because", b"No\r\nX-Cf-Routererror: bad" + evil)
    back.reply(refusal)
    front.reply(refusal)
    other, behind = story.front(), story.back()
    other.ask(request(target="/page").replace(b"GET", b"G" + b"E" * 3))
    behind.ask(request(target="/page", X_Forwarded_For=EVIL).replace(b"GET", b"GEEE")).reply(answer(200))
    other.reply(answer(200))
    analysis = story.analyze(tmp_path)
    assert len(analysis.handshakes) == 1
    for text in (table.render(analysis), json.render(analysis), table.render(analysis, width=300)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "\\x1b]52;c" in table.render(analysis, width=300)


def test_secrets_are_masked_everywhere(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake("/ws?token=s3cret"))
    back.ask(handshake("/ws?token=s3cret", Upgrade=None, Connection="close")).reply(answer(400))
    front.reply(answer(400))
    story.page("/page?access_token=s3cret", forwarded=False)
    analysis = story.analyze(tmp_path)
    assert {finding.rule for finding in analysis.findings} == {
        "upgrade-stripped",
        "x-forwarded-for-missing",
        "x-forwarded-proto-missing",
    }
    for render in (table.render, json.render):
        assert "s3cret" not in render(analysis)
        assert "s3cret" in render(analysis, show_secrets=True)


def test_the_answer_names_what_happened(tmp_path: Path) -> None:
    story = Story()
    story.page()
    assert summary.answer(story.analyze(tmp_path)) == "There is no WebSocket handshake in these captures."
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(Via="lb")).reply(switching())
    front.reply(switching())
    told = summary.answer(story.analyze(tmp_path))
    assert told == (
        "The load balancer (203.0.113.1:80 in front, 10.244.0.1 behind) passes WebSocket through: "
        "1 reached the router as it was (1 established)."
    )
