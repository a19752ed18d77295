"""The JSON of one story, exactly."""

from __future__ import annotations

import dataclasses
import json as json_
from pathlib import Path

from tests.cases.wire import KEY
from tests.report import stories
from wsanalyze import __version__
from wsanalyze.analysis import ClockOffset
from wsanalyze.report import json

ERROR = '"message": "no such file \\u001b[31m"'


def test_a_stripped_handshake(tmp_path: Path) -> None:
    document = json_.loads(json.render(stories.stripped().analyze(tmp_path)))
    front, back = str(tmp_path / "front.pcap"), str(tmp_path / "back.pcap")
    (handshake,) = document["handshakes"]
    reason = handshake.pop("reason")
    assert reason.startswith("The request reached the router (back frame 4) without Upgrade and Connection: upgrade")
    assert handshake == {
        "id": "h1",
        "method": "GET",
        "host": "app.test",
        "back_host": "app.test",
        "target": "/chat?token=***",
        "back_target": "/chat?token=***",
        "key": KEY,
        "http_version": "1.1",
        "client": "203.0.113.10:50001",
        "lb_front": "203.0.113.1:80",
        "lb_back": "10.244.0.1:50002",
        "router": "10.244.0.10:80",
        "verdict": "stripped",
        "detail": "upgrade+connection",
        "mode": "http",
        "confidence": "certain",
        "outcome": "refused",
        "ended_by": None,
        "front_status": 400,
        "back_status": 400,
        "evidence": [
            {"side": "front", "file": front, "frames": [4, 6]},
            {"side": "back", "file": back, "frames": [4, 6]},
        ],
        "pairing": "sec-websocket-key",
        "changes": [
            {"header": "Upgrade", "front": "websocket", "back": None},
            {"header": "Connection", "front": "Upgrade", "back": "close"},
            {"header": "X-Forwarded-For", "front": None, "back": "203.0.113.10"},
        ],
        "websocket": None,
        "stream": None,
        "findings": ["f1"],
    }
    assert document["captures"]["front"] == [
        {
            "file": front,
            "packets": 20,
            "first": "2026-11-18T11:06:40.000200000Z",
            "last": "2026-11-18T11:06:40.008001000Z",
            "problems": [],
            "completeness": {
                "connections": 2,
                "whole": 2,
                "lack_packets": 0,
                "missing_bytes": 0,
                "cut": 0,
                "one_direction": 0,
                "began_before": 0,
                "went_on": 0,
            },
        }
    ]
    assert document["unpaired"] == {"front": 0, "back": 0}


def test_an_established_handshake(tmp_path: Path) -> None:
    (handshake,) = json_.loads(json.render(stories.passed().analyze(tmp_path)))["handshakes"]
    websocket = handshake["websocket"]
    assert 0 < websocket.pop("duration_s") < 1
    assert websocket == {"close_code": 1000, "closed_by": "client", "messages": {"client": 1, "server": 1}}


def test_what_is_not_known_is_null(tmp_path: Path) -> None:
    analysis = dataclasses.replace(stories.unreachable().analyze(tmp_path), clock_offset=ClockOffset(None, None, 0))
    document = json_.loads(json.render(analysis))
    assert document["clock_offset"] is None
    (handshake,) = document["handshakes"]
    absent = ("back_host", "back_target", "mode", "back_status", "pairing", "websocket", "stream", "ended_by")
    assert [handshake[name] for name in absent] == [None] * len(absent)


def test_one_line_a_handshake(tmp_path: Path) -> None:
    text = json.render(stories.stripped().analyze(tmp_path))
    (line,) = [line for line in text.splitlines() if line.startswith('    {"id": "h1"')]
    assert json_.loads(line)["verdict"] == "stripped"
    assert text == text.strip() + "\n"


def test_nothing_at_all_is_still_a_document(tmp_path: Path) -> None:
    analysis = stories.stripped().analyze(tmp_path)
    empty = dataclasses.replace(analysis, handshakes=analysis.handshakes.iloc[:0], findings=())
    document = json_.loads(json.render(empty))
    assert document["handshakes"] == []
    assert document["findings"] == []


def test_an_error() -> None:
    text = json.render_error("a\udcff.pcap", "no such file \x1b[31m", "")
    assert text.isascii()
    assert ERROR in text
    assert json_.loads(text) == {
        "wsanalyze": __version__,
        "error": {"file": "a\udcff.pcap", "message": "no such file \x1b[31m", "hint": ""},
    }
