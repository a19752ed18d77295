"""Takes the records of a capture and edits, gives the records that a worse capture of the same traffic would hold.

Edits name records of the *unchanged* capture by their index. So any selection of a mutant's edits is a mutant as well, which is
what makes it possible to find the few that matter.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.mutate import Record

Kind = Literal["drop", "copy", "repeat", "move", "trade", "snap", "begin", "end"]
Side = Literal["front", "back"]


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One thing that goes wrong in a capture."""

    side: Side
    kind: Kind
    """`drop`: the record is lost. `copy`: it is there twice, the second one `value` places later, at the same time. `repeat`: it is sent
    again when the record `value` places later is. `move`: it stands `value` places later in the file, its time as it was. `trade`: the packets
    of this record and the one `value` places later change places, the times stay. `snap`: only `value` bytes are kept. `begin`, `end`: the
    capture begins with this record, or ends before it."""
    at: int
    value: int = 0

    def __str__(self) -> str:
        return f"{self.side} {self.kind} {self.at + 1}" + (f" {self.value:+d}" if self.value else "")


def apply(records: Sequence[Record], edits: Iterable[Edit]) -> list[Record]:
    """The records after these edits, which are all of one side."""
    edits = list(edits)
    data = [(record[2], record[3]) for record in records]
    for edit in edits:
        if edit.kind == "trade":
            other = edit.at + edit.value
            data[edit.at], data[other] = data[other], data[edit.at]
    moved = {edit.at: edit.value + 0.5 for edit in edits if edit.kind == "move"}
    snapped = {edit.at: edit.value for edit in edits if edit.kind == "snap"}
    gone = lost(records, edits)
    placed: list[tuple[float, Record]] = []
    for index, (seconds, fraction, *_) in enumerate(records):
        if index not in gone:
            place = index + moved.get(index, 0)
            packet, length = data[index]
            placed.append((place, (seconds, fraction, packet[: snapped.get(index)], length)))
    first, last = _span(records, edits)
    for edit in edits:
        place = edit.at + edit.value
        if edit.kind in {"copy", "repeat"} and first <= place < last:
            seconds, fraction = records[place if edit.kind == "repeat" else edit.at][:2]
            packet, length = data[edit.at]
            placed.append((place + 0.25, (seconds, fraction, packet, length)))
    return [record for _, record in sorted(placed, key=lambda item: item[0])]


def _span(records: Sequence[Record], edits: Iterable[Edit]) -> tuple[int, int]:
    """The first record, and the one after the last, between which the capture ran."""
    edits = list(edits)
    first = max((edit.at for edit in edits if edit.kind == "begin"), default=0)
    last = min((edit.at for edit in edits if edit.kind == "end"), default=len(records))
    return first, last


def lost(records: Sequence[Record], edits: Iterable[Edit]) -> set[int]:
    """Indexes of the records that are not there any more."""
    edits = list(edits)
    first, last = _span(records, edits)
    return {*range(first), *range(last, len(records)), *(edit.at for edit in edits if edit.kind == "drop")}


def left_out(side: Side, sides: dict[Side, Sequence[Record]], edits: Iterable[Edit], offset: int | None) -> str | None:
    """Why this says nothing: the story that the captures tell has become another one. None where it says something.

    `offset`: back minus front in nanoseconds, if that is known.
    """
    edits = [edit for edit in edits if edit.side == side]
    records = sides[side]
    first, last = _span(records, edits)
    gone = lost(records, edits)
    alive = {connection(record[2]) for index, record in enumerate(records) if index not in gone}
    captured = Counter(connection(record[2]) for record in records[first:last])
    if any(name not in alive for name in captured):
        return "every packet of a connection is lost: nothing tells that from a connection that never was"
    dropped = {edit.at for edit in edits if edit.kind == "drop"}
    late = [edit for edit in edits if edit.kind == "trade" or (edit.kind == "repeat" and edit.at in dropped)]
    if late and offset is None:
        return "packets change places, and the offset between the clocks is not known"
    towards = -(offset or 0) if side == "back" else (offset or 0)
    others = [moment(record) for record in sides["front" if side == "back" else "back"]]
    for edit in late:
        start, end = (moment(records[index]) + towards for index in (edit.at, edit.at + edit.value))
        if any(start - NEARBY <= other <= end + NEARBY for other in others):
            return "a packet changes places with what happened on the other leg"
    return None


NEARBY = 500_000
"""Nanoseconds by which the offset between the clocks may be wrong."""


def moment(record: Record) -> int:
    """The time of a record in nanoseconds; the recorded captures count microseconds or nanoseconds."""
    seconds, fraction, *_ = record
    return seconds * 10**9 + fraction * (1000 if fraction < 10**6 else 1)


def shifted(records: Sequence[Record], nanoseconds: int, unit: int) -> list[Record]:
    """The records of a clock that is this much ahead; `unit`: nanoseconds that a fraction counts."""
    result = []
    for seconds, fraction, data, length in records:
        total = seconds * 10**9 + fraction * unit + nanoseconds
        result.append((total // 10**9, total % 10**9 // unit, data, length))
    return result


def connection(data: bytes) -> frozenset[bytes] | None:
    """What names the connection that a packet belongs to; None for what is not TCP over IP."""
    for start in (14, 16, 20, 18, 4, 0):
        if len(data) < start + 40:
            continue
        if data[start] == 0x45 and data[start + 9] == 6 and _follows(data, start, b"\x08\x00"):
            ends = (
                data[start + 12 : start + 16] + data[start + 20 : start + 22],
                data[start + 16 : start + 20] + data[start + 22 : start + 24],
            )
            return frozenset(ends)
        if data[start] >> 4 == 6 and data[start + 6] == 6 and _follows(data, start, b"\x86\xdd"):
            ends = (
                data[start + 8 : start + 24] + data[start + 40 : start + 42],
                data[start + 24 : start + 40] + data[start + 42 : start + 44],
            )
            return frozenset(ends)
    return None


def _follows(data: bytes, start: int, kind: bytes) -> bool:
    """Whether the link header before says that IP follows; cooked v2 and raw packets say so elsewhere."""
    return start in {0, 4, 20} or data[start - 2 : start] == kind


def direction(data: bytes) -> bytes | None:
    """Like `connection`, but one name for each direction."""
    name = connection(data)
    if name is None:
        return None
    ends = sorted(name)
    # The source comes first on the wire.
    return ends[0] + ends[1] if data.find(ends[0][:-2]) < data.find(ends[1][:-2]) else ends[1] + ends[0]


def payload(data: bytes) -> int:
    """Bytes that a TCP packet over Ethernet and IPv4 carries; 1 for what cannot be told."""
    if data[12:14] != b"\x08\x00" or len(data) < 54:
        return 1
    header = (data[14] & 15) * 4
    (total,) = struct.unpack_from(">H", data, 16)
    return int(total - header - (data[14 + header + 12] >> 4) * 4)
