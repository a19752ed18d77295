"""Ordinary requests reach the router without `X-Forwarded-For`.

What: a request that is not a WebSocket handshake arrived at the router without an X-Forwarded-For header, or with a blank one.

Why it matters: the router appends the address of its peer, which is the load balancer's; without the header apps and logs
take the load balancer for the client. On ports 80 and 443 the platform requires it; elsewhere it is a warning. Health checks and
requests of the load balancer's own have no client to name and do not count.

Example: nginx without `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`; any load balancer in TCP mode.

What to change: in HTTP mode, let the load balancer append the client's address:
  nginx      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  HAProxy    option forwardfor
  Envoy      use_remote_address: true
  F5 BIG-IP  HTTP profile, Insert X-Forwarded-For: Enabled
In TCP mode the load balancer cannot add headers: send HTTP through a listener in HTTP mode and keep TCP for WebSocket, or
use the PROXY protocol and switch it on at the routers.

Source: VMware Tanzu, "Supporting WebSockets" and "X-Forwarded-For, X-Forwarded-Proto"; cloudfoundry/gorouter.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.forwarded import missing

TITLE = "Ordinary requests reach the router without X-Forwarded-For"
SEVERITY = "error on web ports, else warning"

ADVICE = (
    "Let the load balancer append the client's address (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; "
    "HAProxy: option forwardfor; Envoy: use_remote_address). In TCP mode it cannot: use a listener in HTTP mode for "
    "ordinary requests, or the PROXY protocol, which the routers must then be told to expect."
)
AT_GOROUTER = AtGorouter(
    "Let the load balancer in front of the Gorouter append the client's address. The Gorouter adds its peer's, so "
    "that apps take the load balancer for the client. A load balancer in TCP mode can send the PROXY protocol, "
    "version 1, which router.enable_proxy lets the Gorouter read.",
    title="Ordinary requests reach the Gorouter without X-Forwarded-For: the load balancer in front sent none",
)


def check(context: Context) -> Iterator[Problem]:
    """Requests to the platform's router without the header, by severity."""
    yield from missing(context, "x_forwarded_for", TITLE, ADVICE)
