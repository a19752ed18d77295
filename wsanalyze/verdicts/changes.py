"""Takes the chosen rows, gives what the load balancer changed of each handshake's headers, as far as the tables hold them."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pandas as pd

from wsanalyze.tables import differ, equal

HEADERS = {
    "Upgrade": "request_upgrade",
    "Connection": "request_connection",
    "Host": "host",
    "Origin": "origin",
    "Sec-WebSocket-Key": "sec_websocket_key",
    "Sec-WebSocket-Version": "sec_websocket_version",
    "Sec-WebSocket-Protocol": "sec_websocket_protocol",
    "Sec-WebSocket-Extensions": "sec_websocket_extensions",
    "User-Agent": "user_agent",
    "X-Forwarded-For": "x_forwarded_for",
    "X-Forwarded-Proto": "x_forwarded_proto",
    "Forwarded": "forwarded",
    "Via": "via",
}
_HOP = {"Upgrade", "Connection"}


class Change(TypedDict):
    """One header that is not what it was; null where it is absent."""

    header: str
    front: str | None
    back: str | None


def changes(rows: pd.DataFrame) -> list[list[Change]]:
    """The headers that differ, for each row where both requests are known whole; their case does not count in tokens."""
    found: list[list[Change]] = [[] for _ in range(len(rows))]
    known = (rows["paired"] & rows["f_complete"] & rows["b_complete"]).to_numpy(bool)
    if not known.any():
        return found
    # HTTP/2 says by pseudo-headers what these say in HTTP/1.1 (RFC 8441 5).
    translated = equal(rows["f_version"], "2") != equal(rows["b_version"], "2")
    for header, column in HEADERS.items():
        sides = rows[f"f_{column}"], rows[f"b_{column}"]
        for index in np.flatnonzero(known & differ(*sides)):
            front, back = (value if isinstance(value, str) else None for value in (side.iloc[index] for side in sides))
            if not (header in _HOP and (translated[index] or _alike(front, back))):
                found[index].append(Change(header=header, front=front, back=back))
    return found


def _alike(front: str | None, back: str | None) -> bool:
    return front is not None and back is not None and front.lower() == back.lower()
