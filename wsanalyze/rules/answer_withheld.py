"""The router accepted a WebSocket handshake, and the load balancer withheld the answer.

What: the router's 101 reached the load balancer, but the client got another answer or none. The note says what in the 101
the load balancer may have disliked: a missing or wrong Sec-WebSocket-Accept, a missing Upgrade or Connection header, a
subprotocol or an extension that was not offered; or that nothing in it is wrong.

Why it matters: the app has an open WebSocket, the client has none. Both look at their own logs and find nothing. Load
balancers check answers more strictly than browsers do.

Example: HAProxy (2.4 and later) answers 502 to a 101 without a valid Sec-WebSocket-Accept; Envoy answers 502 or 503 where its
upgrade_configs do not list websocket; a response timeout that is shorter than the app's handshake takes.

What to change: where the note names something, the app or its library: its 101 breaks RFC 6455. Where nothing is wrong with
the 101, the load balancer:
  HAProxy    look for SH-- or PH-- in its log: the answer was refused; timeout server, timeout tunnel
  nginx      proxy_http_version 1.1; and the Upgrade map; proxy_read_timeout
  Envoy      upgrade_configs: [{upgrade_type: websocket}] on the route; the route's timeout
  F5 BIG-IP  assign a WebSocket profile to the virtual server, or remove the one that inspects
  AWS ALB    idle_timeout.timeout_seconds; look for 502 and 504 in its access log

Source: RFC 6455 4.1 (what a client has to check), 4.2.2; haproxy/haproxy 1642.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wsanalyze.rules.carried import of
from wsanalyze.rules.context import AtGorouter, Context, Problem, rows, text
from wsanalyze.rules.header_lists import extensions, subprotocols
from wsanalyze.rules.instances import problems
from wsanalyze.tables import equal

TITLE = "The load balancer withheld the router's 101"
SEVERITY = "warning"

ADVICE = (
    "Where the note names something that is wrong with the router's 101, the app or its WebSocket library has to answer as RFC "
    "6455 4.2.2 says. Otherwise look in the load balancer's log at that time: a check that is too strict, a timeout, or "
    "WebSocket that is not switched on."
)
AT_GOROUTER = AtGorouter(
    "Where the note names something that is wrong with the app's 101, the app or its WebSocket library has to "
    "answer as RFC 6455 4.2.2 says. Otherwise look in the Gorouter's log and access log at that time "
    "(x_cf_routererror, response_time)."
)

_LOOKED_AT = (
    "response_state",
    "accept_valid",
    "sec_websocket_accept",
    "accepts_websocket",
    "accepts_upgrade",
    "sec_websocket_protocol",
    "sec_websocket_extensions",
    "response_sec_websocket_protocol",
    "response_sec_websocket_extensions",
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes with the verdict `blocked`, detail `answer-withheld`, each with what its 101 may be disliked for."""
    asked = context.handshakes
    withheld = equal(asked["verdict"], "blocked") & equal(asked["detail"], "answer-withheld")
    withheld &= asked["back_exchange"].notna().to_numpy(bool)
    if not withheld.any():
        return
    found = asked.loc[withheld, ["back_exchange", "id", "confidence"]].rename(
        columns={"back_exchange": "exchange", "id": "handshake"}
    )
    notes = [context.worded(_note(answer)) for answer in rows(of(context.back, found["exchange"], *_LOOKED_AT))]
    found = found.assign(note=notes, likely=found["confidence"] == "likely")
    yield from problems(context, "warning", TITLE, ADVICE, {"back": found})


def _note(answer: dict[str, Any]) -> str:
    if answer["response_state"] != "complete":
        return "the router's 101 was not captured whole"
    return "; ".join(_disliked(answer)) or "nothing is wrong with the router's 101"


def _disliked(answer: dict[str, Any]) -> Iterator[str]:
    """What a client has to fail the connection for (RFC 6455 4.1, the list after the handshake)."""
    if not answer["accepts_websocket"]:
        yield "no Upgrade: websocket"
    if not answer["accepts_upgrade"]:
        yield "no Connection: upgrade"
    if text(answer["sec_websocket_accept"]) is None:
        yield "no Sec-WebSocket-Accept"
    elif answer["accept_valid"] is False:
        yield "Sec-WebSocket-Accept does not answer the key"
    chosen = subprotocols(answer["response_sec_websocket_protocol"])
    if len(chosen) > 1:
        yield "several subprotocols"
    elif set(chosen) - set(subprotocols(answer["sec_websocket_protocol"])):
        yield "a subprotocol that was not offered"
    offered = {name for name, _ in extensions(answer["sec_websocket_extensions"])}
    if {name for name, _ in extensions(answer["response_sec_websocket_extensions"])} - offered:
        yield "an extension that was not offered"
