"""The engine: takes a capture file, gives its tables. Written in Rust; see `engine/face`."""

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
    files: Sequence[str],
    progress: Callable[[int], object] | None = None,
    key_log: bytes = b"",
    begins: Sequence[int] | None = None,
    shifts: Sequence[tuple[int, int]] = (),
) -> tuple[dict[str, RecordBatch], tuple[bytes, bool, int, list[tuple[int, int]]]]:
    """Read the files of one capture in their order ("-": standard input): its tables by name, and what else is known of it.

    The tables have the columns of `wsanalyze.schema`. Beside them: the lines of the key log in the capture; whether some of them
    came after a packet, which they may have been needed for; how many of the last files were left; the largest steps of the
    clock, each with the frame that it leads to, in nanoseconds.

    `key_log` are SSLKEYLOGFILE lines, to which those are added that the capture carries. `begins`, the times of the files' first
    packets, has a file that begins before the end of the one before it left, with all after it. `shifts` correct the clock: from
    which frame on, and by how many nanoseconds. `progress` is told how many bytes were read, some ten times a second; what it
    raises ends the reading, and is raised. A first file that cannot be read is a CaptureError; a later one is a problem in its row.
    """

def begins(file: str) -> int | None:
    """The time of a file's first packet, in nanoseconds since the epoch; None without one."""

def read_heads(
    files: Sequence[str], wanted: Sequence[tuple[int, int]], key_log: bytes = b""
) -> dict[tuple[int, int], tuple[bytes | None, bytes | None]]:
    """Read a capture again for the request and response heads of exchanges, named by connection and position."""

def read_traffic(
    files: Sequence[str],
    wanted: Sequence[tuple[int, int]],
    key_log: bytes = b"",
) -> dict[
    tuple[int, int], tuple[tuple[bytes | None, bytes | None], bytes, bool, list[tuple[bool, int, bytes]], str | None]
]:
    """Read a capture again for exchanges, named by connection and position.

    Of each: request and response heads; the request's body as on the wire, and whether all of it was captured; what both sides of
    its WebSocket sent, as (by the client, nanoseconds since the epoch, bytes), each side's in the order of its stream; and why
    some of that is not there, `gap` or `limit`, or None. At most 16 MiB are kept of one exchange, 64 MiB of all.
    """
