"""One stream of an HTTP/2 connection: carries an answer, or a WebSocket as if it were a connection (RFC 8441)."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

import anyio
import h2.connection
import h2.errors
import h2.exceptions

from wsanalyze.router.answer import Answer
from wsanalyze.router.settings import Limits
from wsanalyze.router.stream import Channel

_HOP_BY_HOP = {"Upgrade", "Connection"}
"""What HTTP/2 has no place for (RFC 9113 8.2.2)."""


class Owner(Protocol):
    """The connection."""

    http: h2.connection.H2Connection
    limits: Limits

    async def flush(self) -> None:
        """Send what was said."""

    def acknowledge(self, number: int, length: int) -> None:
        """Give room for as much more."""


class Http2Stream:
    """How far it is."""

    def __init__(self, owner: Owner, number: int) -> None:
        self._owner, self.number = owner, number
        self.scope = anyio.CancelScope()
        """Of what answers it."""
        self.connect = False
        """Whether it asks for a tunnel: what comes is no body."""
        self._held = bytearray()
        """No more than the window that was given: only what is taken makes room for more."""
        self._end = self._left = False
        self._news = anyio.Event()
        self._room = anyio.Event()

    def fed(self, data: bytes) -> None:
        """It got DATA."""
        self._held += data
        self._news.set()

    def ended(self) -> None:
        """There will be no more."""
        self._end = True
        self._news.set()

    def reset(self) -> None:
        """The other end wants no answer any more."""
        self._left = True
        self.scope.cancel()

    def roomier(self) -> None:
        """There may be room for more DATA."""
        self._room.set()

    def forget(self) -> None:
        """Nobody takes what was not taken."""
        self._owner.acknowledge(self.number, len(self._held))
        self._held.clear()

    async def some(self) -> bytes:
        """The bytes that are next; empty at the end."""
        while not self._held and not self._end:
            self._news = anyio.Event()
            await self._news.wait()
        data = bytes(self._held)
        self._held.clear()
        self._owner.acknowledge(self.number, len(data))
        await self._owner.flush()
        return data

    async def send(self, item: bytes) -> None:
        """Send as DATA, as much at a time as the other end has room for (RFC 9113 5.2)."""
        http = self._owner.http
        try:
            while item:
                self._room = anyio.Event()
                room = min(http.local_flow_control_window(self.number), http.max_outbound_frame_size)
                if room > 0:
                    http.send_data(self.number, item[:room])
                    item = item[room:]
                    await self._owner.flush()
                else:
                    with anyio.fail_after(self._owner.limits.send_time):
                        await self._room.wait()
        except h2.exceptions.ProtocolError as error:
            raise ConnectionResetError("the stream is closed") from error

    async def body(self) -> int:
        """Count it; what is beyond the limit is not read."""
        count = 0
        while not self.connect and count <= self._owner.limits.body and (data := await self.some()):
            count += len(data)
        return count

    async def answer(self, answer: Answer) -> None:
        """HEADERS, and DATA where there is a body."""
        await self._head(answer)
        await self.send(answer.body)

    async def open(self, answer: Answer) -> Channel:
        """2xx: the stream is the WebSocket's from now on (RFC 8441 5)."""
        await self._head(answer)
        return self

    async def _head(self, answer: Answer) -> None:
        named = [(name.lower(), value) for name, value in answer.headers if name not in _HOP_BY_HOP]
        try:
            self._owner.http.send_headers(self.number, [(":status", str(answer.status)), *named])
        except h2.exceptions.ProtocolError as error:
            raise ConnectionResetError("the stream is closed") from error
        await self._owner.flush()

    async def wait(self) -> None:
        """Until it is reset, or the connection ends."""
        with anyio.fail_after(self._owner.limits.idle):
            await anyio.sleep_forever()

    async def cut(self) -> None:
        """RST_STREAM."""
        if self._left:
            return
        self._left = True
        with suppress(h2.exceptions.ProtocolError, OSError):
            self._owner.http.reset_stream(self.number, h2.errors.ErrorCodes.CANCEL)
            await self._owner.flush()

    async def finish(self) -> None:
        """END_STREAM, which is the FIN of a stream (RFC 8441 4)."""
        if self._left:
            return
        self._left = True
        with suppress(h2.exceptions.ProtocolError):
            self._owner.http.end_stream(self.number)
            await self._owner.flush()
            if not self._end:
                # What is still to come is not wanted (RFC 9113 8.1).
                self._owner.http.reset_stream(self.number, h2.errors.ErrorCodes.NO_ERROR)
                await self._owner.flush()
