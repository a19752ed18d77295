"""Takes an established WebSocket of the router, speaks it as the path asks for, notes how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from captures.lab.seen import Seen
from captures.lab.stream import BINARY, CLOSE, PING, PONG, TEXT, Stream, deflate, inflate, write_frame

NO_PONG = "Client did not respond to ping before keep-alive timeout expired."


@dataclass(frozen=True, slots=True)
class Talking:
    """A WebSocket that is open."""

    stream: Stream
    seen: Seen
    words: list[str]
    """The segments of its path."""
    compressed: bool


async def talk(talking: Talking) -> None:
    """What the path asks for, else say everything back."""
    await next((_TALKS[word] for word in talking.words if word in _TALKS), _echo)(talking)


async def _echo(talk: Talking) -> None:
    """Say everything back; answer a Close."""
    while True:
        frame = await talk.stream.frame()
        talk.seen.frames_received += 1
        if frame.opcode == CLOSE:
            talk.seen.close_code = frame.close_code or 1005
            await talk.stream.send(write_frame(CLOSE, frame.payload[:2], mask=False))
            return
        if frame.opcode == PING:
            await talk.stream.send(write_frame(PONG, frame.payload, mask=False))
        elif frame.opcode in {TEXT, BINARY}:
            payload = inflate(frame.payload) if frame.compressed else frame.payload
            data = deflate(payload) if talk.compressed else payload
            await talk.stream.send(write_frame(frame.opcode, data, mask=False, compressed=talk.compressed))


async def _logs(talk: Talking) -> None:
    """Envelopes in binary messages, as Loggregator sends them, until the client closes."""
    closing = asyncio.create_task(_until_close(talk))
    for number in range(12):
        if closing.done():
            break
        with contextlib.suppress(OSError):
            await talk.stream.send(write_frame(BINARY, b"\x0a\x06router" + bytes([number]) * 90, mask=False))
        await asyncio.wait({closing}, timeout=0.01)
    await closing


async def _until_close(talk: Talking) -> None:
    """Read until the other end closes the WebSocket or leaves; answer its Close."""
    try:
        while True:
            frame = await talk.stream.frame()
            talk.seen.frames_received += 1
            if frame.opcode == CLOSE:
                talk.seen.close_code = frame.close_code or 1005
                await talk.stream.send(write_frame(CLOSE, frame.payload[:2], mask=False))
                return
    except (EOFError, OSError):
        talk.seen.left_by = talk.seen.left_by or (None if talk.seen.close_code else "peer")


async def _closing(talk: Talking) -> None:
    """Close with the code that the path names."""
    await talk.stream.frame()
    talk.seen.frames_received += 1
    code = int(talk.words[talk.words.index("closing") + 1])
    reason = NO_PONG if code == 1008 else ""
    await talk.stream.send(write_frame(CLOSE, struct.pack("!H", code) + reason.encode(), mask=False))
    await _until_close(talk)


async def _dropping(talk: Talking) -> None:
    """End the connection after the first message, without a Close frame."""
    await talk.stream.frame()
    talk.seen.frames_received += 1
    talk.seen.left_by = "router"
    talk.stream.reset()


async def _ticking(talk: Talking) -> None:
    """A message every half second, for as long as the connection lasts."""
    closing = asyncio.create_task(_until_close(talk))
    while not closing.done():
        with contextlib.suppress(OSError):
            await talk.stream.send(write_frame(TEXT, b"tick", mask=False))
        await asyncio.wait({closing}, timeout=0.5)
    await closing


async def _violating(talk: Talking) -> None:
    """A masked frame, which a server must not send (RFC 6455 5.1)."""
    await talk.stream.frame()
    talk.seen.frames_received += 1
    await talk.stream.send(write_frame(TEXT, b"masked", mask=True))
    await _until_close(talk)


_TALKS: dict[str, Callable[[Talking], Awaitable[None]]] = {
    "apps": _logs,
    "firehose": _logs,
    "closing": _closing,
    "dropping": _dropping,
    "ticking": _ticking,
    "violating": _violating,
}
