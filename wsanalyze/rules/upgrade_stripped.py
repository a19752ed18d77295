"""The load balancer removed the upgrade from a WebSocket handshake.

What: the client asked for WebSocket with `Upgrade: websocket` and `Connection: Upgrade`; the request that reached the router
lacked one of them or both. Or the router's 101 reached the client without them.

Why it matters: to the router the request is an ordinary one. It answers 400, 426, or a page; the client reports a bad
handshake, `cf logs` and Apps Manager show nothing, and apps fall back to polling or break. Upgrade and Connection are
hop-by-hop headers (RFC 9110 7.6.1, 7.8): a proxy removes them unless it is told to forward them.

Example: nginx with a bare `proxy_pass` sends HTTP/1.0, `Connection: close` and no Upgrade.

What to change: let the load balancer pass the Upgrade header through to the router. Where it cannot (an AWS Classic ELB
with an HTTP listener), forward TCP instead: on a port of its own such as 8443, which the platform's Loggregator port must
then name, or on a second load balancer in TCP mode that listens on 80 and 443 under a DNS name of its own.

Source: VMware Tanzu, "Supporting WebSockets"; RFC 6455 4.1, 4.2.1; RFC 9110 7.8.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem, on_side

TITLE = "The load balancer removed the upgrade from WebSocket handshakes"
SEVERITY = "error"

ADVICE = (
    "Let the load balancer pass the Upgrade and Connection headers through to the router. If it cannot, forward TCP instead: "
    "on a port of its own such as 8443 (set the Loggregator port to it), or on a second load balancer in TCP mode "
    "on ports 80 and 443 with a DNS name of its own."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter takes a request for WebSocket only where the first Connection line holds upgrade and Upgrade is "
    "websocket and nothing else; what else it gets is forwarded as an ordinary request. Compare the request in "
    "front (wsanalyze show): the client, or the load balancer in front, has to send it so."
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes that lost their upgrade, whatever came of them."""
    lost = [
        evidence
        for row in context.rows()
        if row["verdict"] == "stripped"
        or (row["verdict"] == "terminated" and row["detail"] == "bridged" and row["back_exchange"] is not None)
        for evidence in on_side(
            row,
            row["detail"]
            if row["verdict"] == "stripped"
            else context.worded("answered 101 by the load balancer itself"),
        )
    ]
    yield Problem("error", TITLE, ADVICE, tuple(lost))
