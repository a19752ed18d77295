"""Takes one side's tables, gives them with each connection once: what several captures hold, or one holds twice, is one.

Two captures of the same machine hold the same packets; so do those of two machines, of what went from one to the other; and
a merge of such captures holds them one after the other, by two clocks. The initial sequence numbers tell (RFC 9293 3.4.1):
between the same addresses and ports no two connections have the same for minutes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.pairing.prepare import times
from wsanalyze.tables import Flags, Tables

ENDPOINTS = ["client_address", "client_port", "server_address", "server_port"]
_TOLD = ("client_isn", "server_isn", "capture", "first", "last")
"""Columns that tell whether connections between the same addresses and ports are one."""
OVERLAP = 2_000_000_000
"""Nanoseconds by which the clocks of two captures may differ where only times tell that two connections are one."""


def once(tables: Tables) -> tuple[Tables, int]:
    """The tables without copies, and how many connections were copies."""
    if not pd.Series(tables.once(_ends)).duplicated().any():
        return tables, 0
    copies = _copies(tables.connections, tables.once(_ends))
    return tables.only(~copies), int(copies.sum())


def shared(front: Tables, back: Tables) -> int:
    """How many connections of the front the back holds as well."""
    ours, theirs = (tables.once(_ends) for tables in (front, back))
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
    ends = np.concatenate([side[np.isin(side, common)] for side in (ours, theirs)])
    return int((both.assign(group=_groups(both, ends)).groupby("group")["side"].nunique() > 1).sum())


def _copies(connections: pd.DataFrame, ends: npt.NDArray[np.uint64]) -> Flags:
    """Which connections are copies of another one that was captured better."""
    captured = connections["client_bytes"].astype("int64") + connections["server_bytes"].astype("int64")
    ranked = connections.assign(
        group=_groups(connections, ends),
        begun=connections["client_isn"].notna() | connections["server_isn"].notna(),
        captured=captured,
        read=connections["exchanges"].astype("int64"),
    ).sort_values(["begun", "read", "captured", "connection"], ascending=[False, False, False, True], kind="stable")
    result: Flags = ranked["group"].duplicated(keep="first").reindex(connections.index).to_numpy(bool)
    return result


def _groups(connections: pd.DataFrame, ends: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """A number for each connection, the same for copies of one; `ends` as `_ends` gives them."""
    rows = connections[ENDPOINTS].assign(
        client_isn=connections["client_isn"].astype(object).where(connections["client_isn"].notna(), None),
        server_isn=connections["server_isn"].astype(object).where(connections["server_isn"].notna(), None),
        capture=connections["capture"].astype("int64"),
        first=times(connections["first"]),
        last=times(connections["last"]),
        number=np.arange(len(connections)),
    )
    groups = np.arange(len(rows), dtype=np.int64)
    rows["ends"] = ends
    several = rows[rows["ends"].duplicated(keep=False).to_numpy(bool)].sort_values("first", kind="stable")
    between = several["ends"]
    known: dict[int, _Known] = {}
    columns = (several[name].tolist() for name in ("client_isn", "server_isn", "capture", "first", "last", "number"))
    for way, *numbers, at, first, last, number in zip(between.tolist(), *columns, strict=True):
        seen = known.setdefault(way, _Known())
        row = _Row((numbers[0], numbers[1]), at, first, last, number)
        original = seen.original(row)
        if original is None:
            seen.add(row)
        else:
            groups[number] = groups[original.number]
    return groups


def _ends(tables: Tables) -> npt.NDArray[np.uint64]:
    """The addresses and ports of each connection as one number."""
    result: npt.NDArray[np.uint64] = np.asarray(
        pd.util.hash_pandas_object(tables.connections[ENDPOINTS], index=False), dtype=np.uint64
    )
    return result


@dataclass(frozen=True, slots=True)
class _Row:
    isns: tuple[int | None, int | None]
    """Of client and server, as far as they were captured."""
    capture: int
    first: int
    last: int
    number: int

    @property
    def pattern(self) -> int:
        """Which of the two numbers are there, as bits."""
        return sum(1 << at for at, isn in enumerate(self.isns) if isn is not None)

    def on(self, common: int) -> tuple[int | None, ...]:
        """Those of the numbers that these bits name."""
        return tuple(isn for at, isn in enumerate(self.isns) if common >> at & 1)


class _Known:
    """The connections between the same addresses and ports that are no copies, in order of time.

    Somebody may use the same ports without end, so that no connection is compared with all the others.
    """

    def __init__(self) -> None:
        self._count = 0
        # By what is there of their numbers, by what of that is compared, and by its values: the first of them.
        self._by_isn: dict[tuple[int, int, tuple[int | None, ...]], tuple[int, _Row]] = {}
        # By what is there of their numbers, and by capture.
        self._by_time: dict[int, dict[int, deque[tuple[int, _Row]]]] = {pattern: {} for pattern in range(4)}

    def add(self, row: _Row) -> None:
        """One that is new."""
        place = (self._count, row)
        self._count += 1
        self._by_time[row.pattern].setdefault(row.capture, deque()).append(place)
        for common in range(1, 4):
            if common & row.pattern == common:
                self._by_isn.setdefault((row.pattern, common, row.on(common)), place)

    def original(self, row: _Row) -> _Row | None:
        """The first that this is a copy of; rows come in order of `first`."""
        found = [place for pattern in range(4) for place in self._like(row, pattern)]
        return min(found, key=lambda place: place[0])[1] if found else None

    def _like(self, row: _Row, pattern: int) -> Iterator[tuple[int, _Row]]:
        common = pattern & row.pattern
        if common:
            place = self._by_isn.get((pattern, common, row.on(common)))
            if place is not None:
                yield place
            return
        for capture, waiting in self._by_time[pattern].items():
            while waiting and waiting[0][1].last + OVERLAP < row.first:
                waiting.popleft()
            if waiting and capture != row.capture:
                yield waiting[0]
