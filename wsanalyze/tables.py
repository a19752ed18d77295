"""Takes the engine's Arrow tables of captures, gives one side's tables as data frames, numbered through.

What belongs together keeps together: a connection's exchanges name it by its number, whichever capture it came from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wsanalyze.schema import TABLES

_INTEGERS: dict[pa.DataType, Any] = {
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


OTHER_TIME = 3600
"""Seconds between captures that were not made together: no clock that is set at all is so wrong."""
REPLAY = "wsanalyze replay"
"""How the name of the program begins that writes a replay as a capture."""

T = TypeVar("T")
Flags = npt.NDArray[np.bool_]

Numbered = Literal["connections", "exchanges", "websockets"]
_KEYS: Mapping[Numbered, str] = {"connections": "connection", "exchanges": "exchange", "websockets": "exchange"}
"""The column that holds the numbers by which the rows of a table are named."""


@dataclass(frozen=True)
class Tables:
    """What one side's captures hold; the columns are those of `wsanalyze.schema`."""

    captures: pd.DataFrame
    connections: pd.DataFrame
    exchanges: pd.DataFrame
    websockets: pd.DataFrame
    defects: pd.DataFrame
    key_log: bytes = field(default=b"", repr=False)
    """The key log with which they were read: what was given, and what the captures carry (pcapng Decryption Secrets Blocks)."""
    origins: tuple[Origin, ...] = ()
    """Of each capture, by its number, where its rows come from."""
    _known: dict[Callable[[Tables], Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, make: Callable[[Tables], T]) -> T:
        """What `make` says of these tables, worked out for the first who asks."""
        if make not in self._known:
            self._known[make] = make(self)
        known: T = self._known[make]
        return known

    @cached_property
    def frames(self) -> Frames:
        """Where frames are."""
        return Frames(self.captures)

    @cached_property
    def is_replay(self) -> bool:
        """Whether it was written by a replay: later, and at another pace, than what it is compared with."""
        applications = self.captures["application"]
        return bool(applications.str.startswith(REPLAY).any()) if applications.notna().any() else False

    def was_captured_apart_from(self, front: Tables) -> bool:
        """Whether, of both sides, this one is a replay that did not go through the box; or the front is one of another time."""
        return self.is_replay or (front.is_replay and not _overlap(front.captures, self.captures))

    @cached_property
    def _numbers(self) -> Mapping[str, pd.Index]:
        """Of each table whose rows have numbers, these."""
        return {name: pd.Index(getattr(self, name)[key].to_numpy(np.int64)) for name, key in _KEYS.items()}

    def rows(self, table: Numbered, numbers: npt.ArrayLike, *names: str) -> pd.DataFrame:
        """These columns of the rows with these numbers, one row a number: absent values where no row has it."""
        return taken(getattr(self, table), self.places(table, numbers), *names)

    def cells(self, table: Numbered, numbers: npt.ArrayLike, name: str) -> Any:
        """One column of the same, as an array."""
        places = self.places(table, numbers)
        return getattr(self, table)[name].array.take(places, allow_fill=bool((places < 0).any()))

    def places(self, table: Numbered, numbers: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Where the rows with these numbers are, counted from 0; -1 where no row has it."""
        return self._numbers[table].get_indexer(pd.Index(np.asarray(numbers, np.int64)))

    def only(self, keep: Flags) -> Tables:
        """The tables with these rows of `connections`, and what belongs to them."""
        if keep.all():
            return self
        connections = self.connections[keep].reset_index(drop=True)
        exchanges, websockets, defects = (
            table[table["connection"].isin(connections["connection"]).to_numpy(bool)].reset_index(drop=True)
            for table in (self.exchanges, self.websockets, self.defects)
        )
        return replace(self, connections=connections, exchanges=exchanges, websockets=websockets, defects=defects)

    def shifted(self, by: Mapping[int, int]) -> Tables:
        """The tables with the clocks of these captures set ahead by so many nanoseconds."""
        if not any(by.values()):
            return self
        of_connection = self.connections.set_index("connection")["capture"]
        moved: dict[str, Any] = {}
        for name, columns in TABLES.items():
            table: pd.DataFrame = getattr(self, name)
            captures = table["capture"] if "capture" in table else of_connection.reindex(table["connection"])
            delta = pd.to_timedelta(
                captures.astype("Int64").map(by).fillna(0).to_numpy(np.int64), unit="ns"
            )  # fmt: skip
            times = [column.name for column in columns if column.type == "time"]
            moved[name] = table.assign(**{time: table[time] + delta for time in times})
        return replace(self, **moved)


def taken(table: pd.DataFrame, places: npt.NDArray[np.intp], *names: str) -> pd.DataFrame:
    """These columns of the rows at these places, counted from 0; absent values where a place is -1.

    Whatever is done with a table costs as much as it has columns, of which most are of no interest to the one who asks.
    """
    absent = bool((places < 0).any())
    return pd.DataFrame({name: table[name].array.take(places, allow_fill=absent) for name in names})


def differ(ours: pd.Series, theirs: pd.Series) -> Flags:
    """Whether the cells of two columns differ, place by place; two absent ones do not."""
    absent = (column.isna().to_numpy(bool) for column in (ours, theirs))
    return np.asarray(ours.array != theirs.array, bool) & ~np.logical_and(*absent)


def arrow(column: pd.Series) -> pa.Array:
    """A column of lists as one Arrow array."""
    array = pa.array(column.array)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def equal(column: pd.Series, value: object) -> Flags:
    """Whether each cell holds this value; an absent one does not."""
    found: Any = column.array == value
    return found.to_numpy(bool, na_value=False) if isinstance(found, pd.arrays.BooleanArray) else np.asarray(found)


def chosen(table: pd.DataFrame, which: npt.ArrayLike, *names: str) -> pd.DataFrame:
    """These columns of the rows for which `which` holds, with the rows' labels."""
    places = np.flatnonzero(np.asarray(which, bool))
    return taken(table, places, *names).set_axis(table.index[places])


def _overlap(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether captures are of the same time, as far as clocks of this age agree."""
    far = pd.Timedelta(OTHER_TIME, unit="s")
    return bool(one["first"].min() <= other["last"].max() + far and other["first"].min() <= one["last"].max() + far)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows of one capture come from."""

    files: tuple[str, ...]
    """Its files, in their order."""
    first_connection: int
    """What the number of its first connection is in the tables."""
    first_frame: int
    """How many frames stand before its own."""
    interrupted: frozenset[str] = frozenset()
    """Those of its files before which others may be missing."""
    steps: tuple[tuple[int, int], ...] = ()
    """The largest steps of its clock: the frame (counted in this capture) that each leads to, and nanoseconds."""


class Frames:
    """Takes frame numbers of one side's tables, gives the files that they are in, and their numbers there."""

    def __init__(self, captures: pd.DataFrame) -> None:
        """`captures` as in `schema.CAPTURES`."""
        counts = captures["frames"].to_numpy(np.int64)
        self._before = np.cumsum(counts) - counts
        self._files = [str(name) for name in captures["file"]]
        self._bases = Counter(Path(name).name for name in self._files)

    @property
    def files(self) -> tuple[str, ...]:
        """All files of the side, in their order."""
        return tuple(self._files)

    def of(self, numbers: Iterable[int]) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """File by file, the numbers that Wireshark shows there."""
        return tuple((file, known) for _, file, known in self.places(numbers))

    def places(self, numbers: Iterable[int]) -> tuple[tuple[int, str, tuple[int, ...]], ...]:
        """The same, with the place of each file among all of the side, from 1."""
        found: dict[int, list[int]] = {}
        for number in numbers:
            index = max(0, int(np.searchsorted(self._before, number)) - 1)
            found.setdefault(index, []).append(int(number) - int(self._before[index]))
        return tuple((index + 1, self._files[index], tuple(known)) for index, known in found.items())

    def number(self, number: int) -> str:
        """One of them in words; with its file where there are several."""
        ((file, numbers),) = self.of([number])
        return str(numbers[0]) if len(self._files) == 1 else f"{numbers[0]} of {self._short(file)}"

    def words(self, numbers: Sequence[int]) -> str:
        """In words: `frame 4`, `frames 4 and 5`, `frames 4 … 90`; with their files where there are several."""
        told = []
        for file, known in self.of(numbers):
            of = f" of {self._short(file)}" if len(self._files) > 1 else ""
            told.append(f"{_counted(known)}{of}")
        return " and ".join(told) or "not captured"

    def _short(self, file: str) -> str:
        """The file without its folder, where that is enough."""
        base = Path(file).name
        return base if self._bases[base] == 1 else file

    def first(self, numbers: Sequence[int]) -> tuple[str, tuple[int, ...]]:
        """The file of the first of them, and those that are in it; the first file where there are none."""
        return self.of(numbers)[0] if numbers else (self._files[0] if self._files else "", ())


def _counted(numbers: Sequence[int]) -> str:
    match numbers:
        case [one]:
            return f"frame {one}"
        case [one, two]:
            return f"frames {one} and {two}"
        case _:
            return f"frames {numbers[0]} … {numbers[-1]}"


@dataclass(frozen=True, slots=True)
class Scanned:
    """One capture, as the engine gave it."""

    files: tuple[str, ...]
    interrupted: frozenset[str]
    tables: Mapping[str, pa.Table]
    key_log: bytes
    """What it carries."""
    late_keys: bool
    """Some of that came after a packet, which it may have been needed for."""
    steps: tuple[tuple[int, int], ...]


def joined(captures: Sequence[Scanned], key_log: bytes = b"") -> Tables:
    """The tables of one side, of all its captures; `key_log` is that with which they were read."""
    totals = {"capture": 0, "connection": 0, "exchange": 0, "frame": 0}
    parts: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
    origins = []
    for scanned in captures:
        origins.append(Origin(scanned.files, totals["connection"], totals["frame"], scanned.interrupted, scanned.steps))
        for name, table in scanned.tables.items():
            parts[name].append(_numbered(name, table, totals))
        totals["capture"] += 1
        totals["connection"] = _next(scanned.tables["connections"]["connection"], totals["connection"])
        totals["exchange"] += scanned.tables["exchanges"].num_rows
        totals["frame"] += pc.sum(scanned.tables["captures"]["frames"]).as_py() or 0
    frames = {name: frame(pa.concat_tables(tables)) for name, tables in parts.items()}
    return Tables(**frames, key_log=key_log, origins=tuple(origins))


def _next(numbers: pa.ChunkedArray, before: int) -> int:
    """The first number that is free after those of a capture."""
    most = pc.max(numbers).as_py()
    return before if most is None else before + int(most) + 1


def _numbered(name: str, table: pa.Table, totals: Mapping[str, int]) -> pa.Table:
    """A capture's table with its numbers behind those of the captures before it."""
    for index, column in enumerate(TABLES[name]):
        kind = column.type if column.type in {"frame", "frames"} else column.name
        add = totals["frame"] if kind == "frames" else totals.get(kind, 0)
        if not add or column.name == "frames":
            continue
        values = table[column.name].combine_chunks()
        if column.type == "frames":
            numbers = pc.add(values.values, pa.scalar(add, pa.uint64()))
            values = pa.ListArray.from_arrays(values.offsets, numbers, mask=values.is_null())
        else:
            values = pc.add(values, pa.scalar(add, values.type))
        table = table.set_column(index, table.schema.field(index).with_type(values.type), values)
    return table


def frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a data frame that loses nothing: whole numbers stay whole where values are absent."""
    result: pd.DataFrame = table.to_pandas(types_mapper=_dtype)
    return result


def _dtype(type_: pa.DataType) -> Any:
    if pa.types.is_list(type_) or pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return pd.ArrowDtype(type_)
    return _INTEGERS.get(type_)
