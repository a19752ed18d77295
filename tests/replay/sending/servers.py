"""Takes what a server does, gives a target on loopback that does it: third-party servers, and raw sockets that misbehave."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

from websockets.asyncio.server import ServerConnection, serve

from wsanalyze.replay.sending import Target

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw(handle: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Target]:
    """A socket on which `handle` does as it likes, with every connection."""
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort() if tls else writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    try:
        yield target_of(server.sockets[0], "https" if tls else "http")
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def websocket_server(
    handle: Callable[[ServerConnection], Awaitable[None]], **settings: Any
) -> AsyncIterator[Target]:
    """The server of `websockets`."""
    async with serve(handle, "127.0.0.1", 0, **settings) as server:
        yield target_of(next(iter(server.sockets)), "https" if settings.get("ssl") else "http")


async def echo(connection: ServerConnection) -> None:
    """Say what is said."""
    async for message in connection:
        await connection.send(message)


def target_of(listener: Any, scheme: Literal["http", "https"] = "http") -> Target:
    """Where a socket listens."""
    return Target(scheme, "127.0.0.1", listener.getsockname()[1])


def answering(*pieces: bytes, then: Callable[[asyncio.StreamWriter], None] | None = None, wait: float = 0.0) -> Handler:
    """Read a head, and send some bytes, one piece after the other."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(wait)
        if then is not None:
            then(writer)

    return handle


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Take everything, and say nothing."""
    while await reader.read(65536):
        pass


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def unused() -> Target:
    """A port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return target_of(listener)
