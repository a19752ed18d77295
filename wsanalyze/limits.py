"""Takes what was read and paired, gives sentences on what limits an analysis of it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.completeness import ran, sealed
from wsanalyze.pairing import Pairing
from wsanalyze.tables import Tables

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
    reasons = connections.loc[sealed(connections), "tls_decryption"].fillna("handshake-not-captured")
    for reason, count in reasons.value_counts().items():
        verb = "are" if count > 1 else "is"
        yield (
            f"{count} of the {len(connections)} {side} connections {verb} TLS that cannot be read: {_UNREAD[str(reason)]}."
        )


def limits(pairs: Pairing, front: Tables, back: Tables) -> Iterator[tuple[str, str]]:
    """What limits it: the side, and a sentence."""
    for side, tables in (("front", front), ("back", back)):
        connections = tables.connections
        for reason in _unread(connections, side):
            yield side, reason
        if not tables.captures["packets"].sum():
            yield side, f"The {side} capture holds no packets."
        elif not tables.captures["segments"].sum():
            yield side, f"The {side} capture holds no TCP packets."
        if pairs.clock.exchanged:
            yield side, "The requests of the front lie within those of the back: the two captures seem to be exchanged."
        elif pairs.clock.contradictory:
            yield side, "The clocks of the two captures jumped or drifted apart: no single offset fits all pairs."
        if not pairs.clock.pairs and pairs.clock.low is None and len(pairs.front) and len(pairs.back):
            yield side, "No pair of exchanges tells how far the clocks of the captures differ."
            apart = max(ran(back)[0] - ran(front)[1], ran(front)[0] - ran(back)[1])
            if apart > 0:
                yield (
                    side,
                    f"By their clocks they were not recorded at the same time: {apart / 1e9:.0f} s lie between them.",
                )
