"""The page of one handshake, exactly."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from tests.report import stories
from tests.report.stories import SECRET, page_of
from tests.scenarios import SCENARIOS, Scenario, analysis_of
from wsanalyze.analysis import ClockOffset
from wsanalyze.evidence.difference import difference
from wsanalyze.evidence.heads import heads
from wsanalyze.report import ladder

STRIPPED = """\
h1  stripped (upgrade+connection), certain; outcome: refused
    GET app.test/chat?token=***
    The request reached the router (back frame 4) without Upgrade and
    Connection: upgrade, which the client had sent (front frame 4); the router
    answered 400 (back frame 6), and the client got 400 (front frame 6).
    paired by sec-websocket-key, carried in mode http; findings:
    upgrade-stripped

client 203.0.113.10:50001 ↔ load balancer 203.0.113.1:80 | 10.244.0.1:50002 ↔
router 10.244.0.10:80

  seconds  client ↔ load balancer       front  load balancer ↔ router       back
-0.001200  ──▶ connects                 1
-0.000300                                      ──▶ connects                 1
+0.000000  ──▶ GET HTTP/1.1, Upgrade:   4
           websocket, Connection:
           Upgrade
+0.000700                                      ──▶ GET HTTP/1.1, no         4
                                               Upgrade, Connection: close
+0.001100                                      ◀── 400                      6
+0.001500                                      ◀── FIN                      8
+0.001800  ◀── 400                      6
+0.002200  ──▶ FIN                      8
Times of the back are shifted by +0.000300 s, give or take 0.000700 s.

  Request, front                         Request, back
  GET /chat?token=*** HTTP/1.1           GET /chat?token=*** HTTP/1.1
  Host: app.test                         Host: app.test
- Upgrade: websocket
~ Connection: Upgrade                    Connection: close
  Sec-WebSocket-Key:                     Sec-WebSocket-Key:
  dGhlIHNhbXBsZSBub25jZQ==               dGhlIHNhbXBsZSBub25jZQ==
  Sec-WebSocket-Version: 13              Sec-WebSocket-Version: 13
  Cookie: ***                            Cookie: ***
+                                        X-Forwarded-For: 203.0.113.10

  Answer, front                          Answer, back
  HTTP/1.1 400 Because                   HTTP/1.1 400 Because
+ Server: lb
  Content-Length: 2                      Content-Length: 2

- removed by the load balancer   + added by it   ~ changed by it

Wireshark, front (D/front.pcap): frame.number in {4, 6}
Wireshark, back (D/back.pcap): frame.number in {4, 6}
"""
PASSED = """\
  seconds  client ↔ load balancer                 front  load balancer ↔ router                 back
-0.001200  ──▶ connects                           1
-0.000600                                                ──▶ connects                           1
+0.000000  ──▶ GET HTTP/1.1, Upgrade: websocket,  4
           Connection: Upgrade
+0.000400                                                ──▶ GET HTTP/1.1, Upgrade: websocket,  4
                                                         Connection: Upgrade
+0.001200                                                ◀── 101, after 1 interim response      8
                                                         messages: 1 ──▶, 1 ◀──
+0.001600  ◀── 101                                6
           messages: 1 ──▶, 1 ◀──
+0.003601  ──▶ Close 1000                         12
+0.004001  ──▶ FIN                                14
+0.004601                                                ──▶ Close 1000                         14
+0.005001                                                ──▶ FIN                                16
Times of the back are shifted by -3.500000 s, give or take 0.000400 s.

"""


def test_a_stripped_handshake(tmp_path: Path) -> None:
    assert page_of(stories.stripped().analyze(tmp_path), tmp_path) == STRIPPED


def test_the_events_of_an_established_one(tmp_path: Path) -> None:
    assert PASSED in page_of(stories.passed().analyze(tmp_path), tmp_path, width=100)


def test_a_router_that_refuses_the_connection_is_an_event(tmp_path: Path) -> None:
    page = page_of(stories.unreachable().analyze(tmp_path), tmp_path, width=120)
    assert re.search(r"──▶ SYN, answered by RST +11$", page, re.MULTILINE)
    assert re.search(r"◀── RST +12$", page, re.MULTILINE)
    assert "Request, back: none captured" in page
    assert "removed by the load balancer" not in page


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_recorded_handshake_can_be_laid_out(scenario: Scenario) -> None:
    analysis = analysis_of(scenario)
    # An encrypted front may leave none.
    for number in {0, len(analysis.handshakes) // 2, len(analysis.handshakes) - 1} if len(analysis.handshakes) else ():
        row = analysis.handshakes.iloc[number].to_dict()
        found = heads(analysis, row)
        told = difference(found.front_request, found.back_request)
        page = ladder.render(analysis, row, told, [], width=80)
        assert page.startswith(f"{row['id']}  {row['verdict']}")
        assert all(len(line) <= 80 or line.startswith("Wireshark") for line in page.splitlines())
        times = [float(time) for time in re.findall(r"^ *([+-]\d+\.\d{6})  ", page, re.MULTILINE)]
        assert len(times) >= 2
        assert times == sorted(times)


@pytest.mark.parametrize(
    ("offset", "told"),
    [
        (ClockOffset(None, None, 0), "The clocks of the captures could not be compared"),
        (ClockOffset(3.5, None, 1), "Times of the back are shifted by -3.500000 s; it may have to be more."),
        (ClockOffset(None, 3.5, 1), "Times of the back are shifted by -3.500000 s; it may have to be less."),
        (ClockOffset(3.0, 4.0, 1), "Times of the back are shifted by -3.500000 s, give or take 0.500000 s."),
    ],
)
def test_what_the_clocks_are_worth_is_said(tmp_path: Path, offset: ClockOffset, told: str) -> None:
    analysis = dataclasses.replace(stories.passed().analyze(tmp_path), clock_offset=offset)
    assert told in page_of(analysis, tmp_path, width=120)


def test_secrets_are_masked_unless_they_are_asked_for(tmp_path: Path) -> None:
    analysis = stories.stripped().analyze(tmp_path)
    assert SECRET not in page_of(analysis, tmp_path, width=200)
    assert page_of(analysis, tmp_path, width=200, show_secrets=True).count(SECRET) == 5


def test_hostile_heads(tmp_path: Path) -> None:
    analysis = stories.stripped().analyze(tmp_path)
    row = analysis.handshakes.iloc[0].to_dict()
    evil = "\x1b]52;c;cm0=\x07 \u202e".encode() + b"\x00\xff\x9b"
    head = b"GET /" + evil + b" HTTP/1.1\r\nA" + evil + b": " + evil * 3000 + b"\r\n" + evil + b"\r\n\r\n"
    told = difference(head, head[:-2] + b"B: " + evil + b"\r\n\r\n")
    hostile = {**row, "method": evil.decode("latin-1"), "reason": evil.decode("latin-1"), "host": "\u202e"}
    for width in (60, 80, 200):
        page = ladder.render(analysis, hostile, told, told, width=width)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", page)
        assert "characters)" in page
        assert all(len(line) <= width or line.startswith("Wireshark") for line in page.splitlines())
