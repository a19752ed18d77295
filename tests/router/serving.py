"""A router that runs while a test talks to it, and raw connections to it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from wsanalyze.router import Router, Settings

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The pair of RFC 6455 1.3."""


def handshake(target: str = "/chat", *more: str, host: str = "app.test", without: str = "") -> bytes:
    """A handshake's head, without the line that begins with `without`."""
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *more,
    ]
    kept = [line for line in lines if not without or not line.startswith(without)]
    return "\r\n".join([*kept, "", ""]).encode("latin-1")


def get(target: str = "/", *more: str) -> bytes:
    """A request's head."""
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: app.test", *more, "", ""]).encode("latin-1")


@dataclass
class Running:
    """A router that runs."""

    host: str
    port: int
    router: Router
    log: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    opened: list[Raw] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"

    async def logged(self, count: int = 1) -> list[str]:
        """The lines of the log, once there are so many."""
        async with asyncio.timeout(5):
            while len(self.log) < count:
                await asyncio.sleep(0.01)
        return self.log

    async def noted(self) -> list[str]:
        """The notes, once there are some."""
        async with asyncio.timeout(5):
            while not self.notes:
                await asyncio.sleep(0.01)
        return self.notes

    async def open(self) -> Raw:
        """A connection, which is closed at the latest when the router ends."""
        self.opened.append(raw := Raw(*await asyncio.open_connection(self.host, self.port)))
        return raw

    async def ask(self, data: bytes) -> Answered:
        """One connection, one request, one answer."""
        raw = await self.open()
        await raw.send(data)
        return await raw.answer()


@dataclass(frozen=True)
class Answered:
    """A response of HTTP/1.1."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        (value,) = [value for key, value in self.headers if key == name]
        return value

    @property
    def report(self) -> dict[str, Any]:
        """What the router says that it received."""
        told: dict[str, Any] = json.loads(self.body)
        return told


class Raw:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answered:
        """The next response, with its body as long as it says."""
        async with asyncio.timeout(10):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            length = next((int(value) for name, value in headers if name == "Content-Length"), 0)
            return Answered(int(first.split()[1]), headers, await self.reader.readexactly(length))

    async def rest(self) -> bytes:
        """All that comes until the router ends the connection."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except OSError:
                return b""

    def reset(self) -> None:
        """RST."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def running(settings: Settings | None = None, **limits: float) -> AsyncIterator[Running]:
    """A router with these settings and limits, and nothing left of it afterwards."""
    log: list[str] = []
    notes: list[str] = []
    made = settings or Settings()
    router = Router(replace(made, log=log.append, note=notes.append, limits=replace(made.limits, **limits)))  # type: ignore[arg-type]
    before = asyncio.all_tasks()
    async with router.serve() as (host, port):
        there = Running(host, port, router, log, notes)
        try:
            yield there
        finally:
            for raw in there.opened:
                raw.writer.transport.abort()
            await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert [note for note in notes if "mistake" in note] == []
