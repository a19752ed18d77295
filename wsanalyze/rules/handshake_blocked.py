"""A WebSocket handshake did not reach a router, or its answer was withheld.

What: the load balancer answered the handshake itself (`by-policy`), could not open a connection to the router
(`router-unreachable`), did nothing (`silent`), or got the router's 101 and gave the client something else
(`answer-withheld`).

Why it matters: the router and the app never had a say. A 4xx may be what the configuration wants (a rule, a missing
route map, Envoy without upgrade_configs), so that is a warning; all else is an error.

Example: Envoy answers 403 to an upgrade that its route does not allow; nginx answers 400 to a handshake over HTTP/2
(extended CONNECT), and Caddy resets the stream; a load balancer answers 502 because it disliked the router's 101.

What to change: look in the load balancer's log for the answer that the client got. For `by-policy` allow the upgrade for
the platform's hosts; for `router-unreachable` check that the routers listen on the port that the load balancer uses, and
its health checks; for `answer-withheld` compare the router's 101 with what the load balancer demands (`wsanalyze show`).
Where the load balancer cannot pass the Upgrade header through, forward TCP: on a port of its own such as 8443, or on a
second load balancer in TCP mode on 80 and 443.

Source: VMware Tanzu, "Supporting WebSockets"; RFC 6455 4.2.2; RFC 9110 15.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wsanalyze.rules.context import AtGorouter, Context, Problem, at
from wsanalyze.rules.finding import Severity

TITLE = "WebSocket handshakes were stopped at the load balancer"
SEVERITY = "error; warning for a 4xx by policy"
SEVERITIES: tuple[Severity, ...] = ("error", "warning")

ADVICE = {
    "by-policy": (
        "The load balancer answered these itself. Find the rule or the missing setting behind that answer in its log, and "
        "allow the upgrade for the platform's hosts."
    ),
    "router-unreachable": (
        "The load balancer could not connect to the router. Check the address and port of its pool, the firewall between "
        "them, and that the routers listen there."
    ),
    "silent": (
        "The load balancer neither forwarded these nor answered them. Look in its log at that time: a rule that drops them, "
        "a full queue, or no healthy router."
    ),
    "answer-withheld": (
        "The router accepted these with 101, but the client got something else. Compare the router's answer with what the "
        "load balancer demands of it (wsanalyze show), and look at its timeouts."
    ),
}
AT_GOROUTER = AtGorouter(
    "Look in the Gorouter's access log and log for the answer that the client got: the value of x_cf_routererror "
    "says why."
)


OVER_HTTP2 = (
    "The load balancer speaks HTTP/2 with these clients and refuses WebSocket over it (extended CONNECT, RFC 8441). Switch that on "
    "(Caddy and Go: GODEBUG=http2xconnect=1; Envoy: allow_connect), or let the listener offer HTTP/1.1 only (ALPN without h2), over "
    "which clients then ask for WebSocket."
)
"""Advice on what was refused by policy over HTTP/2."""


ADVICE_AT_GOROUTER = {
    "by-policy": (
        "The Gorouter answered these itself. X-Cf-Routererror in its answer, and x_cf_routererror in its access log, say why: see "
        "the finding router-error. Without it, look in the Gorouter's log at that time."
    ),
    "over-http2": (
        "A Gorouter does not speak WebSocket over HTTP/2 (extended CONNECT, RFC 8441). Let the load balancer in front of it send "
        "WebSocket over HTTP/1.1 (ALPN without h2), or switch HTTP/2 off (router.enable_http2: false)."
    ),
    "router-unreachable": (
        "The Gorouter could not connect to the app. Check whether its instances run and listen on their port (cf app, cf events), "
        "whether the route is stale, and the network between the Gorouters and the Diego cells."
    ),
    "silent": (
        "The Gorouter neither forwarded these nor answered them. Look in its log at that time, whether it was draining or out of "
        "memory or file descriptors, and at its timeouts towards apps."
    ),
    "answer-withheld": (
        "The app accepted these with 101, but the client got something else. Compare the app's answer with RFC 6455 4.2.2 "
        "(wsanalyze show), and look in the Gorouter's log at that time."
    ),
}


def check(context: Context) -> Iterator[Problem]:
    """Handshakes with the verdict `blocked`, by detail and severity."""
    blocked = [row for row in context.rows() if row["verdict"] == "blocked"]
    kinds = [(detail, False, advice) for detail, advice in ADVICE.items()] + [("by-policy", True, OVER_HTTP2)]
    for detail, http2, advice in kinds:
        for severity in SEVERITIES:
            found = [
                at(row, "front", _note(row))
                for row in blocked
                if row["detail"] == detail and _severity(row) == severity and _is_http2(row) == http2
            ]
            title = f"{TITLE}: {detail}{' over HTTP/2' if http2 else ''}"
            key = "over-http2" if http2 else detail
            yield Problem(severity, title, advice, tuple(found), at_gorouter=ADVICE_AT_GOROUTER[key])


def _is_http2(row: dict[str, Any]) -> bool:
    """Whether it was refused by policy as an extended CONNECT."""
    return bool(row["http_version"] == "2" and row["detail"] == "by-policy")


def _severity(row: dict[str, Any]) -> Severity:
    status = row["front_status"]
    return "warning" if row["detail"] == "by-policy" and status is not None and 400 <= status < 500 else "error"


def _note(row: dict[str, Any]) -> str:
    return f"{row['detail']}: {row['front_status'] or row['outcome']}"
