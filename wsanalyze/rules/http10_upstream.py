"""The load balancer lowered a WebSocket handshake to HTTP/1.0.

What: the client asked over HTTP/1.1 or HTTP/2, and the request that reached the router says HTTP/1.0.

Why it matters: Upgrade is not part of HTTP/1.0, and a server must ignore it there (RFC 9110 7.8); RFC 6455 demands HTTP/1.1.
Some routers and apps are lenient, so that it may work today and fail with the next update or another framework.

Example: nginx speaks HTTP/1.0 to its upstreams unless proxy_http_version says otherwise.

What to change: let the load balancer speak HTTP/1.1 to the routers:
  nginx      proxy_http_version 1.1;
  HAProxy    nothing: it speaks HTTP/1.1; remove rules that rewrite the version
  Apache     remove SetEnv force-proxy-request-1.0
  F5 BIG-IP  remove HTTP::version "1.0" from the iRule

Source: RFC 6455 4.1; RFC 9110 7.8; nginx, ngx_http_proxy_module, proxy_http_version.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.carried import column_of
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.instances import problems
from wsanalyze.tables import equal

TITLE = "The load balancer lowered WebSocket handshakes to HTTP/1.0"
SEVERITY = "warning"

ADVICE = "Let the load balancer speak HTTP/1.1 to the routers (nginx: proxy_http_version 1.1;): Upgrade is not part of HTTP/1.0."
AT_GOROUTER = AtGorouter(
    "A Gorouter speaks HTTP/1.1 or HTTP/2 to apps. Look for what else stands between the captures: Upgrade is not "
    "part of HTTP/1.0."
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes whose version is 1.0 on the back and something else on the front."""
    rows = context.carried[context.carried["handshake"].notna()]
    back = column_of(context.back, rows["back"], "version")
    lowered = equal(back, "1.0")
    if not lowered.any():
        return
    front = column_of(context.front, rows["front"], "version")
    lowered = lowered & front.notna().to_numpy(bool) & ~equal(front, "1.0")
    found = rows[lowered].rename(columns={"back": "exchange"})
    notes = [f"HTTP/{version} → HTTP/1.0" for version in front[lowered]]
    yield from problems(context, "warning", TITLE, ADVICE, {"back": found.assign(note=notes)})
