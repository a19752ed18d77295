"""Takes what was read and paired, gives sentences on what limits an analysis of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from wsanalyze.completeness import ran, sealed
from wsanalyze.pairing import Pairing
from wsanalyze.pairing.clock import Clock
from wsanalyze.tables import Tables

SAME = 0.01
"""Seconds within which two legs of one capture are by one clock: merging may put packets a little out of order."""
MANY = 2
"""Packets of a connection that come again before it may be there twice."""
COPIED = 0.1
"""Share of them that carry bytes and come again, where each is there twice."""

_UNREAD = {
    "no-key": "no key log that was given names them (--keylog FILE)",
    "wrong-key": "the keys that were given for them are not theirs",
    "unsupported-cipher": "their cipher suite is not one that can be decrypted here",
    "unsupported-version": "they speak a version before TLS 1.2, which is not decrypted here",
    "handshake-not-captured": "the TLS handshake, without which no key helps, is not in the capture",
    "client-only": "there is no key for what the servers sent",
    "server-only": "there is no key for what the clients sent",
}
"""Why TLS cannot be read, by `schema.CONNECTIONS`' tls_decryption."""


def _unread(connections: pd.DataFrame, side: str) -> Iterator[str]:
    """How many connections cannot be read, and why."""
    unread = sealed(connections)
    if not unread.any():
        return
    reasons = connections.loc[unread, "tls_decryption"].fillna("handshake-not-captured")
    for reason, count in reasons.value_counts().items():
        verb = "are" if count > 1 else "is"
        yield (
            f"{count} of the {len(connections)} {side} connections {verb} TLS that cannot be read: {_UNREAD[str(reason)]}."
        )


def _twice(connections: pd.DataFrame) -> Iterator[str]:
    """How many connections are there twice, packet by packet, as where captures of two machines were merged."""
    counts = {
        name: connections[name].to_numpy(np.int64, na_value=0)
        for name in (
            "duplicates",
            *(f"{end}_{what}" for end in ("client", "server") for what in ("retransmissions", "packets")),
        )
    }
    packets = counts["client_packets"] + counts["server_packets"]
    # A copy that comes at once counts as such, and is half of all; of others only those that carry bytes are known.
    again = counts["client_retransmissions"] + counts["server_retransmissions"] + counts["duplicates"] / 4
    count = int(((again >= MANY) & (again >= packets * COPIED)).sum())
    if count > 1 and count * 2 > len(connections):
        yield (
            f"{count} of the {len(connections)} connections are in the capture twice, packet by packet, as where captures of "
            "two machines or interfaces were merged: each packet was taken once, by the clock that showed it first."
        )


def limits(pairs: Pairing, front: Tables, back: Tables) -> Iterator[tuple[str, str]]:
    """What limits it: the side, and a sentence."""
    for side, tables in (("front", front), ("back", back)):
        connections = tables.connections
        for sentence in (*_unread(connections, side), *_twice(connections)):
            yield side, sentence
        if not tables.captures["packets"].sum():
            yield side, f"The {side} capture holds no packets."
        elif not tables.captures["segments"].sum():
            yield side, f"The {side} capture holds no TCP packets."
        for sentence in _of_clocks(pairs, front, back):
            yield side, sentence


def _of_clocks(pairs: Pairing, front: Tables, back: Tables) -> Iterator[str]:
    """What there is to say of the clocks."""
    clock = pairs.clock
    if clock.exchanged:
        yield "The requests of the front lie within those of the back: the two captures seem to be exchanged."
    elif clock.contradictory:
        yield "The clocks of the two captures jumped or drifted apart: no single offset fits all pairs."
    if _is_one_capture(front, back) and _differ(clock):
        yield "Both legs are in one capture, but not by one clock: captures of several machines were merged."
    if not clock.pairs and clock.low is None and len(pairs.front) and len(pairs.back):
        yield "No pair of exchanges tells how far the clocks of the captures differ."
        apart = max(ran(back)[0] - ran(front)[1], ran(front)[0] - ran(back)[1])
        if apart > 0:
            yield f"By their clocks they were not recorded at the same time: {apart / 1e9:.0f} s lie between them."


def _is_one_capture(front: Tables, back: Tables) -> bool:
    return len(front.origins) == 1 and front.origins == back.origins


def _differ(clock: Clock) -> bool:
    """Whether the legs are certainly not by the same clock."""
    return (clock.low is not None and clock.low > SAME) or (clock.high is not None and clock.high < -SAME)
