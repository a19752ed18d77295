"""The load balancer altered the WebSocket extensions.

What: the extensions that the client offered reached the router otherwise than they were sent, or the ones that the router
accepted in its 101 reached the client otherwise. Order counts, since it tells the preference; case, blanks and the order of
an extension's parameters do not.

Why it matters: extensions change what the frames mean. Where only one end knows that permessage-deflate is on, the other one
fails the connection at the first compressed message (reserved bit set: 1002), or reads garbage. An offer that was removed
costs compression, which is harmless; an acceptance that was removed or added breaks every connection.

Example: a load balancer that inspects messages and cannot decompress them removes `permessage-deflate` from the offer, which it
may; one that removes it only from the 101, which it may not.

What to change: let the load balancer hand on Sec-WebSocket-Extensions in both directions:
  nginx      no proxy_set_header Sec-WebSocket-Extensions, no proxy_hide_header
  HAProxy    no http-request or http-response del-header sec-websocket-extensions
  Envoy      no request_headers_to_remove, response_headers_to_remove with it
  Apache     no RequestHeader or Header unset Sec-WebSocket-Extensions
  F5 BIG-IP  WebSocket profile, Compress Mode: Preserved
Where it has to inspect, let it remove the offer, never the acceptance alone.

Source: RFC 6455 4.1, 4.2.2, 9.1; RFC 7692 5, 7.1; traefik/traefik 4843.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.header_lists import extensions
from wsanalyze.rules.negotiation import altered

TITLE = "The load balancer altered the WebSocket extensions"
SEVERITY = "warning"

ADVICE = (
    "Let the load balancer hand on Sec-WebSocket-Extensions as it is, in the request and in the 101. If it has to inspect "
    "messages, let it remove the offer, never the acceptance alone: both ends must agree on what the frames mean."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter hands on Sec-WebSocket-Extensions as it is. Look for what else stands between the captures, such as"
    " a route service or a proxy beside the app: both ends must agree on what the frames mean."
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes whose Sec-WebSocket-Extensions differ between the sides."""
    yield from altered(context, "sec_websocket_extensions", "Sec-WebSocket-Extensions", extensions, TITLE, ADVICE)
