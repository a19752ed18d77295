"""Takes paired handshakes that both ended in 101, tells whether the load balancer speaks WebSocket itself with the client's key.

A load balancer may terminate a WebSocket and use the client's key again. Then the keys are the same and the order of events may
be right, and two marks together tell: the client's first message was masked anew on its way (RFC 6455 5.3: the client
chooses the masking key, and who copies bytes keeps it), and nothing in the client's 101 came from the router's. Masks
alone do not: F5's WebSocket profile can mask anew what it otherwise passes on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.tables import Tables

MIN_PAYLOAD = 4
"""Bytes that have to be the same before a payload is recognised."""
_EVERYBODYS = {
    b"upgrade",
    b"connection",
    b"date",
    b"server",
    b"via",
    b"content-length",
    b"transfer-encoding",
    b"keep-alive",
}
"""Headers of a 101 that any hop writes; so are those of the handshake itself."""
_HANDSHAKES = b"sec-websocket-"


def mark_anew(rows: pd.DataFrame, front: Tables, back: Tables) -> None:
    """Add `speaks_itself`: both marks are there; `may_speak_itself`: the 101 is foreign, and packets are missing that could show the masks."""
    both = (rows["f_101"] & rows["b_101"]).to_numpy(bool)
    foreign, compared, anew = (np.zeros(len(rows), bool) for _ in range(3))
    places = np.flatnonzero(both)
    heads = zip(rows["f_response_head"].iloc[places], rows["b_response_head"].iloc[places], strict=True)
    foreign[places] = [_is_foreign(head, routers) for head, routers in heads]
    if foreign.any():
        compared[foreign], anew[foreign] = _masks(rows[foreign], front, back)
    rows["speaks_itself"] = foreign & compared & anew
    lossy = (rows["front_lossy"] | rows["back_lossy"]).to_numpy(bool)
    rows["may_speak_itself"] = foreign & ~compared & lossy


def _masks(rows: pd.DataFrame, front: Tables, back: Tables) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether the client's first message is there on both sides, the same one; whether its mask is another on the back."""
    ours, theirs = (
        tables.rows("websockets", rows[f"{side}_exchange"], "client_first_payload", "client_first_mask")
        for side, tables in (("f", front), ("b", back))
    )
    payloads = zip(ours["client_first_payload"], theirs["client_first_payload"], strict=True)
    same = np.array([_is_same(one, other) for one, other in payloads], bool)
    masks = [side["client_first_mask"] for side in (ours, theirs)]
    masked = masks[0].notna().to_numpy(bool) & masks[1].notna().to_numpy(bool)
    return same & masked, masks[0].to_numpy(np.int64, na_value=0) != masks[1].to_numpy(np.int64, na_value=0)


def _is_same(one: object, other: object) -> bool:
    return isinstance(one, bytes) and isinstance(other, bytes) and len(one) >= MIN_PAYLOAD and one == other


def _is_foreign(head: object, routers: object) -> bool:
    """Whether the router's 101 had headers of its own, and none of them reached the client."""
    own = _own_headers(routers)
    return bool(own) and isinstance(head, bytes) and not own & _own_headers(head)


def _own_headers(head: object) -> set[tuple[bytes, bytes]]:
    if not isinstance(head, bytes):
        return set()
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    named = ((name.strip().lower(), value.strip()) for name, _, value in pairs)
    return {(name, value) for name, value in named if name not in _EVERYBODYS and not name.startswith(_HANDSHAKES)}
