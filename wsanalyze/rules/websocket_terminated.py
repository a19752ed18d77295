"""The load balancer answered a WebSocket handshake itself.

What: the client's 101 is not the router's: the load balancer spoke WebSocket to the client and something else, another
WebSocket or nothing at all to the router.

Why it matters: the platform's router has to see the client's own handshake, because only it knows which instance is to
answer. A load balancer that upgrades the request itself turns the router's refusal into a connection that opens and then
stays silent; subprotocols, extensions, pings and close codes are then the load balancer's, not the app's. RFC 6455 lets a
proxy do so: it is a misconfiguration for this platform, not an error of protocol.

Example: an application firewall that inspects WebSocket messages; an API gateway with a WebSocket API of its own.

What to change: switch off WebSocket termination, inspection or "acceleration" for these hosts and pass the Upgrade header
through; or forward TCP: on a port of its own such as 8443, or on a second load balancer in TCP mode on 80 and 443.

Source: VMware Tanzu, "Supporting WebSockets": the load balancer must not upgrade the request. RFC 6455 1.3, 4.2.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem, at

TITLE = "The load balancer answered WebSocket handshakes itself"
SEVERITY = "error"

ADVICE = (
    "Switch off WebSocket termination or inspection on the load balancer and pass the handshake through to the router, whose "
    "101 it has to be. If it cannot, forward TCP instead: on a port of its own such as 8443 (set the Loggregator port to it), "
    "or on a second load balancer in TCP mode on ports 80 and 443."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter gives no 101 of its own: it hands on the app's. Look for what else stands between the captures, "
    "such as a route service or a proxy beside the app, and whether the back capture shows all of the app's "
    "instances."
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes with the verdict `terminated`."""
    for confidence in ("certain", "likely"):
        found = [
            at(row, "front", row["detail"])
            for row in context.rows()
            if row["verdict"] == "terminated" and row["confidence"] == confidence
        ]
        yield Problem("error", TITLE, ADVICE, tuple(found), "certain" if confidence == "certain" else "likely")
