"""The plan of a replay, exactly."""

from __future__ import annotations

import re
import time

from tests.replay.exchanges import asked, captured, page
from tests.report.test_replay import HOSTILE, SECRET, TARGET
from tests.report.test_replay_json import plan
from wsanalyze.replay.model import Connection, NotSent, Plan, Step
from wsanalyze.report.replay_plan import render_plan

SCREEN = """\
1 handshake and 1 request would be sent to http://127.0.0.1:8080 on 1
connection; 1 would not be sent. This is the plan: nothing was sent.

connection 1  after 0.125 s  HTTP/1.x; first a PROXY protocol header of 15 bytes
  h1  handshake  after a pause of 0.750 s
    GET /chat?token=*** HTTP/1.1
    Host: app.test
    Upgrade: websocket
    Connection: Upgrade
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
    Sec-WebSocket-Version: 13
    Authorization: ***
    X-Odd: /?token=***
    then, once established: 2 frames (1 text, 1 binary; 5 bytes; pauses of 0.750 s, the longest 0.500 s; \
the last after 3 of the server's messages), then a close handshake
  r1  request
    GET /page HTTP/1.1
    Host: app.test
    + a body of 3 bytes

not sent
  r2  POST /p?token=***: POST is not a safe method
"""


def test_the_screen() -> None:
    assert render_plan(plan(), TARGET, width=80) == SCREEN
    assert SECRET in render_plan(plan(), TARGET, show_secrets=True)


def test_nothing_to_send() -> None:
    assert render_plan(Plan(()), TARGET) == f"Nothing would be sent to {TARGET}. This is the plan: nothing was sent.\n"


def test_a_handshake_without_messages() -> None:
    told = render_plan(Plan((Connection(1, 0.0, True, b"", (asked(captured(), closes=False),)),)), TARGET)
    assert "connection 1  after 0.000 s  HTTP/2\n" in told
    assert "then, once established: nothing more\n" in told


def test_hostile_text() -> None:
    data = HOSTILE.encode("utf-8", "surrogatepass")
    request = asked(
        captured(id_=HOSTILE),
        b"GET " + data + b"\r\n" + data + b": " + data,
        steps=(Step(True, 15, data, False, 0, 0.0, 0.0),),
    )
    left = NotSent(page(id_=HOSTILE, head=data), HOSTILE)
    told = render_plan(Plan((Connection(1, 0.0, False, data, (request,)),), (left,)), HOSTILE, width=80)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800]", told)


def test_a_thousand_connections_take_seconds() -> None:
    one = plan().connections[0]
    began = time.process_time()
    assert render_plan(Plan((one,) * 1000), TARGET).count("\nconnection 1 ") == 1000
    assert time.process_time() - began < 20
