"""Takes a connection, gives its bytes with a look ahead; whatever goes wrong with it is an OSError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import anyio
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

PIECE = 65536
"""Bytes that are read at once."""
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
"""TLS meets an end also where it writes."""


class Channel(Protocol):
    """What a WebSocket is spoken on: a connection, or a stream of an HTTP/2 connection."""

    async def some(self) -> bytes:
        """The bytes that are next; empty at the end. Raises OSError where there will be none."""

    async def send(self, item: bytes) -> None:
        """Returns when they are on their way; raises OSError where nobody takes them."""


class Stream(ByteStream):
    """A connection, or the TLS on one."""

    def __init__(self, inner: ByteStream, send_time: float) -> None:
        """`send_time`: seconds in which the other end has to take what it is sent."""
        self._inner, self._send_time = inner, send_time
        self._sending = anyio.Lock()
        self.held = b""
        """What has come and was not taken yet."""

    async def more(self) -> bool:
        """Wait until there is more in `held` than there was; False at the end."""
        new = await self._read(PIECE)
        self.held += new
        return bool(new)

    def take(self, count: int) -> bytes:
        """The first bytes of `held`."""
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    async def some(self) -> bytes:
        """The bytes that are next; empty at the end."""
        return self.take(PIECE) if self.held else await self._read(PIECE)

    async def receive(self, max_bytes: int = PIECE) -> bytes:
        """The same as a `ByteStream`, on which TLS can be spoken."""
        data = self.take(max_bytes) if self.held else await self._read(max_bytes)
        if not data:
            raise anyio.EndOfStream
        return data

    async def _read(self, count: int) -> bytes:
        try:
            return await self._inner.receive(count)
        except anyio.EndOfStream:
            return b""
        except _GONE as error:
            raise ConnectionResetError("the other end has gone") from error

    async def send(self, item: bytes) -> None:
        """Send it all, one after the other where several want to."""
        try:
            with anyio.fail_after(self._send_time):
                async with self._sending:
                    await self._inner.send(item)
        except _GONE as error:
            raise ConnectionResetError("the other end has gone") from error

    async def send_eof(self) -> None:
        """FIN."""
        await self._inner.send_eof()

    async def end(self, linger: float) -> None:
        """Take leave in good order.

        Bytes that nobody has read when a socket is closed become a RST, which can overtake the last answer.
        """
        with suppress(OSError, *_GONE), anyio.move_on_after(linger):
            if isinstance(self._inner, TLSStream):
                await self._inner.unwrap()
            else:
                await self.send_eof()
                while await self._read(PIECE):
                    pass

    async def aclose(self) -> None:
        """Close it as it is."""
        await self._inner.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """What is known of the connection."""
        return self._inner.extra_attributes
