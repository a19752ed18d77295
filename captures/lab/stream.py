"""Takes a TCP connection, gives its bytes as HTTP heads, bodies and WebSocket frames: what the lab's endpoints share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
import zlib
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
Headers = tuple[tuple[str, str], ...]

_LONGEST_HEAD = 65536
_TAIL = b"\x00\x00\xff\xff"


@dataclass(frozen=True, slots=True)
class Head:
    """A start line and headers, as they went over the wire."""

    start: tuple[str, str, str]
    headers: Headers

    def all(self, name: str) -> list[str]:
        """The values of every line with this name."""
        return values(self.headers, name)

    def tokens(self, name: str) -> set[str]:
        """What the comma-separated lists of these lines hold, in lower case."""
        return {token.strip().lower() for value in self.all(name) for token in value.split(",")}

    @property
    def extended_connect(self) -> bool:
        """Whether it asks for WebSocket over HTTP/2 (RFC 8441 4)."""
        return self.start[0] == "CONNECT" and self.all(":protocol") == ["websocket"]

    @property
    def body_length(self) -> int | None:
        """Bytes of the body that Content-Length announces; None where it does not."""
        announced = self.all("content-length")
        return int(announced[0]) if announced else None


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket frame, unmasked (RFC 6455 5.2)."""

    opcode: int
    payload: bytes
    final: bool
    masked: bool
    compressed: bool

    @property
    def close_code(self) -> int | None:
        """The code of a Close frame."""
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else None


class Stream:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.held = b""

    @property
    def peer(self) -> str:
        """`address:port` of the other end."""
        return join(*self.writer.get_extra_info("peername")[:2])

    @property
    def own(self) -> str:
        """`address:port` of this end."""
        return join(*self.writer.get_extra_info("sockname")[:2])

    @property
    def secured(self) -> ssl.SSLObject | None:
        """The TLS through which it goes."""
        through: ssl.SSLObject | None = self.writer.get_extra_info("ssl_object")
        return through

    async def peek(self) -> bytes:
        """The bytes that are next, at least one unless the stream ended; they stay."""
        if not self.held:
            self.held = await self.reader.read(65536)
        return self.held

    async def some(self) -> bytes:
        """The bytes that are next; empty at the end."""
        await self.peek()
        given, self.held = self.held, b""
        return given

    async def exactly(self, count: int) -> bytes:
        """That many bytes; raises EOFError where the stream ends before."""
        while len(self.held) < count:
            await self._more()
        given, self.held = self.held[:count], self.held[count:]
        return given

    async def until(self, mark: bytes) -> bytes:
        """The bytes up to and with the mark; raises EOFError where the stream ends before, ValueError without an end."""
        while mark not in self.held:
            if len(self.held) > _LONGEST_HEAD:
                raise ValueError("no end of the line or head")
            await self._more()
        given, _, self.held = self.held.partition(mark)
        return given + mark

    async def _more(self) -> None:
        new = await self.reader.read(65536)
        if not new:
            raise EOFError("the stream ended")
        self.held += new

    async def head(self) -> Head:
        """The next head of a request or response; raises ValueError where it is none."""
        raw = (await self.until(b"\r\n\r\n")).decode("latin-1")
        start, *lines = raw[:-4].split("\r\n")
        words = start.split(" ", 2)
        if len(words) < 2:
            raise ValueError("not a start line")
        first, second, third = (*words, "")[:3]
        pairs = (line.partition(":") for line in lines)
        return Head((first, second, third), tuple((name, value.strip()) for name, _, value in pairs))

    async def body(self, head: Head, *, answer_to: str | None = None) -> bytes:
        """The body that follows a head (RFC 9112 6.3); `answer_to` is the method that a response answers."""
        if answer_to is not None:
            status = int(head.start[1])
            if answer_to == "HEAD" or status < 200 or status in {204, 304}:
                return b""
        if "chunked" in head.tokens("transfer-encoding"):
            return await self._chunks()
        if (length := head.body_length) is not None:
            return await self.exactly(length)
        return b"" if answer_to is None else await self._rest()

    async def _chunks(self) -> bytes:
        parts = []
        while size := int((await self.until(b"\r\n")).split(b";")[0], 16):
            parts.append(await self.exactly(size))
            await self.until(b"\r\n")
        while await self.until(b"\r\n") != b"\r\n":
            pass
        return b"".join(parts)

    async def _rest(self) -> bytes:
        parts = []
        while part := await self.some():
            parts.append(part)
        return b"".join(parts)

    async def frame(self) -> Frame:
        """The next WebSocket frame; raises EOFError where the stream ends."""
        first, second = await self.exactly(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", await self.exactly(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", await self.exactly(8))[0]
        mask = await self.exactly(4) if second & 0x80 else b""
        payload = await self.exactly(length)
        if mask:
            payload = _masked(payload, mask)
        return Frame(first & 0x0F, payload, bool(first & 0x80), bool(mask), bool(first & 0x40))

    async def send(self, data: bytes, piece: int = 0) -> None:
        """Send, in segments of `piece` bytes where that is not 0."""
        if not piece:
            self.writer.write(data)
            await self.writer.drain()
            return
        for at in range(0, len(data), piece):
            self.writer.write(data[at : at + piece])
            await self.writer.drain()
            await asyncio.sleep(0.002)

    async def end(self) -> None:
        """Close in good order: FIN."""
        self.writer.close()
        try:
            await asyncio.wait_for(self.writer.wait_closed(), 2)
        except (OSError, TimeoutError):
            # The other end was faster or is silent; either way this end is done.
            return

    def reset(self) -> None:
        """Close with RST."""
        raw = self.writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def written(start: tuple[str, str, str], headers: Headers) -> bytes:
    """A head as it goes out."""
    return ("\r\n".join([" ".join(start), *(f"{name}: {value}" for name, value in headers)]) + "\r\n\r\n").encode(
        "latin-1"
    )


async def pump(near: Stream, far: Stream) -> None:
    """Carry the bytes of both directions until both have ended."""

    async def one_way(source: Stream, sink: Stream) -> None:
        with contextlib.suppress(OSError):
            while part := await source.some():
                await sink.send(part)
            await sink.end()

    await asyncio.gather(one_way(near, far), one_way(far, near))


def values(headers: Headers, name: str) -> list[str]:
    """The values of every line with this name."""
    return [value for key, value in headers if key.lower() == name.lower()]


def value(headers: Headers, name: str) -> str | None:
    """The value of the first line with this name."""
    return next(iter(values(headers, name)), None)


def join(address: str, port: int) -> str:
    """`address:port`, IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def write_frame(
    opcode: int, payload: bytes, *, mask: bool, final: bool = True, compressed: bool = False, reserved: int = 0
) -> bytes:
    """A WebSocket frame (RFC 6455 5.2); `reserved` sets bits that nobody agreed on."""
    first = opcode | (0x80 if final else 0) | (0x40 if compressed else 0) | reserved
    size = len(payload)
    flag = 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", first, flag | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, flag | 126, size)
    else:
        head = struct.pack("!BBQ", first, flag | 127, size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + _masked(payload, key)


def _masked(payload: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def deflate(payload: bytes) -> bytes:
    """A message's payload under permessage-deflate without context takeover (RFC 7692 7.2.1)."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def inflate(payload: bytes) -> bytes:
    """The message again (RFC 7692 7.2.2)."""
    return zlib.decompressobj(wbits=-15).decompress(payload + _TAIL)
