"""Takes what a replay did or would do, gives its JSON: names and meanings are a contract. Everything beyond ASCII is escaped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from wsanalyze import __version__, redaction
from wsanalyze.replay.conclusion import conclude
from wsanalyze.replay.differences import Difference
from wsanalyze.replay.fields import asked, parsed, value
from wsanalyze.replay.model import EMBEDDED, Captured, Connection, Plan, Replayed, Request
from wsanalyze.replay.results import RESULTS, Compared
from wsanalyze.replay.severity import worst

_line = json.JSONEncoder(ensure_ascii=True, allow_nan=False).encode


def render(compared: Sequence[Compared], target: str, *, show_secrets: bool = False) -> str:
    """All results as one JSON document, ending in a newline: one line an exchange."""
    return _lines(document(compared, target, show_secrets=show_secrets), "flows")


def render_plan(plan: Plan, target: str, *, show_secrets: bool = False) -> str:
    """All that would be sent as one JSON document, ending in a newline: one line a connection."""
    return _lines(plan_document(plan, target, show_secrets=show_secrets), "connections", "not_sent")


def _lines(told: dict[str, Any], *broken: str) -> str:
    parts = []
    for key, content in told.items():
        text = _line(content)
        if key in broken and content:
            text = "[\n" + ",\n".join(f"    {_line(one)}" for one in content) + "\n  ]"
        parts.append(f"  {_line(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def document(compared: Sequence[Compared], target: str, *, show_secrets: bool = False) -> dict[str, Any]:
    """What `render` writes, as Python values."""
    counts = Counter(one.result for one in compared)
    return {
        "wsanalyze": __version__,
        "target": _target(target, show_secrets=show_secrets),
        "flows": [_flow(one, show_secrets=show_secrets) for one in compared],
        "counts": {result: counts[result] for result in RESULTS},
        "worst": worst(compared),
        "conclusion": conclude(compared, embedded=target == EMBEDDED),
    }


def _flow(one: Compared, *, show_secrets: bool) -> dict[str, Any]:
    return {
        **_asked(one.captured, show_secrets=show_secrets),
        "captured": _captured(one.captured, show_secrets=show_secrets),
        "replayed": _replayed(one.replayed or Replayed(one.captured.id), show_secrets=show_secrets),
        "result": one.result,
        "why": _target(one.why, show_secrets=show_secrets),
        "differences": [_difference(found, show_secrets=show_secrets) for found in one.differences],
    }


def _asked(captured: Captured, *, show_secrets: bool) -> dict[str, Any]:
    request = asked(captured.head)
    return {
        "id": captured.id,
        "handshake": captured.handshake,
        "http_version": captured.version,
        "method": request.method,
        "host": _header("Host", request.host, show_secrets=show_secrets),
        "target": _target(request.target, show_secrets=show_secrets),
    }


def _captured(captured: Captured, *, show_secrets: bool) -> dict[str, Any]:
    answer = parsed(captured.answer or b"").fields
    return {
        "outcome": captured.outcome,
        "status": captured.status,
        "router_status": captured.router_status,
        "verdict": captured.verdict,
        "detail": captured.detail,
        "subprotocol": _header("Sec-WebSocket-Protocol", _of(answer, "protocol"), show_secrets=show_secrets),
        "extensions": _header("Sec-WebSocket-Extensions", _of(answer, "extensions"), show_secrets=show_secrets),
        "latency_ms": None if captured.answered is None else round(max(0, captured.answered - captured.asked) / 1e6, 3),
        "sent": _messages(captured, by_client=True),
        "received": _messages(captured, by_client=False),
        "close_code": captured.close_code,
    }


def _of(answer: tuple[tuple[str, str], ...], name: str) -> str | None:
    return value(answer, f"sec-websocket-{name}")


def _messages(captured: Captured, *, by_client: bool) -> int | None:
    """Data messages of that side; None where some of what was said is not there."""
    if captured.lost is not None:
        return None
    return sum(frame.by_client is by_client and frame.opcode in {1, 2} for frame in captured.frames)


def _replayed(replayed: Replayed, *, show_secrets: bool) -> dict[str, Any]:
    return {
        "outcome": replayed.outcome,
        "status": replayed.status,
        "accept_valid": replayed.accept_valid,
        "subprotocol": _header("Sec-WebSocket-Protocol", replayed.subprotocol, show_secrets=show_secrets),
        "extensions": _header("Sec-WebSocket-Extensions", replayed.extensions, show_secrets=show_secrets),
        "latency_ms": None if replayed.latency is None else round(replayed.latency * 1000, 3),
        "body_bytes": replayed.body_bytes,
        "sent": replayed.sent,
        "received": replayed.received,
        "received_text": replayed.received_text,
        "received_binary": replayed.received_binary,
        "close_code": replayed.close_code,
        "closed_by": replayed.closed_by,
        "error": _target(replayed.error, show_secrets=show_secrets),
        "notes": [_target(note, show_secrets=show_secrets) for note in replayed.notes],
    }


def _difference(found: Difference, *, show_secrets: bool) -> dict[str, Any]:
    values = (found.captured, found.replayed)
    if found.header:
        values = tuple(_header(found.what, value, show_secrets=show_secrets) for value in values)  # type: ignore[assignment]
    return {
        "what": found.what,
        "header": found.header,
        "captured": values[0],
        "replayed": values[1],
        "counts": found.counts,
    }


def _target(text: str | None, *, show_secrets: bool) -> str | None:
    return text if text is None or show_secrets else redaction.target(text)


def _header(name: str, text: str | None, *, show_secrets: bool) -> str | None:
    return text if text is None or show_secrets else redaction.header(name, text)


def plan_document(plan: Plan, target: str, *, show_secrets: bool = False) -> dict[str, Any]:
    """What `render_plan` writes, as Python values."""
    return {
        "wsanalyze": __version__,
        "target": _target(target, show_secrets=show_secrets),
        "connections": [_connection(one, show_secrets=show_secrets) for one in plan.connections],
        "not_sent": [
            {**_asked(one.captured, show_secrets=show_secrets), "why": _target(one.why, show_secrets=show_secrets)}
            for one in plan.not_sent
        ],
    }


def _connection(connection: Connection, *, show_secrets: bool) -> dict[str, Any]:
    return {
        "connection": connection.number,
        "start_s": round(connection.start, 6),
        "http2": connection.http2,
        "proxy_header_bytes": len(connection.proxy_header),
        "requests": [_request(one, show_secrets=show_secrets) for one in connection.requests],
    }


def _request(request: Request, *, show_secrets: bool) -> dict[str, Any]:
    pauses = [step.pause for step in request.steps]
    return {
        "id": request.id,
        "handshake": request.captured.handshake,
        "method": request.method,
        "pause_s": round(request.pause, 6),
        "head": head_lines(request, show_secrets=show_secrets),
        "body_bytes": len(request.body),
        "frames": len(request.steps),
        "frame_bytes": sum(len(step.payload) for step in request.steps),
        "pauses_s": round(sum(pauses), 6),
        "longest_pause_s": round(max(pauses, default=0.0), 6),
        "closes": request.closes and request.captured.handshake,
    }


def head_lines(request: Request, *, show_secrets: bool) -> list[str]:
    """The lines of the head that would be sent, without their secrets unless these are asked for; folded ones as one."""
    if request.fields:
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.fields)
        start = []
    else:
        head = parsed(request.head)
        fields, start = head.fields, [_target(head.start, show_secrets=show_secrets) or ""]
    return [*start, *(_field(name, text, show_secrets=show_secrets) for name, text in fields)]


def _field(name: str, text: str, *, show_secrets: bool) -> str:
    shown = _header(name, text, show_secrets=show_secrets) or ""
    return f"{name}: {shown}" if name else shown
