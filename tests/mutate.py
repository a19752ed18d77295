"""Takes the records of a recorded capture, gives them as a worse capture would hold them: lossy, cut, late, disordered."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

Record = tuple[int, int, bytes, int]
"""Seconds, fraction, bytes, original length."""
Mutation = Callable[[Sequence[Record], random.Random], list[Record]]


def read(path: Path) -> tuple[bytes, list[Record]]:
    """The header and the records of a classic little-endian pcap."""
    data = path.read_bytes()
    assert data[:4] in {b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"}, (
        "the recorded captures are classic pcaps of this byte order"
    )
    at, records = 24, []
    while at < len(data):
        seconds, fraction, captured, original = struct.unpack_from("<IIII", data, at)
        records.append((seconds, fraction, data[at + 16 : at + 16 + captured], original))
        at += 16 + captured
    return data[:24], records


def write(path: Path, header: bytes, records: Sequence[Record]) -> Path:
    """A capture of these records."""
    parts = [header]
    for seconds, fraction, data, original in records:
        parts += [struct.pack("<IIII", seconds, fraction, len(data), original), data]
    path.write_bytes(b"".join(parts))
    return path


def losing(share: float) -> Mutation:
    """Each packet is lost with this probability."""
    return lambda records, chance: [record for record in records if chance.random() >= share]


def losing_bursts(count: int, length: int) -> Mutation:
    """As many times, that many packets in a row are lost."""

    def mutate(records: Sequence[Record], chance: random.Random) -> list[Record]:
        starts = [chance.randrange(len(records)) for _ in range(count)]
        return [record for index, record in enumerate(records) if not any(s <= index < s + length for s in starts)]

    return mutate


def snapped(length: int) -> Mutation:
    """No more than this of each packet is kept."""
    return lambda records, _: [
        (seconds, fraction, data[:length], original) for seconds, fraction, data, original in records
    ]


def from_share(share: float) -> Mutation:
    """The capture begins late."""
    return lambda records, _: list(records[int(len(records) * share) :])


def until_share(share: float) -> Mutation:
    """The capture ends early."""
    return lambda records, _: list(records[: int(len(records) * share)])


def disordered(window: int, copies: float) -> Mutation:
    """Packets move by less than `window` places, some are there twice."""

    def mutate(records: Sequence[Record], chance: random.Random) -> list[Record]:
        keyed = [(index + chance.randrange(window), record) for index, record in enumerate(records)]
        keyed += [
            (index + chance.randrange(window), record)
            for index, record in enumerate(records)
            if chance.random() < copies
        ]
        return [record for _, record in sorted(keyed, key=lambda item: item[0])]

    return mutate
