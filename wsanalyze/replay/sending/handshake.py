"""Takes the final answer to a request, gives what it says: whether the WebSocket is open, and how."""

from __future__ import annotations

from websockets.utils import accept_key

from wsanalyze.replay.model import ANSWERED, ESTABLISHED, REFUSED, Replayed, Request
from wsanalyze.replay.sending.fields import Fields, asked, has_token, joined


def tell(request: Request, status: int, fields: Fields, replayed: Replayed, *, http2: bool) -> None:
    """Write the answer to `request` down in `replayed`."""
    replayed.status, replayed.headers = status, fields
    if not request.captured.handshake:
        replayed.outcome = ANSWERED
        return
    replayed.subprotocol = joined(fields, "sec-websocket-protocol")
    replayed.extensions = joined(fields, "sec-websocket-extensions")
    # RFC 8441 5: over HTTP/2 any 2xx opens it, and neither key nor Upgrade is there.
    opened = 200 <= status < 300 if http2 else _switched(status, fields, replayed)
    replayed.outcome = ESTABLISHED if opened else REFUSED
    if opened and not http2 and request.key is not None:
        replayed.accept_valid = joined(fields, "sec-websocket-accept") == accept_key(request.key)
    if opened and replayed.subprotocol is not None:
        offered = joined(asked(request), "sec-websocket-protocol") or ""
        if replayed.subprotocol not in [name.strip() for name in offered.split(",")]:
            replayed.notes.append("The target chose a subprotocol that was not offered, which clients refuse.")


def _switched(status: int, fields: Fields, replayed: Replayed) -> bool:
    """RFC 6455 4.1, of the server's response."""
    if status != 101:
        return False
    if not has_token(fields, "upgrade", "websocket"):
        replayed.notes.append("The 101 does not say Upgrade: websocket.")
        return False
    if not has_token(fields, "connection", "upgrade"):
        replayed.notes.append("The 101 does not say Connection: Upgrade, without which clients refuse it.")
    return True
