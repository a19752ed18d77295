"""Takes what both sides of a WebSocket sent as it was captured, gives its frames, unmasked and not compressed any more."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from websockets.exceptions import InvalidHeader, PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as WireFrame
from websockets.headers import parse_extension
from websockets.streams import StreamReader
from websockets.typing import ExtensionName

from wsanalyze.replay.model import Frame

MAX_PAYLOAD = 16 << 20
"""Bytes of one frame, and of all that one client sends on one WebSocket, once they are not compressed any more."""
MAX_TOTAL = 64 << 20
"""The same of all WebSockets of a replay."""
MAX_FRAMES = 200_000
"""Frames of all WebSockets of a replay, of both sides."""

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


class Budget:
    """How much of all WebSockets is kept."""

    def __init__(self) -> None:
        self._bytes, self._frames = MAX_TOTAL, MAX_FRAMES

    def has_room(self, size: int) -> bool:
        """Whether another frame with so many bytes may be kept; then it is counted."""
        if size > self._bytes or not self._frames:
            return False
        self._bytes -= size
        self._frames -= 1
        return True


def conversation(
    pieces: Sequence[tuple[bool, int, bytes]], lost: str | None, extensions: str | None, budget: Budget | None = None
) -> Conversation:
    """The frames in `pieces` (by the client, time, bytes); `extensions` are those that the server accepted."""
    budget = budget or Budget()
    found: list[Frame] = []
    why = _LOST.get(lost or "")
    for by_client in (True, False):
        # What is compressed has to be read from the beginning: a side is read as far as it can be.
        side = _Side(by_client, _deflate(extensions, by_client=by_client), budget)
        found += side.frames((time, data) for sender, time, data in pieces if sender == by_client)
        why = why or side.wrong
    return Conversation(tuple(sorted(found, key=attrgetter("time"))), why)


def _deflate(header: str | None, *, by_client: bool) -> PerMessageDeflate | None:
    """What undoes the compression that was agreed to (RFC 7692 7.1)."""
    try:
        agreed = {str(name): dict(parameters) for name, parameters in parse_extension(header)} if header else {}
        if "permessage-deflate" not in agreed:
            return None
        parameters = agreed["permessage-deflate"]
        sender = "client" if by_client else "server"
        bits = int(parameters.get(f"{sender}_max_window_bits") or 15)
        forgets = f"{sender}_no_context_takeover" in parameters
        return PerMessageDeflate(
            forgets, local_no_context_takeover=True, remote_max_window_bits=bits, local_max_window_bits=15
        )
    except (ValueError, AssertionError, ProtocolError, InvalidHeader):
        return None


class _Reading(Extension):
    """Undoes the compression of what the client sent, and remembers what was compressed; of the server's it is left."""

    name = ExtensionName("permessage-deflate")

    def __init__(self, deflate: PerMessageDeflate | None, *, undone: bool) -> None:
        self.compressed = False
        self._deflate = deflate
        self._undone = undone
        self._room = MAX_PAYLOAD

    def decode(self, frame: WireFrame, *, max_size: int | None = None) -> WireFrame:
        """The frame as it was before it was compressed. Raises PayloadTooBig where all is more than is kept."""
        self.compressed = frame.rsv1
        if self._deflate is None:
            return frame
        if not self._undone:
            return replace(frame, rsv1=False)
        frame = self._deflate.decode(frame, max_size=max_size)
        self._room -= len(frame.data)
        if self._room < 0:
            raise PayloadTooBig(len(frame.data), MAX_PAYLOAD)
        return frame

    def encode(self, frame: WireFrame) -> WireFrame:
        """Nothing is sent."""
        return frame


class _Side:
    """Reads what one side sent."""

    def __init__(self, by_client: bool, deflate: PerMessageDeflate | None, budget: Budget) -> None:
        self._budget = budget
        self.wrong: str | None = None
        self._by_client = by_client
        self._reading = _Reading(deflate, undone=by_client)

    def frames(self, pieces: Iterable[tuple[int, bytes]]) -> Iterator[Frame]:
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
                    self.wrong = f"what the {'client' if self._by_client else 'server'} sent cannot be read: {error}"
                    return
                payload = bytes(raw.data) if self._by_client else b""
                if not self._budget.has_room(len(payload)):
                    self.wrong = TOO_MUCH
                    return
                yield Frame(self._by_client, time, raw.fin, self._reading.compressed, int(raw.opcode), payload)
                parser = self._parser(reader)

    def _parser(self, reader: StreamReader) -> Generator[None, None, WireFrame]:
        return WireFrame.parse(
            reader.read_exact, mask=self._by_client, max_size=MAX_PAYLOAD, extensions=[self._reading]
        )
