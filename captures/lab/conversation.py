"""Takes an established WebSocket of the client, says what is planned for it, notes how it went and who ended it."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any

from captures.lab.asked import Asked
from captures.lab.plan import Close, Hear, Leave, Listen, Ping, Raw, Say, Talk, Wait
from captures.lab.stream import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Stream, deflate, write_frame

_PATIENCE = 4.0
_FAREWELL = 2.0


class Conversation:
    """The client's side of one WebSocket."""

    def __init__(self, stream: Stream, asked: Asked) -> None:
        self.stream, self.asked = stream, asked
        self.compressed = any(
            name.lower() == "sec-websocket-extensions" and "permessage-deflate" in value
            for name, value in asked.received
        )
        self.heard: asyncio.Queue[Frame | None] = asyncio.Queue()
        self.over = False

    async def hold(self, talk: tuple[Talk, ...]) -> None:
        """Say it all, or until the other side ends it."""
        reading = asyncio.create_task(self._read())
        try:
            for part in talk:
                if self.over or self.asked.ended is not None:
                    break
                await _PARTS[type(part)](self, part)
            if self.asked.ended is None and self.asked.closed_by is None:
                self.asked.left_by = self.asked.left_by or "client"
        except OSError:
            self.asked.left_by = self.asked.left_by or (None if self.asked.closed_by else "peer")
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            self.asked.ended = self.asked.ended or time.time()

    async def say(self, part: Say) -> None:
        """A text message."""
        payload = (part.text + " ").encode() * (part.size // (len(part.text) + 1) + 1)
        payload = payload[: max(part.size, len(part.text))]
        self.asked.first_message = self.asked.first_message or part.text
        data = deflate(payload) if self.compressed else payload
        await self._send(write_frame(TEXT, data, mask=True, compressed=self.compressed))

    async def hear(self, part: Hear) -> None:
        """So many messages of the other side."""
        for _ in range(part.count):
            try:
                frame = await asyncio.wait_for(self._message(), _PATIENCE)
            except TimeoutError:
                frame = None
            if frame is None:
                self.over = True
                return

    async def ping(self, _: Ping) -> None:
        """A ping."""
        await self._send(write_frame(PING, b"are you there", mask=True))

    async def raw(self, part: Raw) -> None:
        """A frame that is not as it should be."""
        frame = write_frame(part.opcode, part.payload, mask=part.mask, final=part.final, reserved=part.reserved)
        await self._send(frame)

    async def wait(self, part: Wait | Listen) -> None:
        """Nothing, until the time is over or the connection."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended(), part.seconds)

    async def close(self, part: Close) -> None:
        """The closing handshake (RFC 6455 7.1.2)."""
        self.over = True
        self.asked.closed_by = self.asked.closed_by or "client"
        self.asked.close_code = self.asked.close_code or part.code
        await self._send(write_frame(CLOSE, struct.pack("!H", part.code) + part.reason.encode(), mask=True))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended(), _FAREWELL)

    async def leave(self, part: Leave) -> None:
        """The end of the connection, without a Close frame."""
        self.over = True
        self.asked.left_by = "client"
        if part.reset:
            self.stream.reset()

    async def _send(self, frame: bytes) -> None:
        await self.stream.send(frame)
        self.asked.frames_sent += 1
        self.asked.last_frame = time.time()

    async def _message(self) -> Frame | None:
        while (frame := await self.heard.get()) is not None and frame.opcode not in {TEXT, BINARY, CONTINUATION}:
            pass
        return frame

    async def _ended(self) -> None:
        while await self.heard.get() is not None:
            pass

    async def _read(self) -> None:
        """Read frames until the end; answer pings and a Close."""
        asked = self.asked
        try:
            while True:
                frame = await self.stream.frame()
                asked.frames_received += 1
                asked.last_frame = time.time()
                if frame.opcode == PING:
                    await self._send(write_frame(PONG, frame.payload, mask=True))
                if frame.opcode == CLOSE:
                    if asked.closed_by is None:
                        asked.closed_by, asked.close_code = "peer", frame.close_code
                        await self._send(write_frame(CLOSE, frame.payload[:2], mask=True))
                    break
                self.heard.put_nowait(frame)
        except (EOFError, OSError):
            if asked.closed_by is None and asked.left_by is None:
                asked.left_by = "peer"
        asked.ended = time.time()
        self.heard.put_nowait(None)


_PARTS: dict[type, Callable[[Conversation, Any], Awaitable[None]]] = {
    Say: Conversation.say,
    Hear: Conversation.hear,
    Ping: Conversation.ping,
    Raw: Conversation.raw,
    Wait: Conversation.wait,
    Listen: Conversation.wait,
    Close: Conversation.close,
    Leave: Conversation.leave,
}
