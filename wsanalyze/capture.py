"""Takes two capture files, gives the tables of both sides, read at the same time on two threads.

Raises `CaptureError` where a file cannot be read at all. What is odd in a file that can be read is in the tables.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from wsanalyze import _engine

Progress = Callable[[float], None]
"""Told the fraction of the bytes that have been read, 0 to 1; may be called from any thread."""

STANDARD_INPUT = "-"

_INTEGERS: dict[pa.DataType, Any] = {
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


class CaptureError(Exception):
    """A file cannot be analysed: `file` as it was named, `message` and `hint` for people, one line each."""

    def __init__(self, file: str, message: str, hint: str = "") -> None:
        super().__init__(file, message, hint)
        self.file = file
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


@dataclass(frozen=True, slots=True)
class Tables:
    """What one side's capture holds; the columns are those of `wsanalyze.schema`."""

    captures: pd.DataFrame
    connections: pd.DataFrame
    exchanges: pd.DataFrame
    websockets: pd.DataFrame
    defects: pd.DataFrame


def read(
    front: str | os.PathLike[str], back: str | os.PathLike[str], progress: Progress | None = None
) -> tuple[Tables, Tables]:
    """Read both sides.

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
    meter = _Meter(names, progress)
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="wsanalyze-read") as pool:
        sides = [pool.submit(_scan, name, meter.of(index)) for index, name in enumerate(names)]
        try:
            tables = [side.result() for side in sides]
        except BaseException:
            meter.stop()
            raise
    return tables[0], tables[1]


def read_heads(
    file: str | os.PathLike[str], wanted: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], tuple[bytes | None, bytes | None]]:
    """Go back to a file for the request and response heads of exchanges, named by connection and position.

    Raises CaptureError as `read` does, and for standard input, which cannot be read twice.
    """
    name = os.fspath(file)
    if name == STANDARD_INPUT:
        raise CaptureError(name, "standard input cannot be read twice", "Save the capture to a file.")
    _check(name)
    try:
        heads: dict[tuple[int, int], tuple[bytes | None, bytes | None]] = _engine.read_heads(name, list(wanted))
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


def _scan(name: str, progress: Callable[[int], None]) -> Tables:
    try:
        tables = _engine.scan(name, name, progress)
    except _engine.CaptureError as error:
        raise _named(name, error) from None
    return Tables(**{key: frame(pa.table(table)) for key, table in tables.items()})


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
