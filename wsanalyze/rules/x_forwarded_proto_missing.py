"""Ordinary requests reach the router without `X-Forwarded-Proto`.

What: a request that is not a WebSocket handshake arrived at the router without an X-Forwarded-Proto header, or with a blank one.

Why it matters: the router fills in the scheme by which *it* was reached; behind a load balancer that ends TLS this is
`http`, and apps redirect to https for ever or hand out wrong links. On ports 80 and 443 the platform requires it;
elsewhere it is a warning. Health checks and requests of the load balancer's own do not count.

Example: Apache's mod_proxy_http and Varnish set X-Forwarded-For by themselves, but never X-Forwarded-Proto.

What to change: in HTTP mode, let the load balancer set it:
  nginx      proxy_set_header X-Forwarded-Proto $scheme;
  HAProxy    http-request set-header X-Forwarded-Proto https if { ssl_fc }
             http-request set-header X-Forwarded-Proto http if !{ ssl_fc }
  Apache     RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
  F5 BIG-IP  an iRule: HTTP::header insert X-Forwarded-Proto "https"
In TCP mode the load balancer cannot add headers: send HTTP through a listener in HTTP mode and keep TCP for WebSocket.

Source: VMware Tanzu, "Supporting WebSockets" and "X-Forwarded-For, X-Forwarded-Proto"; cloudfoundry/gorouter.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.forwarded import missing

TITLE = "Ordinary requests reach the router without X-Forwarded-Proto"
SEVERITY = "error on web ports, else warning"

ADVICE = (
    "Let the load balancer set it (nginx: proxy_set_header X-Forwarded-Proto $scheme; HAProxy: http-request set-header "
    "X-Forwarded-Proto https if { ssl_fc }; Apache: RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}). In TCP mode "
    "it cannot: use a listener in HTTP mode for ordinary requests."
)
AT_GOROUTER = AtGorouter(
    "Let the load balancer in front of the Gorouter set it. The Gorouter fills in the scheme by which it was "
    "reached itself; router.force_forwarded_proto_https makes that https where all clients use TLS.",
    title="Ordinary requests reach the Gorouter without X-Forwarded-Proto: the load balancer in front sent none",
)


def check(context: Context) -> Iterator[Problem]:
    """Requests to the platform's router without the header, by severity."""
    yield from missing(context, "x_forwarded_proto", TITLE, ADVICE)
