"""Takes an analysis, gives its JSON: names and meanings are a contract. Everything beyond ASCII is escaped."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pandas as pd

from wsanalyze import __version__, redaction
from wsanalyze.analysis import Analysis
from wsanalyze.completeness import summed_up
from wsanalyze.rules.finding import Evidence, Finding
from wsanalyze.tables import Tables

_HANDSHAKE = (
    "id", "method", "host", "back_host", "target", "back_target", "key", "http_version", "client", "lb_front", "lb_back",
    "router", "verdict", "detail", "mode", "confidence", "reason", "outcome", "ended_by", "front_status", "back_status",
)  # fmt: skip


def render(analysis: Analysis, *, show_secrets: bool = False) -> str:
    """The whole analysis as one JSON document, ending in a newline: one line a handshake, one line an instance of a finding."""
    told = document(analysis, show_secrets=show_secrets)
    lines = (f"  {_line(key)}: {_broken(value, _LEVELS.get(key, 0), '  ')}" for key, value in told.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


_line = json.JSONEncoder(ensure_ascii=True, allow_nan=False).encode
"""A value on one line. Breaking all of them, as `indent` does, takes three times as long as judging them."""

_LEVELS = {"captures": 2, "handshakes": 1, "findings": 3}
"""How deep the values of these names are broken over lines."""


def _broken(value: Any, levels: int, indent: str) -> str:
    """JSON of a value, its elements on lines of their own down to this depth."""
    if not levels or not value or not isinstance(value, (dict, list)):
        return _line(value)
    deeper = f"{indent}  "
    if isinstance(value, dict):
        items = (f"{deeper}{_line(key)}: {_broken(inner, levels - 1, deeper)}" for key, inner in value.items())
    else:
        items = (f"{deeper}{_broken(inner, levels - 1, deeper)}" for inner in value)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(items) + f"\n{indent}{closing}"


def render_error(file: str | None, message: str, hint: str) -> str:
    """An error as JSON."""
    error = {"file": file, "message": message, "hint": hint}
    return json.dumps({"wsanalyze": __version__, "error": error}, indent=2, ensure_ascii=True) + "\n"


def document(analysis: Analysis, *, show_secrets: bool = False) -> dict[str, Any]:
    """What `render` writes, as Python values."""
    offset, requests = analysis.clock_offset, analysis.requests
    known = offset.low is not None or offset.high is not None
    return {
        "wsanalyze": __version__,
        "captures": {
            "front": _captures(analysis.front, analysis.notes_of("front")),
            "back": _captures(analysis.back, analysis.notes_of("back")),
        },
        "judged": analysis.box,
        "filtered": None if analysis.left_out is None else {"handshakes": analysis.left_out},
        "clock_offset": {"low": offset.low, "high": offset.high, "unit": "s", "pairs": offset.pairs} if known else None,
        "handshakes": [
            _handshake(analysis, row, show_secrets=show_secrets) for row in analysis.handshakes.to_dict("records")
        ],
        "requests": {
            "total": requests.total,
            "judged": requests.judged,
            "paired": requests.paired,
            "missing_x_forwarded_for": requests.missing_x_forwarded_for,
            "missing_x_forwarded_proto": requests.missing_x_forwarded_proto,
        },
        "findings": [_finding(finding, show_secrets=show_secrets) for finding in analysis.findings],
        "unpaired": analysis.unpaired,
    }


def _captures(tables: Tables, notes: tuple[str, ...]) -> list[dict[str, Any]]:
    completeness = dataclasses.asdict(summed_up(tables))
    return [
        {
            "file": row["file"],
            "packets": int(row["packets"]),
            "first": _moment(row["first"]),
            "last": _moment(row["last"]),
            "problems": [*(str(problem) for problem in row["problems"]), *notes],
            "completeness": completeness,
        }
        for row in tables.captures.to_dict("records")
    ]


def _moment(value: Any) -> str | None:
    """ISO 8601 in UTC, with all nine digits of the nanoseconds."""
    if value is None or pd.isna(value):
        return None
    return f"{value.strftime('%Y-%m-%dT%H:%M:%S')}.{value.value % 1_000_000_000:09d}Z"


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def _handshake(analysis: Analysis, row: dict[Any, Any], *, show_secrets: bool) -> dict[str, Any]:
    result = {name: _plain(row[name]) for name in _HANDSHAKE}
    for name in ("target", "back_target"):
        result[name] = _target(result[name], show_secrets=show_secrets)
    result["evidence"] = [
        {"side": side, "file": file, "frames": list(frames)}
        for side, tables in (("front", analysis.front), ("back", analysis.back))
        for file, frames in tables.frames.of(row[f"{side}_frames"])
    ]
    result["pairing"] = _plain(row["pairing"])
    result["changes"] = [
        {
            "header": change["header"],
            "front": _header(change["header"], change["front"], show_secrets=show_secrets),
            "back": _header(change["header"], change["back"], show_secrets=show_secrets),
        }
        for change in row["changes"]
    ]
    duration = _plain(row["duration_s"])
    result["websocket"] = None
    if duration is not None:
        result["websocket"] = {
            "close_code": _plain(row["close_code"]),
            "closed_by": _plain(row["closed_by"]),
            "messages": {"client": _plain(row["messages_client"]), "server": _plain(row["messages_server"])},
            "duration_s": duration,
        }
    result["stream"] = _plain(row["stream"])
    result["findings"] = list(row["findings"])
    return result


def _target(value: str | None, *, show_secrets: bool) -> str | None:
    return value if value is None or show_secrets else redaction.target(value)


def _header(name: str, value: str | None, *, show_secrets: bool) -> str | None:
    return value if value is None or show_secrets else redaction.header(name, value)


def _finding(finding: Finding, *, show_secrets: bool) -> dict[str, Any]:
    return {
        "id": finding.id,
        "rule": finding.rule,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "title": finding.title,
        "count": finding.count,
        "advice": finding.advice,
        "evidence": [_evidence(evidence, show_secrets=show_secrets) for evidence in finding.evidence],
    }


def _evidence(evidence: Evidence, *, show_secrets: bool) -> dict[str, Any]:
    return {
        "side": evidence.side,
        "file": evidence.file,
        "frames": list(evidence.frames),
        "method": evidence.method,
        "host": evidence.host,
        "target": _target(evidence.target, show_secrets=show_secrets),
        "note": evidence.note,
        "handshake": evidence.handshake,
    }
