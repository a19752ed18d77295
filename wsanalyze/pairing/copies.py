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
_TOLD = ("client_isn", "server_isn", "capture", "first", "last")
"""Columns that tell whether connections between the same addresses and ports are one."""
OVERLAP = 2_000_000_000
"""Nanoseconds by which the clocks of two captures may differ where only times tell that two connections are one."""


def once(tables: Tables) -> tuple[Tables, int]:
    """The tables without copies, and how many connections were copies."""
    copies = _copies(tables.connections)
    return tables.only(~copies), int(copies.sum())


def shared(front: Tables, back: Tables) -> int:
    """How many connections of the front the back holds as well."""
    ours, theirs = (_ends(tables.connections) for tables in (front, back))
    common = np.intersect1d(ours, theirs)
    if not len(common):
        return 0
    sides = [
        tables.connections.loc[np.isin(ends, common), [*ENDPOINTS, *_TOLD]].assign(side=side)
        for side, (tables, ends) in enumerate(((front, ours), (back, theirs)))
    ]
    # The captures of either side are counted from 0.
    sides[1] = sides[1].assign(capture=sides[1]["capture"] + len(front.origins))
    both = pd.concat(sides, ignore_index=True)
    return int((both.assign(group=_groups(both)).groupby("group")["side"].nunique() > 1).sum())


def _copies(connections: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which connections are copies of another one that was captured better."""
    if not len(connections) or not pd.Series(_ends(connections)).duplicated().any():
        return np.zeros(len(connections), bool)
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
    several = rows[pd.Series(_ends(connections)).duplicated(keep=False).to_numpy(bool)]
    for _, same in several.groupby(ENDPOINTS, sort=False):
        if len(same) > 1:
            _join(same, groups)
    return groups


def _ends(connections: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """The addresses and ports of each connection as one number."""
    result: npt.NDArray[np.uint64] = np.asarray(
        pd.util.hash_pandas_object(connections[ENDPOINTS], index=False), dtype=np.uint64
    )
    return result


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
