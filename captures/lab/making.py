"""Takes recordings, makes of them what other recorders, clocks and merges would have left; gives what was done, in words.

Done by the tools that operators use, mergecap and editcap, wherever these can.
"""

from __future__ import annotations

import random
import struct
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_GLOBAL, _RECORD = 24, struct.Struct("<IIII")
_ADDRESSES_AND_PORTS = slice(14 + 12, 14 + 24)
"""Of an Ethernet frame with IPv4 without options."""


class Step(Protocol):
    """Something that is made of recordings."""

    def make(self, folder: Path) -> list[str]:
        """Make it in this folder; gives the commands, or what was done."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Several files in one, in time order; or one after the other, which leaves the records out of time order.

    It is of the format that its name says; only pcapng holds several link types.
    """

    files: tuple[str, ...]
    into: str
    appended: bool = False

    def make(self, folder: Path) -> list[str]:
        """By mergecap."""
        append = ("-a",) if self.appended else ()
        kind = Path(self.into).suffix.removeprefix(".")
        return [_run(folder, "mergecap", *append, "-F", kind, "-w", self.into, *self.files)]


@dataclass(frozen=True, slots=True)
class Shifted:
    """A file whose clock is ahead by so many seconds."""

    file: str
    seconds: float
    into: str

    def make(self, folder: Path) -> list[str]:
        """By editcap."""
        return [_run(folder, "editcap", "-F", "pcap", "-t", f"{self.seconds:.6f}", self.file, self.into)]


@dataclass(frozen=True, slots=True)
class Jumped:
    """A file whose clock jumps ahead by so many seconds after its middle record."""

    file: str
    seconds: float
    into: str

    def make(self, folder: Path) -> list[str]:
        """By editcap for both halves, and mergecap to put them together."""
        middle = sum(1 for _ in records((folder / self.file).read_bytes())) // 2
        before, after = f"{self.into}.before", f"{self.into}.after"
        done = [
            _run(folder, "editcap", "-F", "pcap", "-r", self.file, before, f"1-{middle}"),
            _run(folder, "editcap", "-F", "pcap", "-t", f"{self.seconds:.6f}", self.file, after, f"1-{middle}"),
            _run(folder, "mergecap", "-a", "-F", "pcap", "-w", self.into, before, after),
        ]
        for part in (before, after):
            (folder / part).unlink()
        return done


@dataclass(frozen=True, slots=True)
class Rotated:
    """A file cut after each so many packets, named as `tcpdump -C` names: x.pcap, x.pcap1, x.pcap2."""

    file: str
    packets: int
    into: str

    def make(self, folder: Path) -> list[str]:
        """By editcap, whose names are changed."""
        target = folder / self.into
        target.parent.mkdir(exist_ok=True)
        done = _run(folder, "editcap", "-F", "pcap", "-c", str(self.packets), self.file, self.into)
        for number, part in enumerate(sorted(target.parent.glob(f"{target.stem}_*{target.suffix}"))):
            part.rename(target.with_name(target.name + (str(number) if number else "")))
        return [f"{done}, named as tcpdump -C does"]


@dataclass(frozen=True, slots=True)
class Unordered:
    """A file as two capturing threads leave it that hand over what they have every so many milliseconds.

    A network card spreads packets over its queues by addresses and ports, so that a connection's two directions may be taken by
    different threads.
    """

    file: str
    milliseconds: int
    into: str

    def make(self, folder: Path) -> list[str]:
        """Without a tool: none does this on purpose."""
        data = (folder / self.file).read_bytes()
        handed = sorted(records(data), key=self._handed_over)
        (folder / self.into).write_bytes(b"".join((data[:_GLOBAL], *handed)))
        return [f"{self.into}: {self.file} as two threads hand it over, each its packets of {self.milliseconds} ms"]

    def _handed_over(self, record: bytes) -> tuple[int, int]:
        whole, fraction, *_ = _RECORD.unpack_from(record)
        turn = (whole * 1_000_000 + fraction) // (self.milliseconds * 1000)
        return turn, zlib.crc32(record[_RECORD.size :][_ADDRESSES_AND_PORTS]) % 2


def records(data: bytes) -> Iterator[bytes]:
    """The records of a classic pcap file, with their heads."""
    at = _GLOBAL
    while at + _RECORD.size <= len(data):
        captured = _RECORD.unpack_from(data, at)[2]
        yield data[at : at + _RECORD.size + captured]
        at += _RECORD.size + captured


def rewrite(path: Path, *, seconds: float, loss: float, chance: random.Random) -> None:
    """Shift the file's clock, and leave out the packets that the recording loses."""
    if not seconds and not loss:
        return
    data = path.read_bytes()
    parts = [data[:_GLOBAL]]
    for record in records(data):
        whole, fraction, captured, original = _RECORD.unpack_from(record)
        moment = whole * 1_000_000 + fraction + round(seconds * 1_000_000)
        if chance.random() >= loss:
            parts.append(_RECORD.pack(*divmod(moment, 1_000_000), captured, original) + record[_RECORD.size :])
    path.write_bytes(b"".join(parts))


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return " ".join(command)
