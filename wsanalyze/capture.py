"""Takes what is named for each side, gives the tables of each, read at the same time on two threads.

Raises `CaptureError` where a file cannot be read at all. What is odd in a file that can be read is in the tables.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import pyarrow as pa

from wsanalyze import _engine, files, keylog
from wsanalyze.failure import CaptureError, named
from wsanalyze.files import STANDARD_INPUT, Capture
from wsanalyze.tables import Scanned, Tables, joined

Progress = Callable[[float], None]
"""Told the fraction of the bytes that have been read, 0 to 1; may be called from any thread."""
Source = str | os.PathLike[str]
"""A file, a directory, a pattern, or `-`."""
T = TypeVar("T")
Shifts = Sequence[tuple[int, int]]
"""Corrections of a clock: from which frame on, and by how many nanoseconds."""


@dataclass(frozen=True)
class Read:
    """What was read for one side."""

    scans: tuple[Scanned, ...]
    key_log: bytes
    notes: tuple[str, ...] = ()
    """What was left out, one sentence each."""

    @cached_property
    def tables(self) -> Tables:
        """The tables of all its captures."""
        return joined(self.scans, self.key_log)


def pooled(sides: Sequence[Read]) -> Read:
    """What was read for all sides as if it was one; a file that was named for both is there once."""
    scans = {scan.files: scan for side in sides for scan in side.scans}
    return Read(tuple(scans.values()), sides[0].key_log, tuple(note for side in sides for note in side.notes))


def names_of(sources: Source | Sequence[Source]) -> tuple[str, ...]:
    """What a caller names for one side: one thing or several."""
    several = [sources] if isinstance(sources, str | os.PathLike) else sources
    return tuple(os.fspath(source) for source in several)


def read(
    sides: Sequence[Sequence[str]], progress: Progress | None = None, *, key_logs: Sequence[Source] = ()
) -> list[Read]:
    """Read what is named for each side; `key_logs` are files of SSLKEYLOGFILE lines.

    Raises CaptureError for a file that is missing, unreadable, empty or not a capture, and where standard input is
    named twice.
    """
    if sum(list(names).count(STANDARD_INPUT) for names in sides) > 1:
        raise CaptureError(
            STANDARD_INPUT, "front and back cannot both be standard input", "Name a file for one of them."
        )
    found = [files.find(names) for names in sides]
    given = b"".join(keylog.load(os.fspath(name)) for name in key_logs)
    captures = [capture for side in found for capture in side.captures]
    scans = _scan_all(captures, given, progress)
    # Keys may come after the connection that needs them, or in another capture.
    known = given + b"".join(scan.key_log for side in scans for scan in side)
    again = [
        (place, index)
        for place, side in enumerate(scans)
        for index, scan in enumerate(side)
        if all(map(files.rereadable, scan.files)) and _would_gain(scan, known)
    ]
    if again:
        better = _scan_all(
            [Capture(scans[place][index].files, interrupted=scans[place][index].interrupted) for place, index in again],
            known,
            progress,
        )
        for (place, index), scan in zip(again, better, strict=True):
            scans[place][index] = scan[0]
    result, at = [], 0
    for side in found:
        mine = [scan for scans_of_one in scans[at : at + len(side.captures)] for scan in scans_of_one]
        at += len(side.captures)
        result.append(Read(tuple(mine), known, side.notes))
    return result


def _would_gain(scan: Scanned, key_log: bytes) -> bool:
    """Whether more would be decrypted with this key log."""
    connections = scan.tables["connections"].select(keylog.NEEDED).to_pandas()
    is_tls = bool(connections["tls_decryption"].notna().any())
    return keylog.would_help(key_log, connections) or (scan.late_keys and is_tls)


def corrected(tables: Tables, capture: int, shifts: Shifts) -> Tables | None:
    """The side read again, with the clock of one of its captures corrected; None where that cannot be read again."""
    if not all(files.rereadable(file) for origin in tables.origins for file in origin.files):
        return None
    scans = [
        _scan(
            Capture(origin.files, interrupted=origin.interrupted),
            tables.key_log,
            lambda _: None,
            shifts if number == capture else (),
        )[0]
        for number, origin in enumerate(tables.origins)
    ]
    return joined(scans, tables.key_log)


def _scan_all(captures: Sequence[Capture], key_log: bytes, progress: Progress | None) -> list[list[Scanned]]:
    """Read these captures, two at a time."""
    meter = _Meter(captures, progress)
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="wsanalyze-read") as pool:
        jobs = [pool.submit(_scan, capture, key_log, meter.of(index)) for index, capture in enumerate(captures)]
        try:
            return [job.result() for job in jobs]
        except BaseException:
            meter.stop()
            for job in jobs:
                job.cancel()
            raise


Exchange = tuple[int, int]
"""An exchange by its connection and its position there."""
Heads = tuple[bytes | None, bytes | None]
"""Request and response head as captured; None where there is none."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """An exchange as captured, but for the response's body."""

    heads: Heads
    body: bytes
    """What followed the request's head, with its chunk framing."""
    body_whole: bool
    pieces: tuple[tuple[bool, int, bytes], ...]
    """What was sent on the WebSocket: whether by the client, when (nanoseconds since the epoch, by the capture's own clock), bytes."""
    lost: str | None
    """Why some of `pieces` is not there: `gap` or `limit`."""


def read_heads(tables: Tables, wanted: Sequence[Exchange]) -> dict[Exchange, Heads]:
    """Go back to the files for the request and response heads of exchanges.

    Raises CaptureError as `read` does, and for standard input and pipes, which cannot be read twice.
    """
    return _again(tables, wanted, _engine.read_heads)


def read_traffic(tables: Tables, wanted: Sequence[Exchange]) -> dict[Exchange, Traffic]:
    """Go back to the files for all that exchanges carried. Raises CaptureError as `read_heads` does."""
    found = _again(tables, wanted, _engine.read_traffic)
    return {exchange: Traffic(heads, body, whole, tuple(pieces), lost) for exchange, (heads, body, whole, pieces, lost) in found.items()}  # fmt: skip


def _again(
    tables: Tables,
    wanted: Sequence[Exchange],
    read: Callable[[Sequence[str], Sequence[Exchange], bytes], dict[Exchange, T]],
) -> dict[Exchange, T]:
    """Read those captures a second time that hold these exchanges."""
    found: dict[Exchange, T] = {}
    ends = [origin.first_connection for origin in tables.origins[1:]] + [1 << 32]
    for origin, end in zip(tables.origins, ends, strict=True):
        mine = [(one - origin.first_connection, at) for one, at in wanted if origin.first_connection <= one < end]
        if not mine:
            continue
        for file in origin.files:
            if not files.rereadable(file):
                raise CaptureError(file, "standard input and pipes cannot be read twice", "Save the capture to a file.")
            files.check(file)
        try:
            again = read(list(origin.files), mine, tables.key_log)
        except _engine.CaptureError as error:
            raise named(origin.files[0], error) from None
        found.update({(one + origin.first_connection, at): what for (one, at), what in again.items()})
    return found


def _scan(capture: Capture, key_log: bytes, progress: Callable[[int], None], shifts: Shifts = ()) -> list[Scanned]:
    """Read a capture; where its files do not follow each other, it is several."""
    names, begins = list(capture.files), capture.begins and list(capture.begins)
    scans: list[Scanned] = []
    read_before = 0
    while names:

        def tell(count: int, before: int = read_before) -> None:
            progress(before + count)

        try:
            tables, (carried, late, left, steps) = _engine.scan(names, tell, key_log, begins, list(shifts))
        except _engine.CaptureError as error:
            raise named(names[0], error) from None
        count = len(names) - left
        arrow = {name: pa.table(table) for name, table in tables.items()}
        scans.append(Scanned(tuple(names[:count]), capture.interrupted, arrow, carried, late, tuple(steps)))
        read_before += sum(files.size(name) for name in names[:count])
        names, begins = names[count:], begins and begins[count:]
    return scans


class _Meter:
    """Adds up what the threads have read."""

    def __init__(self, captures: Sequence[Capture], progress: Progress | None) -> None:
        names = [name for capture in captures for name in capture.files]
        self._progress = progress
        self._total = max(1, sum(files.size(name) for name in names))
        self._read = [0] * len(captures)
        # How long standard input is nobody knows: then it is not done before it is.
        self._most = 0.99 if STANDARD_INPUT in names else 1.0
        self._lock = threading.Lock()
        self._stopped = False

    def of(self, index: int) -> Callable[[int], None]:
        def tell(count: int) -> None:
            if self._stopped:
                raise InterruptedError
            with self._lock:
                self._read[index] = count
                if self._progress is not None:
                    self._progress(min(self._most, sum(self._read) / self._total))

        return tell

    def stop(self) -> None:
        """Make the other threads end at their next word."""
        self._stopped = True
