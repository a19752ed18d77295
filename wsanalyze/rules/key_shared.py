"""Handshakes on several connections carry the same `Sec-WebSocket-Key`.

What: the same key was sent on more than one connection to the load balancer.

Why it matters: a client has to choose a key at random for each connection (RFC 6455 4.1). A key that stands in a script does
no harm to the connection, but it takes away what the key is for: a cache may answer, and nothing tells one handshake from
another. wsanalyze then tells them apart by path, address and time, and says so where it cannot.

Example: a load test or a monitoring probe with a hard-coded `dGhlIHNhbXBsZSBub25jZQ==`, the sample key of RFC 6455.

What to change: the client or the script: a new random key for each handshake. Nothing on the load balancer.

Source: RFC 6455 4.1 (7.), 1.3, 10.8.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.carried import asked_in_front, of, whole
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.instances import problems

TITLE = "Handshakes on several connections carry the same Sec-WebSocket-Key"
SEVERITY = "info"

ADVICE = (
    "Nothing to change on the load balancer. The client has to make a new random key for each handshake (RFC 6455 4.1)."
)
AT_GOROUTER = AtGorouter(
    "Nothing to change on the platform. The client has to make a new random key for each handshake (RFC 6455 4.1)."
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes of the front whose key was sent on other connections, too."""
    asked = context.once(asked_in_front)
    asked = asked[whole(context.front, asked["exchange"])]
    keys = of(context.front, asked["exchange"], "sec_websocket_key", "connection")
    keys = keys[keys["sec_websocket_key"].fillna("").ne("")]
    if not keys["sec_websocket_key"].duplicated().any():
        return
    connections = keys.groupby("sec_websocket_key")["connection"].transform("nunique")
    shared = keys[connections > 1]
    notes = shared["sec_websocket_key"] + ", on " + connections[connections > 1].astype("str") + " connections"
    found = asked.loc[shared.index]
    yield from problems(context, "info", TITLE, ADVICE, {"front": found.assign(note=notes)})
