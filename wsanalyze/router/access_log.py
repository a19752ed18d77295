"""Takes what was done with a request, gives its line of the access log, as a Gorouter writes it.

The form is that of cloudfoundry/gorouter, `accesslog/schema/access_log_record.go`. Secrets are masked, and whatever is not a
printable ASCII character is escaped: no request can write a line of its own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from wsanalyze import redaction
from wsanalyze.router.request import Request

APP_ID: Final = "00000000-0000-4000-8000-000000000000"
"""Of the app that answers here."""
_SMALL, _LARGE = 1_000, 20_000
"""Characters of a header and of a target, in a Gorouter that logs by syslog."""


@dataclass(slots=True)
class Record:
    """What was done with a request."""

    request: Request
    status: int | None = None
    """None: nothing was answered."""
    router_error: str | None = None
    received: int = 0
    """Bytes of the body, or of the WebSocket."""
    sent: int = 0
    took: float = 0.0
    """Seconds from the head to the end of the answer, or of the WebSocket."""
    app_took: float = 0.0
    """Of these, the app's."""


def line(record: Record, *, show_secrets: bool) -> str:
    """One line, without its end."""
    request = record.request
    peer = request.peer
    from_app = record.status is not None and record.router_error is None

    def header(name: str) -> str:
        value = next(iter(request.values(name)), "")
        return _short(value if show_secrets else redaction.header(name, value), name, _SMALL)

    target = _short(request.target if show_secrets else redaction.target(request.target), "request-uri", _LARGE)
    version = "HTTP/2.0" if request.version == "2" else f"HTTP/{request.version}"
    named = {
        "x_forwarded_for": _quoted(header("x-forwarded-for")),
        "x_forwarded_proto": _quoted(header("x-forwarded-proto")),
        "vcap_request_id": _quoted(request.id),
        "response_time": f"{record.took:.6f}",
        "gorouter_time": f"{max(0.0, record.took - record.app_took):.6f}",
        "app_id": _quoted(APP_ID if from_app else ""),
        "app_index": _quoted("0" if from_app else ""),
        "instance_id": '"-"',
        "route_service_url": '"-"',
        "x_cf_routererror": _quoted(record.router_error or ""),
    }
    return " ".join(
        [
            _escaped(_short(request.host, "host", _SMALL)).replace(" ", "\\x20") or "-",
            "-",
            f"[{_moment(request.received)}]",
            _quoted(f"{request.method} {target} {version}"),
            '"-"' if record.status is None else str(record.status),
            str(record.received),
            str(record.sent),
            _quoted(header("referer")),
            _quoted(header("user-agent")),
            _quoted(peer.client),
            _quoted(peer.own if from_app else ""),
            *(f"{name}:{value}" for name, value in named.items()),
        ]
    )


def _moment(seconds: float) -> str:
    """UTC with nine digits, of which Python knows six."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


def _short(value: str, name: str, limit: int) -> str:
    return value if len(value) <= limit else f"{value[: limit // 2]}...{name.upper()}-TOO-LONG-TO-LOG--TRUNCATED"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"' if text else '"-"'


def _escaped(text: str) -> str:
    """As Go's `strconv.AppendQuoteToASCII` does it to bytes."""
    return "".join(f"\\{one}" if one in '"\\' else one if " " <= one <= "~" else f"\\x{ord(one):02x}" for one in text)
