"""Takes one stream of an HTTP/2 connection, gives its answer, and its bytes as if they were a connection's (RFC 8441)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.abc
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset

from wsanalyze.replay.sending.fields import Fields, text

if TYPE_CHECKING:
    from wsanalyze.replay.sending.streams import Streams


class Stream(anyio.abc.ByteStream):
    """One stream: its answer, and its bytes."""

    def __init__(self, owner: Streams, number: int) -> None:
        self._owner, self.number = owner, number
        self.status: bytes | None = None
        """Of the final response; None as long as there is none."""
        self.fields: Fields = ()
        self.ended = False
        """Whether nothing more comes."""
        self.broken: str | None = None
        """How it was ended before its time, in one line."""
        self.unprocessed = False
        """Whether the target says that it did nothing with it (RFC 9113 8.7)."""
        self._data = bytearray()
        """What nobody has read yet; no more than the window allows (RFC 9113 5.2)."""

    def take(self, event: Event) -> None:
        """See what the target says on this stream."""
        if isinstance(event, ResponseReceived):
            headers = [(bytes(name), bytes(value)) for name, value in event.headers]
            self.status = dict(headers).get(b":status", b"")
            self.fields = text((name, value) for name, value in headers if not name.startswith(b":"))
        elif isinstance(event, DataReceived):
            self._data += event.data
            # Nobody reads the padding, and it counts (RFC 9113 6.1).
            self._make_room(event.flow_controlled_length - len(event.data))
        elif isinstance(event, StreamReset):
            self.unprocessed = event.error_code == ErrorCodes.REFUSED_STREAM
            self.break_off(f"the target reset the stream ({name_of(event.error_code)})")
        elif isinstance(event, StreamEnded):
            self.ended = True

    def break_off(self, why: str) -> None:
        """Nothing more will come, and it was not the end."""
        if not self.ended:
            self.broken, self.ended = why, True

    def drop(self) -> None:
        """Give the room of what nobody reads back to the connection."""
        self._make_room(len(self._data))
        self._data.clear()

    async def answered(self) -> None:
        """Wait for the answer, or for the end."""
        await self._owner.until(lambda: self.status is not None or self.ended)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes; room for as many is given back to the target."""
        await self._owner.until(lambda: bool(self._data) or self.ended)
        if not self._data:
            if self.broken is not None:
                raise anyio.BrokenResourceError
            raise anyio.EndOfStream
        data = bytes(self._data[:max_bytes])
        del self._data[:max_bytes]
        self._make_room(len(data))
        if not self.ended:
            await self._owner.flush()
        return data

    async def send(self, item: bytes) -> None:
        """Send as DATA, as much at a time as the target has room for."""
        while item:
            await self._owner.until(lambda: self.ended or self._owner.room(self.number) > 0)
            if self.ended:
                raise anyio.BrokenResourceError
            room = self._owner.room(self.number)
            self._owner.say(partial(_send_data, number=self.number, data=item[:room]))
            item = item[room:]
            await self._owner.flush()

    async def send_eof(self) -> None:
        """END_STREAM, which is the FIN of a stream (RFC 8441 4)."""
        self._owner.say(lambda h2: h2.end_stream(self.number))
        await self._owner.flush()

    async def aclose(self) -> None:
        """RST_STREAM, where it has not ended."""
        self._owner.forget(self)
        await self._owner.flush()

    def _make_room(self, count: int) -> None:
        if count:
            self._owner.say(lambda h2: h2.acknowledge_received_data(count, self.number))


def _send_data(h2: H2Connection, *, number: int, data: bytes) -> None:
    h2.send_data(number, data)


def name_of(code: object) -> str:
    """An error as the standard calls it (RFC 9113 7)."""
    return code.name if isinstance(code, ErrorCodes) else str(code)
