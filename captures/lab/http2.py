"""Takes a visit that speaks HTTP/2, asks its steps as streams of one connection; WebSocket by extended CONNECT (RFC 8441)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.settings

from captures.lab.asked import Asked
from captures.lab.conversation import Conversation
from captures.lab.plan import Handshake, Pause, Request, Visit
from captures.lab.stream import Stream

if TYPE_CHECKING:
    from captures.lab.client import Client

_HOP_BY_HOP = {"host", "upgrade", "connection", "content-length"}


class Http2Visit:
    """One HTTP/2 connection of the client."""

    def __init__(self, client: Client, visit: Visit, stream: Stream) -> None:
        self.client, self.visit, self.stream = client, visit, stream
        self.connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        )
        self.streams: dict[int, _Exchange] = {}
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Ask everything in turn, each on a stream of its own."""
        self.connection.initiate_connection()
        await self.flush()
        reading = asyncio.create_task(self._read())
        # A server says in its settings whether it knows extended CONNECT (RFC 8441 3).
        await asyncio.sleep(0.2)
        for position, step in enumerate(self.visit.steps):
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif not self.ended.is_set():
                await self._ask(step, position)
        self.connection.close_connection()
        await self.flush()
        reading.cancel()
        await self.stream.end()

    async def flush(self) -> None:
        """Send what the connection has to say."""
        if data := self.connection.data_to_send():
            await self.stream.send(data)

    async def _ask(self, step: Request | Handshake, position: int) -> None:
        asked = self.client.note(step, self.visit, self.stream.own, position)
        asked.version = "2"
        asked.method = "CONNECT" if isinstance(step, Handshake) else step.method
        if isinstance(step, Handshake) and step.key == "random":
            asked.key = None
        headers = [
            (":method", asked.method),
            (":scheme", "https" if self.visit.tls else "http"),
            (":authority", asked.host or ""),
            (":path", asked.path),
        ]
        if isinstance(step, Handshake):
            headers.insert(1, (":protocol", "websocket"))
        dropped = _HOP_BY_HOP | ({"sec-websocket-key"} if asked.key is None else set())
        headers += [(name.lower(), value) for name, value in asked.sent if name.lower() not in dropped]
        asked.sent = tuple(headers)
        number = self.connection.get_next_available_stream_id()
        exchange = self.streams[number] = _Exchange(self, number)
        self.connection.send_headers(number, headers, end_stream=isinstance(step, Request))
        await self.flush()
        try:
            answer = await asyncio.wait_for(exchange.answer, step.patience)
        except TimeoutError:
            asked.unanswered = True
            return
        except ConnectionError:
            asked.connection_ended = "reset"
            return
        self._answered(asked, answer)
        if isinstance(step, Handshake) and asked.status is not None and 200 <= asked.status < 300:
            await Conversation(exchange.stream(), asked).hold(step.talk)

    @staticmethod
    def _answered(asked: Asked, answer: list[tuple[str, str]]) -> None:
        asked.answered = time.time()
        asked.received = tuple(answer)
        asked.status = next((int(value) for name, value in answer if name == ":status"), None)

    async def _read(self) -> None:
        try:
            while data := await self.stream.some():
                for event in self.connection.receive_data(data):
                    self._take(event)
                await self.flush()
        except OSError:
            pass
        finally:
            self.ended.set()
            for exchange in self.streams.values():
                exchange.over()

    def _take(self, event: h2.events.Event) -> None:
        number = getattr(event, "stream_id", None)
        exchange = self.streams.get(number) if number else None
        if isinstance(event, h2.events.ConnectionTerminated):
            self.ended.set()
        if exchange is None:
            return
        if isinstance(event, h2.events.ResponseReceived) and not exchange.answer.done():
            exchange.answer.set_result([(str(name), str(value)) for name, value in event.headers])
        elif isinstance(event, h2.events.DataReceived):
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            exchange.reader.feed_data(event.data)
        elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
            exchange.over()


class _Exchange:
    """One stream: what it was answered, and its bytes as the WebSocket's connection."""

    def __init__(self, visit: Http2Visit, number: int) -> None:
        self.visit, self.number = visit, number
        self.answer: asyncio.Future[list[tuple[str, str]]] = asyncio.get_running_loop().create_future()
        self.reader = asyncio.StreamReader()
        self.closed = False

    def over(self) -> None:
        """Nothing more will come."""
        if not self.closed:
            self.closed = True
            self.reader.feed_eof()
        if not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the stream was reset"))
            # A visit that ends meanwhile never asks for it.
            self.answer.exception()

    def stream(self) -> Stream:
        """The WebSocket's bytes, as if they were a connection's."""
        return _Tunnel(self)


class _Tunnel(Stream):
    """The DATA frames of one stream."""

    def __init__(self, exchange: _Exchange) -> None:
        super().__init__(exchange.reader, exchange.visit.stream.writer)
        self.exchange = exchange

    async def send(self, data: bytes, piece: int = 0) -> None:
        """Send as DATA; what is planned stays below the window."""
        del piece
        if self.exchange.closed:
            raise ConnectionResetError("the stream is closed")
        self.exchange.visit.connection.send_data(self.exchange.number, data)
        await self.exchange.visit.flush()

    def reset(self) -> None:
        """RST_STREAM."""
        self.exchange.visit.connection.reset_stream(self.exchange.number)
