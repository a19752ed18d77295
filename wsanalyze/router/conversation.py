"""Takes an open WebSocket, lets somebody talk on it until one side closes it or leaves."""

from __future__ import annotations

import time
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import anyio
from websockets.extensions import Extension
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from wsanalyze.router.handshake import LOGGER
from wsanalyze.router.settings import Limits
from wsanalyze.router.stream import Channel

_PIECE: Final = 4096
"""Bytes that are parsed before what they give is sent: compressed, they may hold as many messages of the largest size as
they have kilobytes."""


class Session(ServerProtocol):
    """The `websockets` library's protocol, which lets each frame be answered before the next one is parsed.

    Otherwise a message would go unanswered that comes in one segment with the Close frame behind it.
    """

    def __init__(self, hear: Callable[[Session, Frame], None], extensions: list[Extension], max_size: int) -> None:
        super().__init__(state=State.OPEN, max_size=max_size, logger=LOGGER)
        self.extensions = extensions
        self.ponged = time.monotonic()
        """When the last Pong came."""
        self._hear = hear
        self._utf8: IncrementalDecoder | None = None
        """Of the text that is being said."""

    def recv_frame(self, frame: Frame) -> None:
        """Answer a frame."""
        super().recv_frame(frame)
        self._check(frame)
        if frame.opcode is Opcode.PONG:
            self.ponged = time.monotonic()
        elif frame.opcode in DATA_OPCODES and self.state is State.OPEN:
            self._hear(self, frame)

    def _check(self, frame: Frame) -> None:
        """Text is UTF-8 (RFC 6455 8.1). Raises UnicodeDecodeError, which the library answers by 1007."""
        if frame.opcode is Opcode.TEXT:
            self._utf8 = getincrementaldecoder("utf-8")()
        if self._utf8 is not None and frame.opcode in DATA_OPCODES:
            self._utf8.decode(frame.data, frame.fin)
            if frame.fin:
                self._utf8 = None


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said."""

    hear: Callable[[Session, Frame], None]
    """To each frame of a message."""
    speak: Callable[[Conversation], Awaitable[None]] | None = None
    """Unasked."""


@dataclass(slots=True)
class Conversation:
    """A WebSocket on which somebody talks."""

    channel: Channel
    session: Session
    limits: Limits
    received: int = 0
    """Bytes."""
    sent: int = 0
    _flushing: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def open(self) -> bool:
        """Whether messages may be sent."""
        return self.session.state is State.OPEN

    async def run(self, talk: Talk) -> None:
        """Talk until it ends, whoever ends it and how."""
        async with anyio.create_task_group() as tasks:
            if talk.speak is not None:
                tasks.start_soon(self._speak, talk.speak, tasks.cancel_scope)
            # Gone, silent for too long, or too slow to read: what was said has been said.
            with suppress(OSError):
                await self._listen()
            tasks.cancel_scope.cancel()

    async def _speak(self, speak: Callable[[Conversation], Awaitable[None]], scope: anyio.CancelScope) -> None:
        try:
            await speak(self)
        except OSError:
            scope.cancel()

    async def _listen(self) -> None:
        while not self.session.eof_sent:
            with anyio.fail_after(self.limits.idle):
                data = await self.channel.some()
            if not data:
                return
            self.received += len(data)
            for at in range(0, len(data), _PIECE):
                self.session.receive_data(data[at : at + _PIECE])
                self.session.events_received()
                await self.flush()

    async def flush(self) -> None:
        """Send what the session has to say."""
        async with self._flushing:
            for data in self.session.data_to_send():
                if data:
                    await self.channel.send(data)
                    self.sent += len(data)

    async def close(self, code: int, reason: str = "") -> None:
        """Close it; raises TimeoutError where that is not answered."""
        if self.open:
            self.session.send_close(code, reason)
            await self.flush()
        with anyio.fail_after(self.limits.close_time):
            await anyio.sleep_forever()
