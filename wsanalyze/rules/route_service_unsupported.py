"""The route is bound to a route service, and the router refuses WebSocket there.

What: the router answered 503 with `X-Cf-Routererror: route_service_unsupported` to a handshake.

Why it matters: the load balancer did its part. Gorouters of older platforms do not send WebSocket through route services;
newer ones (routing-release 0.339 and later) do unless that is switched off.

Example: `cf bind-route-service` on an app that speaks WebSocket.

What to change: nothing on the load balancer. Unbind the route service from the route (`cf unbind-route-service`), give
WebSocket a route of its own without one, update the platform, or switch on WebSockets for route services.

Source: VMware Tanzu, "Supporting WebSockets"; cloudfoundry/gorouter; cloudfoundry/routing-release 408.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.router_error import error_answers

TITLE = "The router refuses WebSocket on a route that is bound to a route service"
SEVERITY = "error"
VALUE = "route_service_unsupported"

ADVICE = (
    "Nothing to change on the load balancer. Unbind the route service from this route (cf unbind-route-service), give WebSocket a "
    "route without one, or update the platform: newer routers allow it."
)
AT_GOROUTER = AtGorouter(
    "Unbind the route service from this route (cf unbind-route-service), give WebSocket a route without one, or "
    "update the platform: newer Gorouters allow it unless that is switched off.",
    title="The Gorouter refuses WebSocket on a route that is bound to a route service",
)


def check(context: Context) -> Iterator[Problem]:
    """Answers with that value of X-Cf-Routererror."""
    found = [evidence for value, evidence in context.once(error_answers) if value.lower().startswith(VALUE)]
    yield Problem("error", TITLE, ADVICE, tuple(found))
