"""Requests name the client in `Forwarded`, and not in `X-Forwarded-For` and `X-Forwarded-Proto`.

What: an ordinary request arrived at the router with a Forwarded header (RFC 7239), and with neither X-Forwarded-For nor
X-Forwarded-Proto.

Why it matters: Forwarded is the standard, but the platform does not read it. The router makes its own X-Forwarded-For of its
peer's address, the load balancer's, and its own X-Forwarded-Proto of how it was reached.

Example: HAProxy with `option forwarded` in place of `option forwardfor`; a gateway that was built to the standard.

What to change: let the load balancer send both kinds:
  HAProxy    option forwardfor, and http-request set-header X-Forwarded-Proto https if { ssl_fc }, beside option forwarded
  nginx      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
             proxy_set_header X-Forwarded-Proto $scheme;
  Envoy      use_remote_address: true
  Apache     nothing for -For; RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
  F5 BIG-IP  HTTP profile, Insert X-Forwarded-For: Enabled; an iRule for X-Forwarded-Proto

Source: VMware Tanzu, "Supporting WebSockets" and "X-Forwarded-For, X-Forwarded-Proto"; RFC 7239 4, 7.4.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.forwarded import lacks
from wsanalyze.rules.instances import problems
from wsanalyze.tables import chosen

TITLE = "Requests name the client only in Forwarded, which the platform does not read"
SEVERITY = "warning"

ADVICE = (
    "Let the load balancer send X-Forwarded-For and X-Forwarded-Proto, too (HAProxy: option forwardfor beside option forwarded, "
    "and http-request set-header X-Forwarded-Proto): the platform reads nothing else."
)
AT_GOROUTER = AtGorouter(
    "Let the load balancer in front of the Gorouter send X-Forwarded-For and X-Forwarded-Proto, too: a Gorouter "
    "reads nothing else, and makes its own of its peer's address and scheme."
)


def check(context: Context) -> Iterator[Problem]:
    """Requests with the one and without the others; blank ones do not count."""
    absent = lacks(context, "x_forwarded_for") & lacks(context, "x_forwarded_proto")
    found = chosen(context.requests, absent & ~lacks(context, "forwarded"), "exchange", "forwarded")
    yield from problems(
        context, "warning", TITLE, ADVICE, {context.received_on: found.rename(columns={"forwarded": "note"})}
    )
