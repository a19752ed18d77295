"""Takes two capture files, gives the tables of both sides, read at the same time on two threads.

Raises `CaptureError` where a file cannot be read at all. What is odd in a file that can be read is in the tables.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from wsanalyze import _engine, keylog
from wsanalyze.failure import CaptureError

Progress = Callable[[float], None]
"""Told the fraction of the bytes that have been read, 0 to 1; may be called from any thread."""

STANDARD_INPUT = "-"
_SIDES = ("front", "back")

_INTEGERS: dict[pa.DataType, Any] = {
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


@dataclass(frozen=True, slots=True)
class Tables:
    """What one side's capture holds; the columns are those of `wsanalyze.schema`."""

    captures: pd.DataFrame
    connections: pd.DataFrame
    exchanges: pd.DataFrame
    websockets: pd.DataFrame
    defects: pd.DataFrame
    key_log: bytes = field(default=b"", repr=False)
    """The key log with which it was read: what was given, and what the captures carry (pcapng Decryption Secrets Blocks)."""
    late_keys: bool = False
    """Some of it came after a packet, which it may have been needed for."""


def read(
    front: str | os.PathLike[str],
    back: str | os.PathLike[str],
    progress: Progress | None = None,
    *,
    key_logs: Sequence[str | os.PathLike[str]] = (),
) -> tuple[Tables, Tables]:
    """Read both sides; `key_logs` are files of SSLKEYLOGFILE lines.

    Raises CaptureError for a file that is missing, unreadable, empty or not a capture, and where both are standard
    input.
    """
    names = (os.fspath(front), os.fspath(back))
    if names == (STANDARD_INPUT, STANDARD_INPUT):
        raise CaptureError(
            STANDARD_INPUT, "front and back cannot both be standard input", "Name a file for one of them."
        )
    for name in names:
        _check(name)
    given = b"".join(keylog.load(os.fspath(name)) for name in key_logs)
    tables = dict(zip(_SIDES, _read_all(names, given, progress), strict=True))
    # Keys may come after the connection that needs them, or in the other side's capture.
    known = given + b"".join(side.key_log.removeprefix(given) for side in tables.values())
    again = [
        (side, name)
        for side, name in zip(_SIDES, names, strict=True)
        if name != STANDARD_INPUT
        and (keylog.would_help(known, tables[side].connections) or (tables[side].late_keys and _is_tls(tables[side])))
    ]
    if again:
        better = _read_all([name for _, name in again], known, progress)
        tables.update(zip((side for side, _ in again), better, strict=True))
    return tables["front"], tables["back"]


def _is_tls(tables: Tables) -> bool:
    return bool(tables.connections["tls_decryption"].notna().any())


def _read_all(names: Sequence[str], key_log: bytes, progress: Progress | None) -> list[Tables]:
    """Read these files at the same time."""
    meter = _Meter(names, progress)
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="wsanalyze-read") as pool:
        sides = [pool.submit(_scan, name, key_log, meter.of(index)) for index, name in enumerate(names)]
        try:
            return [side.result() for side in sides]
        except BaseException:
            meter.stop()
            raise


def read_heads(
    file: str | os.PathLike[str], wanted: Sequence[tuple[int, int]], key_log: bytes = b""
) -> dict[tuple[int, int], tuple[bytes | None, bytes | None]]:
    """Go back to a file for the request and response heads of exchanges, named by connection and position.

    Raises CaptureError as `read` does, and for standard input, which cannot be read twice.
    """
    name = os.fspath(file)
    if name == STANDARD_INPUT:
        raise CaptureError(name, "standard input cannot be read twice", "Save the capture to a file.")
    _check(name)
    try:
        heads: dict[tuple[int, int], tuple[bytes | None, bytes | None]] = _engine.read_heads(
            name, list(wanted), key_log
        )
    except _engine.CaptureError as error:
        raise _named(name, error) from None
    return heads


def _check(name: str) -> None:
    """Say what the operating system would say less clearly."""
    if name == STANDARD_INPUT:
        return
    path = Path(name)
    try:
        status = path.stat()
        if path.is_dir():
            raise CaptureError(name, "this is a directory", "Name one capture file.")
        if path.is_file() and status.st_size == 0:
            raise CaptureError(name, "the file is empty (0 bytes)", "Was the capture stopped before it was written?")
    except FileNotFoundError:
        raise CaptureError(name, "no such file", "Check the path.") from None
    except (OSError, ValueError) as error:
        raise CaptureError(
            name, getattr(error, "strerror", None) or str(error), "Check the path and its permissions."
        ) from None


def _named(name: str, error: Exception) -> CaptureError:
    message, *hints = [str(argument) for argument in error.args] or ["cannot be read"]
    return CaptureError(name, message, " ".join(hint for hint in hints if hint and hint != "None"))


def _scan(name: str, key_log: bytes, progress: Callable[[int], None]) -> Tables:
    try:
        tables, carried, late = _engine.scan(name, name, progress, key_log)
    except _engine.CaptureError as error:
        raise _named(name, error) from None
    return Tables(
        **{key: frame(pa.table(table)) for key, table in tables.items()}, key_log=key_log + carried, late_keys=late
    )


def frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a data frame that loses nothing: whole numbers stay whole where values are absent."""
    result: pd.DataFrame = table.to_pandas(types_mapper=_dtype)
    return result


def _dtype(type_: pa.DataType) -> Any:
    if pa.types.is_list(type_) or pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return pd.ArrowDtype(type_)
    return _INTEGERS.get(type_)


class _Meter:
    """Adds up what two threads have read."""

    def __init__(self, names: Sequence[str], progress: Progress | None) -> None:
        self._progress = progress
        self._total = max(1, sum(Path(name).stat().st_size for name in names if name != STANDARD_INPUT))
        self._read = [0] * len(names)
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
        """Make the other thread end at its next word."""
        self._stopped = True
