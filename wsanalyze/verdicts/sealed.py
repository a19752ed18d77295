"""Takes both sides' connections, gives the TLS connections that the load balancer carried byte for byte: one row for each.

A ClientHello holds 32 random bytes (RFC 8446 4.1.2) that its sender proves to have made: who ends TLS and begins it anew
sends another one. The same one on both sides is the same connection, and whatever handshake is inside was neither read nor changed.
"""

from __future__ import annotations

import pandas as pd

from wsanalyze.box import NAMES, Box
from wsanalyze.completeness import sealed as unread
from wsanalyze.pairing.matching import BYTES
from wsanalyze.tables import Frames, Tables
from wsanalyze.verdicts.wording import addressed

_ENDPOINTS = ["client_address", "client_port", "server_address", "server_port", "first"]


def twins(front: Tables, back: Tables) -> pd.DataFrame:
    """The connections of both sides that are the same TLS, whether it can be read or not.

    Columns as in `schema.CONNECTIONS`, with those of the back ending in `_back`. A connection that is in both captures, the
    very same one, is none; nor is one whose hello another server answered.
    """
    ours, theirs = (_hellos(tables.connections) for tables in (front, back))
    both = ours.merge(theirs, on="tls_client_random", suffixes=("", "_back"))
    itself = (both[_ENDPOINTS].to_numpy(object) == both[[f"{name}_back" for name in _ENDPOINTS]].to_numpy(object)).all(
        axis=1
    )
    answers = both[["server_digest", "server_digest_back"]].dropna()
    differing = answers.index[(answers["server_digest"] != answers["server_digest_back"]).to_numpy(bool)]
    found: pd.DataFrame = both[~itself & ~both.index.isin(differing)]
    return found


def sealed(front: Tables, back: Tables, box: Box) -> pd.DataFrame:
    """The columns of `Analysis.handshakes` that such a connection has (but for `id` and `findings`), and `first_frame`.

    Only for those that nobody can read: what can be read is judged handshake by handshake.
    """
    if not all(tables.connections["tls_client_random"].notna().any() for tables in (front, back)):
        return pd.DataFrame()
    both = twins(front, back)
    behind = both[["tls_decryption_back"]].set_axis(["tls_decryption"], axis=1)
    # Where keys of one direction show requests, these are judged.
    both = both[unread(both) & unread(behind) & (both["exchanges"] == 0).to_numpy(bool)]
    # Of several tries that one counts which the router answered; a hello that stands twice on the front names none.
    both = both.sort_values(["connection", "server_bytes_back", "first_back"], ascending=[True, False, True])
    tries = both.groupby("connection")["connection"].transform("size")
    both = both.assign(tries=tries).drop_duplicates("connection")
    both = both[~both["connection_back"].duplicated(keep=False)].reset_index(drop=True)
    rows = pd.DataFrame(
        {
            "client": _addressed(both, "client", ""),
            "lb_front": _addressed(both, "server", ""),
            "lb_back": _addressed(both, "client", "_back"),
            "router": _addressed(both, "server", "_back"),
            "reason": [
                _reason(box, front.frames, back.frames, *row)
                for row in zip(*(both[name] for name in _TOLD), strict=True)
            ],
            "front_frames": _frames(both, ""),
            "back_frames": _frames(both, "_back"),
            "front_file": [front.frames.first([number])[0] for number in both["first_frame"]],
            "back_file": [back.frames.first([number])[0] for number in both["first_frame_back"]],
            "time": both["first"],
            "first_frame": both["first_frame"],
            "tries": both["tries"],
            "front_connection": both["connection"],
            "back_connection": both["connection_back"],
        }
    )
    rows["changes"] = pd.Series([() for _ in range(len(rows))], dtype=object)
    return rows.assign(
        verdict="passed-through",
        mode="tcp",
        confidence="certain",
        pairing=BYTES,
        retried_without=False,
    )


_TOLD = ("first_frame", "last_frame", "first_frame_back", "last_frame_back", "tls_sni")


def _hellos(connections: pd.DataFrame) -> pd.DataFrame:
    """The connections whose ClientHello was captured."""
    there = connections["tls_client_random"].notna().to_numpy(bool)
    return connections[there].assign(tls_client_random=connections.loc[there, "tls_client_random"].astype(object))


def _reason(
    box: Box, front: Frames, back: Frames, first: int, last: int, first_back: int, last_back: int, name: str | None
) -> str:
    to = f" to {name}" if isinstance(name, str) else ""
    return (
        f"The TLS connection{to} (front {_from_to(front, first, last)}) left on the back byte for byte (the same ClientHello, back "
        f"{_from_to(back, first_back, last_back)}): whatever handshake is inside, the {NAMES[box].itself} could neither read nor change it."
    )


def _addressed(rows: pd.DataFrame, end: str, side: str) -> list[str | None]:
    addresses = zip(rows[f"{end}_address{side}"], rows[f"{end}_port{side}"], strict=True)
    return [addressed(address, port) for address, port in addresses]


def _frames(rows: pd.DataFrame, side: str) -> list[tuple[int, ...]]:
    ends = zip(rows[f"first_frame{side}"], rows[f"last_frame{side}"], strict=True)
    return [tuple(sorted({int(first), int(last)})) for first, last in ends]


def _from_to(frames: Frames, first: int, last: int) -> str:
    """All frames of a connection in words."""
    (file, (begin,)), (other, _) = (frames.first([number]) for number in (first, last))
    return f"frames {begin if file == other else frames.number(first)} … {frames.number(last)}"
