"""Takes a connection that begins with a PROXY header, gives its version and the client that it names."""

from __future__ import annotations

import asyncio
import socket
import struct

from captures.lab.stream import Stream

_SIGNATURE2 = b"\r\n\r\n\x00\r\nQUIT\n"


def version_of(first: bytes) -> str | None:
    """`v1` or `v2` where the bytes begin with such a header."""
    if first.startswith(_SIGNATURE2):
        return "v2"
    return "v1" if first.startswith(b"PROXY ") else None


async def source_in(stream: Stream, version: str) -> str:
    """The client that the header names (its specification, 2.1 and 2.2); the stream goes on behind it."""
    if version == "v1":
        words = (await stream.until(b"\r\n")).decode("latin-1").split()
        return f"{words[2]}:{words[4]}" if len(words) > 5 else "unknown"
    head = await stream.exactly(16)
    return _named(head, await stream.exactly(_length(head)))


async def source_before(sock: socket.socket) -> str:
    """The client that the version 2 header of a socket names; not one byte behind it is read, for TLS wants them all."""
    head = await _exactly(sock, 16)
    if version_of(head) != "v2":
        raise ValueError("no PROXY header")
    return _named(head, await _exactly(sock, _length(head)))


async def _exactly(sock: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        more = await asyncio.get_running_loop().sock_recv(sock, count - len(read))
        if not more:
            raise EOFError("the connection ended")
        read += more
    return read


def _length(head: bytes) -> int:
    return int(struct.unpack("!H", head[14:16])[0])


def _named(head: bytes, rest: bytes) -> str:
    if head[13] != 0x11:
        return "unknown"
    return f"{'.'.join(map(str, rest[:4]))}:{struct.unpack('!H', rest[8:10])[0]}"
