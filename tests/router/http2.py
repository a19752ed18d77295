"""A client that speaks HTTP/2 to the router, by the h2 library."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.settings

Headers = list[tuple[str, str]]


@dataclass
class Answer:
    """What came on a stream."""

    headers: Headers = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(dict(self.headers)[":status"])


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.http.initiate_connection()
        self.answers: dict[int, Answer] = {}
        self.over = False
        self.goaway: int | None = None

    @classmethod
    async def connect(cls, host: str, port: int, context: ssl.SSLContext | None = None) -> Client:
        client = cls(*await asyncio.open_connection(host, port, ssl=context))
        await client.flush()
        await client.until(lambda: client.http.remote_settings.max_concurrent_streams < 2**31)
        return client

    async def flush(self) -> None:
        self.writer.write(self.http.data_to_send())
        await self.writer.drain()

    async def ask(self, *headers: tuple[str, str], end: bool = True) -> Answer:
        """Begin a stream."""
        number = self.http.get_next_available_stream_id()
        self.answers[number] = Answer()
        self.http.send_headers(number, list(headers), end_stream=end)
        await self.flush()
        return self.answers[number]

    async def get(self, path: str, method: str = "GET") -> Answer:
        return await self.ask((":method", method), (":scheme", "http"), (":authority", "app.test"), (":path", path))

    async def connect_websocket(self, path: str, *more: tuple[str, str]) -> Answer:
        """An extended CONNECT (RFC 8441 5.1)."""
        return await self.ask(
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "app.test"),
            ("sec-websocket-version", "13"),
            *more,
            end=False,
        )

    def number(self, answer: Answer) -> int:
        return next(number for number, one in self.answers.items() if one is answer)

    async def say(self, answer: Answer, data: bytes, *, end: bool = False) -> None:
        """DATA on a stream, as much as there is room for at a time."""
        number = self.number(answer)
        while len(data) > (room := min(self.http.local_flow_control_window(number), 16384)):
            self.http.send_data(number, data[:room])
            data = data[room:]
            await self.flush()
            async with asyncio.timeout(10):
                while self.http.local_flow_control_window(number) < 1:
                    await self.read()
        self.http.send_data(number, data, end_stream=end)
        await self.flush()

    async def until(self, true: object) -> None:
        """Read until it is so."""
        assert callable(true)
        async with asyncio.timeout(10):
            while not true() and not self.over:
                await self.read()
        assert true()

    async def read(self) -> None:
        data = await self.reader.read(65536)
        self.over = not data
        for event in self.http.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.answers[event.stream_id].headers = [(str(name), str(value)) for name, value in event.headers]
            elif isinstance(event, h2.events.DataReceived):
                self.answers[event.stream_id].data += event.data
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.answers[event.stream_id].ended = True
            elif isinstance(event, h2.events.StreamReset):
                self.answers[event.stream_id].reset = int(event.error_code or 0)
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = int(event.error_code or 0)
        await self.flush()

    def close(self) -> None:
        self.writer.transport.abort()
