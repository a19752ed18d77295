"""Takes what a replay sends and receives as it happens, gives a pcapng that holds it: raw IP, times in nanoseconds, TLS keys.

Packets go to an unnamed file first: readers want the keys before them, and these are known last. What has the capture's name is
whole or not there.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from wsanalyze import __version__
from wsanalyze.failure import CaptureError
from wsanalyze.tables import REPLAY

if TYPE_CHECKING:
    from wsanalyze.replay.segments import Address, Connection

LINK_TYPE_RAW = 101
"""IPv4 or IPv6, told by the first byte (https://www.tcpdump.org/linktypes.html): there was no Ethernet that could be told of."""
_DECRYPTION_SECRETS = 10
_TLS_KEY_LOG = 0x544C534B
"""https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng, Decryption Secrets Block."""
_USER_APPLICATION = 4
_TIME_RESOLUTION = 9
_BUFFER = 1 << 20


class Conversation:
    """A connection that is recorded."""

    def __init__(self, recording: Recording, connection: Connection, time: float) -> None:
        self._recording = recording
        self._connection = connection
        self._time = 0
        self._record(connection.open(), time)

    def sent(self, data: bytes, time: float) -> None:
        """The client sent this."""
        self._record(self._connection.say(data, by_client=True), time)

    def received(self, data: bytes, time: float) -> None:
        """The client received this."""
        self._record(self._connection.say(data, by_client=False), time)

    def ended(self, by: Literal["client", "server"], reset: bool, time: float) -> None:
        """The connection is over; what comes later is not recorded."""
        self._record(self._connection.end(by_client=by == "client", reset=reset), time)

    def _record(self, packets: Iterator[bytes], time: float) -> None:
        # A clock that is set back must not put an answer before its question.
        self._time = max(self._time, int(time * 1_000_000_000))
        self._recording.write(packets, self._time)


class Recording:
    """A capture in the making. Times are seconds since the epoch.

    Raises CaptureError where the file cannot be written, or is one of the `inputs`: at once, else from `finish`.
    Leaving it as a context discards what was not finished.
    """

    def __init__(self, path: str, inputs: Iterable[str] = ()) -> None:
        from wsanalyze.replay import segments  # noqa: PLC0415 (dpkt takes its time to load)

        self._connection = segments.Connection
        self._name = path
        self._inputs = tuple(inputs)
        self._check()
        self._path = Path(path).resolve()
        self._in_place = self._path.exists() and not self._path.is_file()
        self._keys: list[bytes] = []
        self._count = 0
        self._failed: OSError | None = None
        try:
            folder = None if self._in_place else self._path.parent
            self._packets: IO[bytes] = tempfile.TemporaryFile(dir=folder, buffering=_BUFFER)  # noqa: SIM115
        except OSError as error:
            raise self._cannot(error) from None

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self._packets.close()

    def opened(self, local: Address, remote: Address, time: float) -> Conversation:
        """A connection from `local` to `remote` is open: addresses and ports as sockets tell them."""
        self._count += 1
        return Conversation(self, self._connection(local, remote, self._count), time)

    def keys(self, lines: bytes) -> None:
        """Secrets of TLS connections in the recording, as SSLKEYLOGFILE has them; may be given several times."""
        if lines.strip():
            self._keys.append(lines.strip() + b"\n")

    def write(self, packets: Iterator[bytes], nanoseconds: int) -> None:
        """Add packets. A disk that is full ends the recording, not the replay."""
        if self._packets.closed or self._failed is not None:
            return
        try:
            for packet in packets:
                self._packets.write(_packet(packet, nanoseconds))
        except OSError as error:
            self._failed = error

    def finish(self) -> None:
        """Put the capture in its place: readable by its owner only, as it may hold keys and what they protect."""
        try:
            self._check()
            if self._failed is not None:
                raise self._failed
            if self._in_place:
                # A pipe or /dev/null: there is nothing to replace.
                with self._path.open("wb") as file:
                    self._copy(file)
            else:
                self._replace()
        except OSError as error:
            raise self._cannot(error) from None
        finally:
            self._packets.close()

    def _replace(self) -> None:
        handle, temporary = tempfile.mkstemp(prefix=f".{self._path.name[:100]}.", dir=self._path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                self._copy(file)
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _copy(self, file: IO[bytes]) -> None:
        file.write(_beginning(b"".join(self._keys)))
        self._packets.seek(0)
        shutil.copyfileobj(self._packets, file, _BUFFER)

    def _check(self) -> None:
        """Raises where the file is an input, a folder, or in no folder."""
        path = Path(self._name)
        try:
            found = path.stat()
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise CaptureError(self._name, "there is no such folder", "Create it, or write to another.") from None
            return
        except OSError as error:
            raise self._cannot(error) from None
        if any(os.path.samestat(found, one) for one in _files(self._inputs)):
            raise CaptureError(self._name, "this is one of the captures", "Write to another file.")
        if stat.S_ISDIR(found.st_mode):
            raise CaptureError(self._name, "this is a folder", "Name a file.")

    def _cannot(self, error: OSError) -> CaptureError:
        reason = f"cannot be written: {error.strerror or error}"
        return CaptureError(self._name, reason, "Check the path, its permissions and the space there.")


def _files(names: Iterable[str]) -> Iterator[os.stat_result]:
    """The input files that exist; standard input may be one too."""
    for name in names:
        try:
            yield os.fstat(0) if name == "-" else Path(name).stat()
        except OSError:
            continue


def _beginning(keys: bytes) -> bytes:
    """The blocks that come before the packets."""
    from dpkt import pcapng  # noqa: PLC0415

    end = pcapng.PcapngOptionLE(code=pcapng.PCAPNG_OPT_ENDOFOPT)
    program = pcapng.PcapngOptionLE(code=_USER_APPLICATION, data=f"{REPLAY} {__version__}".encode())
    nanoseconds = pcapng.PcapngOptionLE(code=_TIME_RESOLUTION, data=b"\x09")
    section = pcapng.SectionHeaderBlockLE(opts=[program, end])
    interface = pcapng.InterfaceDescriptionBlockLE(linktype=LINK_TYPE_RAW, snaplen=0, opts=[nanoseconds, end])
    return bytes(section) + bytes(interface) + (_secrets(keys) if keys else b"")


def _secrets(keys: bytes) -> bytes:
    """A Decryption Secrets Block, which dpkt has none of."""
    length = 20 + len(keys) + -len(keys) % 4
    body = struct.pack("<IIII", _DECRYPTION_SECRETS, length, _TLS_KEY_LOG, len(keys)) + keys
    return body + bytes(-len(keys) % 4) + struct.pack("<I", length)


def _packet(data: bytes, nanoseconds: int) -> bytes:
    from dpkt import pcapng  # noqa: PLC0415

    high, low = divmod(nanoseconds, 1 << 32)
    return bytes(pcapng.EnhancedPacketBlockLE(ts_high=high, ts_low=low, pkt_data=data))
