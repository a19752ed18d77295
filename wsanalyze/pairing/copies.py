"""Takes one side's tables, gives them with each connection once: what several captures hold, or one holds twice, is one.

Two captures of the same machine hold the same packets; so do those of two machines, of what went from one to the other; and
a merge of such captures holds them one after the other, by two clocks. The initial sequence numbers tell (RFC 9293 3.4.1):
between the same addresses and ports no two connections have the same for minutes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.pairing.prepare import times
from wsanalyze.tables import Tables

ENDPOINTS = ["client_address", "client_port", "server_address", "server_port"]
OVERLAP = 2_000_000_000
"""Nanoseconds by which the clocks of two captures may differ where only times tell that two connections are one."""


def once(tables: Tables) -> tuple[Tables, int]:
    """The tables without copies, and how many connections were copies."""
    copies = _copies(tables.connections)
    return tables.only(~copies), int(copies.sum())


def shared(front: Tables, back: Tables) -> int:
    """How many connections of the front the back holds as well."""
    both = pd.concat(
        [front.connections.assign(side=0), back.connections.assign(side=1, capture=back.connections["capture"] + 1000)],
        ignore_index=True,
    )
    both["group"] = _groups(both)
    return int((both.groupby("group")["side"].nunique() > 1).sum())


def _copies(connections: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which connections are copies of another one that was captured better."""
    if not len(connections):
        return np.zeros(0, bool)
    captured = connections["client_bytes"].astype("int64") + connections["server_bytes"].astype("int64")
    ranked = connections.assign(
        group=_groups(connections),
        begun=connections["client_isn"].notna() | connections["server_isn"].notna(),
        captured=captured,
        read=connections["exchanges"].astype("int64"),
    ).sort_values(["begun", "read", "captured", "connection"], ascending=[False, False, False, True], kind="stable")
    result: npt.NDArray[np.bool_] = ranked["group"].duplicated(keep="first").reindex(connections.index).to_numpy(bool)
    return result


def _groups(connections: pd.DataFrame) -> npt.NDArray[np.int64]:
    """A number for each connection, the same for copies of one."""
    rows = connections[ENDPOINTS].assign(
        client_isn=connections["client_isn"].astype("Int64"),
        server_isn=connections["server_isn"].astype("Int64"),
        capture=connections["capture"].astype("int64"),
        first=times(connections["first"]),
        last=times(connections["last"]),
        number=np.arange(len(connections)),
    )
    groups = np.arange(len(rows), dtype=np.int64)
    several = rows[rows.duplicated(ENDPOINTS, keep=False)]
    for _, same in several.groupby(ENDPOINTS, sort=False):
        if len(same) > 1:
            _join(same, groups)
    return groups


def _join(same: pd.DataFrame, groups: npt.NDArray[np.int64]) -> None:
    """Give those of the same addresses and ports that are one connection the number of the first of them."""
    known: list[pd.Series] = []
    for _, row in same.sort_values("first", kind="stable").iterrows():
        original = next((other for other in known if _is_copy(row, other)), None)
        if original is None:
            known.append(row)
        else:
            groups[row["number"]] = groups[original["number"]]


def _is_copy(row: pd.Series, other: pd.Series) -> bool:
    compared = [
        row[name] == other[name]
        for name in ("client_isn", "server_isn")
        if not pd.isna(row[name]) and not pd.isna(other[name])
    ]
    if compared:
        return all(compared)
    apart = row["first"] > other["last"] + OVERLAP or other["first"] > row["last"] + OVERLAP
    return bool(row["capture"] != other["capture"] and not apart)
