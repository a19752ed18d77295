"""Takes packets with their times, gives the tables of captures that hold them, as the engine reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from wsanalyze import capture
from wsanalyze.tables import Tables

Packets = list[tuple[float, bytes]]


def moved(packets: Iterable[tuple[float, bytes]], seconds: float) -> Packets:
    """The same, by a clock that is so far ahead."""
    return [(time + seconds, data) for time, data in packets]


def recorded(folder: Path, side: str, *captures: Packets) -> Tables:
    """The tables of a side, one capture for each list of packets; the files stay in the folder."""
    paths = []
    for letter, packets in zip("abcdef", captures, strict=False):
        parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
        for time, data in packets:
            nanoseconds = round(time * 1e6) * 1000
            parts += [struct.pack("<IIII", nanoseconds // 10**9, nanoseconds % 10**9, len(data), len(data)), data]
        paths.append(folder / f"{side}-{letter}.pcap")
        paths[-1].write_bytes(b"".join(parts))
    (read,) = capture.read([[str(path) for path in paths]])
    return read.tables


def together(records: dict[str, Packets]) -> Tables:
    """The tables of one capture that saw all of it."""
    with TemporaryDirectory() as folder:
        return recorded(Path(folder), "both", sorted(packet for packets in records.values() for packet in packets))
