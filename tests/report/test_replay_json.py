"""The JSON of a replay: names that scripts rely on."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import wsanalyze
from tests.cases.wire import handshake, switching
from tests.replay.exchanges import asked, came, captured, page, said
from tests.replay.test_comparison import CAPTURED, REPLAYED
from tests.report.test_replay import HOSTILE, SECRET, TARGET, hostile
from wsanalyze.replay.comparison import compare
from wsanalyze.replay.model import Captured, Connection, NotSent, Plan, Replayed, Step
from wsanalyze.report import replay_json


def document(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_the_names_are_a_contract() -> None:
    then = captured(
        400, router=400, verdict="stripped", detail="upgrade", frames=said((True, 1, b"a"), (False, 2, b"b"))
    )
    now = came(sent=3, received=9, received_text=4, received_binary=5, close_code=1000, closed_by="client")
    told = document(replay_json.render([compare(then, now)], TARGET))
    flow = told["flows"][0]
    assert told == {
        "wsanalyze": wsanalyze.__version__,
        "target": TARGET,
        "flows": [flow],
        "counts": {"worse": 0, "different": 0, "better": 1, "same": 0, "not-sent": 0},
        "worst": "none",
        "conclusion": "The router accepts this handshake when it arrives with Upgrade: the LB is the cause.",
    }
    assert flow == {
        "id": "h1",
        "handshake": True,
        "http_version": "1.1",
        "method": "GET",
        "host": "app.test",
        "target": "/chat",
        "captured": {
            "outcome": "refused",
            "status": 400,
            "router_status": 400,
            "verdict": "stripped",
            "detail": "upgrade",
            "subprotocol": None,
            "extensions": None,
            "latency_ms": 2.0,
            "sent": 1,
            "received": 1,
            "close_code": None,
        },
        "replayed": {
            "outcome": "established",
            "status": 101,
            "accept_valid": True,
            "subprotocol": None,
            "extensions": None,
            "latency_ms": 1.5,
            "body_bytes": 0,
            "sent": 3,
            "received": 9,
            "received_text": 4,
            "received_binary": 5,
            "close_code": 1000,
            "closed_by": "client",
            "error": None,
            "notes": [],
        },
        "result": "better",
        "why": "101 instead of 400: the router accepts it when it arrives with Upgrade, which the LB had stripped",
        "differences": [
            {"what": "status", "header": False, "captured": "400", "replayed": "101", "counts": True},
            {"what": "Connection", "header": True, "captured": None, "replayed": "Upgrade", "counts": True},
            {"what": "Upgrade", "header": True, "captured": None, "replayed": "websocket", "counts": True},
        ],
    }


def test_what_was_not_sent_has_the_same_names() -> None:
    results = [
        compare(captured(), came()),
        compare(captured(), NotSent(captured(), "not asked for")),
        compare(captured(lost="gone"), Replayed("h1", error="refused")),
    ]
    flows = document(replay_json.render(results, TARGET))["flows"]
    assert len({tuple(flow) for flow in flows}) == 1
    assert len({tuple(flow["replayed"]) for flow in flows}) == 1
    assert flows[1]["replayed"]["outcome"] is None
    assert flows[2]["captured"]["sent"] is None
    assert flows[2]["replayed"]["error"] == "refused"


def test_hostile_text_is_escaped() -> None:
    text = replay_json.render([compare(then, now) for then, now in hostile(HOSTILE)], HOSTILE)
    assert text.isascii()
    assert "\x1b" not in text
    flows = document(text)["flows"]
    assert len(flows) == 5


@settings(max_examples=50)
@given(st.lists(st.tuples(CAPTURED, REPLAYED), max_size=4))
def test_any_results_are_json(exchanges: list[tuple[Captured, Replayed]]) -> None:
    text = replay_json.render([compare(then, now) for then, now in exchanges], TARGET)
    assert len(document(text)["flows"]) == len(exchanges)
    assert text.endswith("}\n")


def test_secrets_are_shown_when_asked_for() -> None:
    then = captured(
        head=handshake(f"/chat?token={SECRET}"),
        answer=switching(Sec_WebSocket_Protocol=f"access_token, {SECRET * 2}", X_Auth_Token=SECRET),
    )
    now = came(subprotocol=f"access_token, {SECRET * 2}", error=f"at /?token={SECRET}", notes=[f"/?token={SECRET}"])
    results = [compare(then, now), compare(then, NotSent(then, f"/?token={SECRET}"))]
    where = f"http://user:{SECRET}@127.0.0.1/"
    assert SECRET not in replay_json.render(results, where)
    assert SECRET in replay_json.render(results, where, show_secrets=True)


def plan() -> Plan:
    """A connection with a handshake and a request; another request that is not sent."""
    steps = (Step(True, 1, b"hi", False, 2, 0.5, 1.0), Step(True, 2, b"you", False, 3, 0.25, 2.0))
    ws = captured(head=handshake(f"/chat?token={SECRET}"))
    sent = handshake(f"/chat?token={SECRET}", Authorization="Bearer\r\n " + SECRET, X_Odd=f"/?token={SECRET}")
    requests = (asked(ws, sent, steps=steps, pause=0.75), asked(page(), body=b"abc"))
    left = NotSent(
        page(id_="r2", head=b"POST /p?token=" + SECRET.encode() + b" HTTP/1.1\r\n\r\n"), "POST is not a safe method"
    )
    return Plan((Connection(1, 0.125, False, b"PROXY UNKNOWN\r\n", requests),), (left,))


def test_the_plan() -> None:
    told = document(replay_json.render_plan(plan(), TARGET))
    assert told == {
        "wsanalyze": wsanalyze.__version__,
        "target": TARGET,
        "connections": [
            {"connection": 1, "start_s": 0.125, "http2": False, "proxy_header_bytes": 15, "requests": told["connections"][0]["requests"]}
        ],
        "not_sent": [
            {"id": "r2", "handshake": False, "http_version": "1.1", "method": "POST", "host": None, "target": "/p?token=***",
             "why": "POST is not a safe method"}
        ],
    }  # fmt: skip
    first, second = told["connections"][0]["requests"]
    head = first.pop("head")
    assert head[0] == "GET /chat?token=*** HTTP/1.1"
    assert head[-2:] == ["Authorization: ***", "X-Odd: /?token=***"]
    assert first == {
        "id": "h1", "handshake": True, "method": "GET", "pause_s": 0.75, "body_bytes": 0, "frames": 2, "frame_bytes": 5,
        "pauses_s": 0.75, "longest_pause_s": 0.5, "closes": True,
    }  # fmt: skip
    assert (second["body_bytes"], second["frames"], second["closes"]) == (3, 0, False)


def test_the_plans_secrets() -> None:
    assert SECRET not in replay_json.render_plan(plan(), TARGET)
    assert SECRET in replay_json.render_plan(plan(), TARGET, show_secrets=True)


def test_the_plan_of_http2() -> None:
    fields = ((b":method", b"CONNECT"), (b":path", b"/?token=s3cret"), (b"cookie", b"s3cret"))
    request = asked(captured(), b"", fields=fields)
    told = document(replay_json.render_plan(Plan((Connection(1, 0.0, True, b"", (request,)),)), TARGET))
    assert told["connections"][0]["requests"][0]["head"] == [":method: CONNECT", ":path: /?token=***", "cookie: ***"]
