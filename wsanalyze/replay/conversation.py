"""Takes what both sides of a WebSocket sent as it was captured, gives its frames, unmasked and not compressed any more."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as WireFrame
from websockets.headers import parse_extension
from websockets.streams import StreamReader

from wsanalyze.replay.model import Frame

MAX_PAYLOAD = 16 << 20
"""Bytes of one frame, and of all that one client sends on one WebSocket, once they are not compressed any more."""

NOT_CAPTURED = "packets are missing"
TOO_MUCH = "there is more than is kept"
_LOST = {"gap": NOT_CAPTURED, "limit": TOO_MUCH}


@dataclass(frozen=True, slots=True)
class Conversation:
    """What both sides said, in order of time."""

    frames: tuple[Frame, ...]
    """Of the server only that they came: without their payload."""
    lost: str | None
    """Why some of what was said is not there, in a few words."""


def conversation(pieces: Sequence[tuple[bool, int, bytes]], lost: str | None, extensions: str | None) -> Conversation:
    """The frames in `pieces` (by the client, time, bytes); `extensions` are those that the server accepted."""
    found: list[Frame] = []
    why = _LOST.get(lost or "")
    for by_client in (True, False):
        # What is compressed has to be read from the beginning: a side is read as far as it can be.
        side = _Side(by_client, _deflate(extensions, by_client=by_client))
        found += side.frames((time, data) for sender, time, data in pieces if sender == by_client)
        why = why or side.wrong
    return Conversation(tuple(sorted(found, key=attrgetter("time"))), why)


def _deflate(header: str | None, *, by_client: bool) -> list[Extension]:
    """What undoes the compression that was agreed to (RFC 7692 7.1)."""
    try:
        agreed = {str(name): dict(parameters) for name, parameters in parse_extension(header)} if header else {}
        if "permessage-deflate" not in agreed:
            return []
        parameters = agreed["permessage-deflate"]
        sender = "client" if by_client else "server"
        bits = int(parameters.get(f"{sender}_max_window_bits") or 15)
        forgets = f"{sender}_no_context_takeover" in parameters
        return [
            PerMessageDeflate(
                forgets, local_no_context_takeover=True, remote_max_window_bits=bits, local_max_window_bits=15
            )
        ]
    except (ValueError, AssertionError, ProtocolError):
        return []


class _Side:
    """Reads what one side sent."""

    def __init__(self, by_client: bool, extensions: list[Extension]) -> None:
        self.wrong: str | None = None
        self._by_client = by_client
        self._extensions = extensions
        self._room = MAX_PAYLOAD

    def frames(self, pieces: Iterator[tuple[int, bytes]]) -> Iterator[Frame]:
        reader = StreamReader()
        parser = self._parser(reader)
        for time, data in pieces:
            reader.feed_data(data)
            while True:
                try:
                    next(parser)
                    break
                except StopIteration as end:
                    raw: WireFrame = end.value
                except (ProtocolError, PayloadTooBig) as error:
                    self.wrong = f"what the {'client' if self._by_client else 'server'} sent is no WebSocket: {error}"
                    return
                frame = self._decoded(raw, time)
                if frame is None:
                    return
                yield frame
                parser = self._parser(reader)

    def _parser(self, reader: StreamReader) -> Generator[None, None, WireFrame]:
        return WireFrame.parse(reader.read_exact, mask=self._by_client, max_size=MAX_PAYLOAD)

    def _decoded(self, raw: WireFrame, time: int) -> Frame | None:
        compressed = raw.rsv1
        if self._by_client:
            try:
                for extension in self._extensions:
                    raw = extension.decode(raw, max_size=self._room)
                raw.check()
            except (ProtocolError, PayloadTooBig) as error:
                self.wrong = f"what the client sent cannot be read: {error}"
                return None
            self._room -= len(raw.data)
            if self._room < 0:
                self.wrong = TOO_MUCH
                return None
        payload = bytes(raw.data) if self._by_client else b""
        return Frame(self._by_client, time, raw.fin, compressed, int(raw.opcode), payload)
