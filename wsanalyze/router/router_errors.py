"""Takes the name of a router error, gives what a Gorouter answers with it.

Statuses and texts are those of cloudfoundry/gorouter of April 2025 (`handlers/lookup.go`, `handlers/routeservice.go`,
`proxy/round_tripper/error_handler.go`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from wsanalyze.router.answer import Answer, phrase, plain

ROUTE_SERVICE: Final = "route_service_unsupported"
"""The one that concerns WebSockets only."""
EMPTY_HOST: Final = "empty_host"

_SHORTLY: Final = (("Cache-Control", "public,max-age=2"),)
_NEVER: Final = (("Cache-Control", "no-cache, no-store"),)
_TABLE: Final[dict[str, tuple[int, str, tuple[tuple[str, str], ...]]]] = {
    "unknown_route": (404, "Requested route ('{host}') does not exist.", _NEVER),
    "no_endpoints": (503, "Requested route ('{host}') has no available endpoints.", _SHORTLY),
    "endpoint_failure": (502, "Registered endpoint failed to handle the request.", ()),
    ROUTE_SERVICE: (503, "Websocket requests are not supported for routes bound to Route Services.", ()),
    EMPTY_HOST: (400, "Request had empty Host header", _SHORTLY),
}
_REASONS: Final = {"endpoint_failure": "endpoint_failure (dial tcp 10.255.0.1:61001: connect: connection refused)"}
"""What stands in the header where that is more than the name."""


def answer(name: str, host: str) -> Answer:
    """The answer to a request for this host."""
    status, text, more = _TABLE[name]
    told = _REASONS.get(name, name)
    words = f"{status} {phrase(status)}: {text.format(host=host)}"
    return replace(plain(status, words, ("X-Cf-Routererror", told), *more), router_error=told)
