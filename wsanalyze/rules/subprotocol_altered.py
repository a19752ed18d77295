"""The load balancer altered the WebSocket subprotocols.

What: the subprotocols that the client offered reached the router otherwise than they were sent, or the one that the router
chose in its 101 reached the client otherwise. Order counts, since it tells the preference, and so does case: clients compare
letter by letter.

Why it matters: browsers fail the connection where the 101 names a subprotocol that was not offered, and Chrome also where
it names none though some were offered. Apps that get no offer refuse, or speak another protocol than the client. Some clients
send an access token as a subprotocol: without it they are refused.

Example: an old Traefik lost Sec-WebSocket-Protocol; a gateway that puts its own choice into the 101.

What to change: let the load balancer hand on Sec-WebSocket-Protocol in both directions:
  nginx      no proxy_set_header Sec-WebSocket-Protocol, no proxy_hide_header
  HAProxy    no http-request or http-response del-header sec-websocket-protocol
  Envoy      no request_headers_to_remove, response_headers_to_remove with it
  Apache     no RequestHeader or Header unset Sec-WebSocket-Protocol
  F5 BIG-IP  no HTTP::header remove or replace on it in an iRule

Source: RFC 6455 1.9, 4.1, 4.2.2, 11.3.4; traefik/traefik 1945.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.header_lists import subprotocols
from wsanalyze.rules.negotiation import altered

TITLE = "The load balancer altered the WebSocket subprotocols"
SEVERITY = "warning"

ADVICE = (
    "Let the load balancer hand on Sec-WebSocket-Protocol as it is, in the request and in the 101: clients fail a connection whose "
    "subprotocol they did not offer."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter hands on Sec-WebSocket-Protocol as it is. Look for what else stands between the captures, such as a"
    " route service or a proxy beside the app: clients fail a connection whose subprotocol they did not offer."
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes whose Sec-WebSocket-Protocol differs between the sides."""
    yield from altered(context, "sec_websocket_protocol", "Sec-WebSocket-Protocol", subprotocols, TITLE, ADVICE)
