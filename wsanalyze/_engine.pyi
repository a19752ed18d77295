"""The engine: takes a capture file, gives its tables. Written in Rust; see `engine/face`."""

import os
from collections.abc import Callable, Sequence
from typing import Protocol

__version__: str

class CaptureError(Exception):
    """A capture cannot be read. `args`: a message of one line and, where there is one, a hint."""

class RecordBatch(Protocol):
    """An Arrow record batch of the PyCapsule interface; `pyarrow.table` takes it."""

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]: ...
    def __arrow_c_schema__(self) -> object: ...

def scan(
    path: str | os.PathLike[str],
    name: str,
    progress: Callable[[int], object] | None = None,
    key_log: bytes = b"",
) -> tuple[dict[str, RecordBatch], bytes, bool]:
    """Read a capture ("-": standard input): its tables by name, with the columns of `wsanalyze.schema`; the key log in it.

    Last comes whether some of that came after a packet, which it may have been needed for. `key_log` are SSLKEYLOGFILE lines, to
    which those are added that the capture carries. `name` is what the table `captures` calls the file. `progress` is told how
    many bytes of the file were read, some ten times a second; what it raises ends the reading, and is raised.
    """

def read_heads(
    path: str | os.PathLike[str], wanted: Sequence[tuple[int, int]], key_log: bytes = b""
) -> dict[tuple[int, int], tuple[bytes | None, bytes | None]]:
    """Read a capture again for the request and response heads of exchanges, named by connection and position."""
