"""Takes a connection, gives it as a stream whose every byte on the wire is told to a tap, with the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import anyio
import anyio.abc

Address = tuple[str, int]


class Handle(Protocol):
    """What is told of one connection; times are seconds since the epoch."""

    def sent(self, data: bytes, time: float, /) -> None:
        """Bytes went to the target."""

    def received(self, data: bytes, time: float, /) -> None:
        """Bytes came from the target."""

    def ended(self, by: Literal["client", "server"], reset: bool, time: float, /) -> None:
        """The connection is over; `by` is who ended it first, by a reset or a FIN. Told once, as the last."""


class Tap(Protocol):
    """Who is told of the connections of a replay."""

    def opened(self, local: Address, remote: Address, time: float, /) -> Handle:
        """A TCP connection is there."""


class TapError(Exception):
    """The tap could not take what it was told; its own error is the cause."""


class Clock:
    """The time of day, as it was at first, moved on by a clock that nobody sets."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return time.monotonic() + self._ahead


class Tapped(anyio.abc.ByteStream):
    """A TCP connection with a tap on it, on which several tasks may send."""

    def __init__(self, stream: anyio.abc.SocketStream, tap: Tap | None, clock: Clock, remote: Address) -> None:
        """`remote` is told where the connection cannot say by itself what it is connected to."""
        self._stream, self._clock = stream, clock
        self._sending = anyio.Lock()
        self._ended: tuple[Literal["client", "server"], bool] | None = None
        self._closed = False
        self._handle: Handle | None = None
        if tap is not None:
            local = _address(stream, anyio.abc.SocketAttribute.local_address, ("0.0.0.0", 0))  # noqa: S104 - not listened on
            remote = _address(stream, anyio.abc.SocketAttribute.remote_address, remote)
            self._handle = self._told(tap.opened, local, remote, clock())

    async def send(self, item: bytes) -> None:
        """Tell, and send: nothing that was captured behind came before it was sent."""
        async with self._sending:
            if self._handle is not None:
                self._told(self._handle.sent, item, self._clock())
            try:
                await self._stream.send(item)
            except anyio.BrokenResourceError:
                self._ended = self._ended or ("server", True)
                raise

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Receive, and tell."""
        try:
            data = await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            self._ended = self._ended or ("server", False)
            raise
        except anyio.BrokenResourceError:
            self._ended = self._ended or ("server", True)
            raise
        if self._handle is not None:
            self._told(self._handle.received, data, self._clock())
        return data

    async def send_eof(self) -> None:
        """Send a FIN."""
        self._ended = self._ended or ("client", False)
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close, and tell how it ended."""
        if not self._closed:
            self._closed = True
            by, reset = self._ended or ("client", False)
            try:
                if self._handle is not None:
                    self._told(self._handle.ended, by, reset, self._clock())
            finally:
                await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of the connection."""
        return self._stream.extra_attributes

    def _told(self, tell: Callable[..., Any], *what: object) -> Any:
        # An OSError of a full disk would be taken for one of the connection.
        try:
            return tell(*what)
        except Exception as error:
            raise TapError(str(error)) from error


def _address(stream: anyio.abc.SocketStream, attribute: Any, otherwise: Address) -> Address:
    try:
        host, port = stream.extra_attributes[attribute]()[:2]
    except (LookupError, OSError, TypeError, ValueError):
        return otherwise
    return str(host), int(port)
