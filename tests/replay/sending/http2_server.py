"""Takes connections, answers their streams by what the path asks for: an HTTP/2 server made of `h2` and `websockets`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, WindowUpdated
from h2.settings import SettingCodes, Settings
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from tests.replay.sending.servers import raw
from wsanalyze.replay.sending import Target


@dataclass
class Server:
    """What all connections share."""

    knows_connect: bool = True
    streams: int = 100
    window: int = 65535
    seen: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    bodies: dict[int, bytes] = field(default_factory=dict)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until it ends."""
        await _Served(self, reader, writer).run()

    @asynccontextmanager
    async def listen(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Target]:
        """A target that is served."""
        async with raw(self.handle, tls) as target:
            yield target


class _Served:
    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: server.streams,
                SettingCodes.INITIAL_WINDOW_SIZE: server.window,
                **({SettingCodes.ENABLE_CONNECT_PROTOCOL: 1} if server.knows_connect else {}),
            },
        )
        self.sockets: dict[int, Protocol] = {}
        self.closed: set[int] = set()
        self.paths: dict[int, bytes] = {}
        self.unsent: dict[int, bytes] = {}

    async def run(self) -> None:
        self.h2.initiate_connection()
        await self._flush()
        while data := await self.reader.read(65536):
            for event in self.h2.receive_data(data):
                self._take(event)
            await self._flush()

    async def _flush(self) -> None:
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            headers = [(bytes(name), bytes(value)) for name, value in event.headers]
            self.server.seen.append(headers)
            self._asked(event.stream_id, dict(headers))
        elif isinstance(event, DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id in self.sockets:
                self._said(event.stream_id, event.data)
            elif event.data:
                self.server.bodies[event.stream_id] = self.server.bodies.get(event.stream_id, b"") + event.data
        elif isinstance(event, StreamEnded):
            self._ended(event.stream_id)
        elif isinstance(event, WindowUpdated):
            for number in list(self.unsent):
                self._send(number, b"")

    def _asked(self, number: int, headers: dict[bytes, bytes]) -> None:
        path = self.paths[number] = headers[b":path"]
        if path == b"/goaway":
            self.h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
        elif path == b"/reset":
            self.h2.reset_stream(number, ErrorCodes.PROTOCOL_ERROR)
        elif path == b"/cut":
            self.writer.transport.abort()
        elif path == b"/hints":
            self.h2.send_headers(number, [(":status", "103")])
        elif b":protocol" in headers and path.startswith(b"/ws"):
            self.sockets[number] = Protocol(Side.SERVER)
            agreed = [("sec-websocket-extensions", "permessage-deflate")] if path == b"/ws-deflate" else []
            if agreed:
                self.sockets[number].extensions = [PerMessageDeflate(False, False, 15, 15)]
            self.h2.send_headers(number, [(":status", "200"), *agreed])
            if path == b"/ws-reset":
                self.h2.reset_stream(number, ErrorCodes.INTERNAL_ERROR)
        elif b":protocol" in headers:
            self.h2.send_headers(number, [(":status", "403"), ("x-cf-routererror", "unknown_route")])
            self.h2.end_stream(number)
            self.closed.add(number)

    def _ended(self, number: int) -> None:
        path = self.paths[number]
        if number in self.sockets or number in self.closed or path in {b"/silent", b"/goaway", b"/reset"}:
            return
        self.h2.send_headers(number, [(":status", "200"), ("server", "test")])
        self.unsent[number] = b""
        self._send(number, b"x" * int(path[1:]) if path[1:].isdigit() else b"ok")

    def _send(self, number: int, data: bytes) -> None:
        data = self.unsent[number] + data
        while data and (room := min(self.h2.local_flow_control_window(number), 16384)) > 0:
            self.h2.send_data(number, data[:room])
            data = data[room:]
        self.unsent[number] = data
        if not data and number not in self.sockets and number not in self.closed:
            del self.unsent[number]
            self.h2.end_stream(number)

    def _said(self, number: int, data: bytes) -> None:
        socket = self.sockets[number]
        socket.receive_data(data)
        for event in socket.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                socket.send_text(event.data)
        self.unsent.setdefault(number, b"")
        self._send(number, b"".join(socket.data_to_send()))
        if socket.close_expected():
            self.h2.end_stream(number)
            del self.sockets[number]
            self.closed.add(number)
