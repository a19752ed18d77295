"""Takes a connection that speaks HTTP/2, gives its streams, and the bytes of each as if they were a connection's (RFC 8441)."""

from __future__ import annotations

import asyncio
import contextlib

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from captures.lab.stream import Headers, Stream

PREFACE = b"PRI * HTTP/2.0\r\n"
"""How a client begins (RFC 9113 3.4)."""
_STREAMS = 100


class Multiplexed:
    """One end of an HTTP/2 connection."""

    def __init__(self, stream: Stream, *, client: bool, knows_connect: bool = False) -> None:
        """`knows_connect`: a server says in its settings that it takes extended CONNECT (RFC 8441 3)."""
        self.stream = stream
        self.connection = h2.connection.H2Connection(
            # What arrives is to be told, however odd it is.
            h2.config.H2Configuration(client_side=client, header_encoding="utf-8", validate_inbound_headers=client)
        )
        if not client:
            self.connection.local_settings = h2.settings.Settings(
                client=False,
                initial_values={
                    h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: _STREAMS,
                    **({h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1} if knows_connect else {}),
                },
            )
        self.streams: dict[int, Exchange] = {}
        self.ended = asyncio.Event()
        self.goaway: str | None = None
        """Name of the error with which the other end took its leave."""
        self.room = asyncio.Event()
        """There may be room for more DATA."""

    async def flush(self) -> None:
        """Send what the connection has to say; where nobody listens any more, its streams end."""
        if data := self.connection.data_to_send():
            try:
                await self.stream.send(data)
            except OSError:
                self._over()

    async def read(self) -> None:
        """Take what the other end says, until it ends."""
        try:
            while data := await self.stream.some():
                for event in self.connection.receive_data(data):
                    self._take(event)
                await self.flush()
        except (OSError, h2.exceptions.ProtocolError):
            # What the load balancer breaks off, or breaks, is its own affair.
            pass
        finally:
            self._over()

    def _over(self) -> None:
        self.ended.set()
        for exchange in self.streams.values():
            exchange.over()

    def requested(self, exchange: Exchange, headers: Headers) -> None:
        """A server's stream has begun."""

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            assert event.stream_id
            exchange = self.streams[event.stream_id] = Exchange(self, event.stream_id)
            self.requested(exchange, _text(event.headers))
            return
        number = getattr(event, "stream_id", None)
        known = self.streams.get(number) if number else None
        if isinstance(event, h2.events.ConnectionTerminated):
            self.ended.set()
            self.goaway = _name_of(event.error_code)
        elif isinstance(event, h2.events.WindowUpdated):
            self.room.set()
        if known is None:
            return
        if isinstance(event, h2.events.ResponseReceived) and not known.answer.done():
            known.answer.set_result(_text(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            known.reader.feed_data(event.data)
        elif isinstance(event, h2.events.StreamReset):
            known.reset_with = _name_of(event.error_code)
            known.over()
        elif isinstance(event, h2.events.StreamEnded):
            known.over()


class Exchange:
    """One stream: what it was answered, and its bytes as the WebSocket's connection."""

    def __init__(self, owner: Multiplexed, number: int) -> None:
        self.owner, self.number = owner, number
        self.answer: asyncio.Future[Headers] = asyncio.get_running_loop().create_future()
        self.reader = asyncio.StreamReader()
        self.closed = False
        self.reset_with: str | None = None
        """Name of the error with which the other end reset it (RFC 9113 7)."""
        self.reset_as: str | None = None
        """Name of the error with which this end reset it."""

    def over(self) -> None:
        """Nothing more will come."""
        if not self.closed:
            self.closed = True
            self.owner.room.set()
            self.reader.feed_eof()
        if not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the stream was reset"))
            # A visit that ends meanwhile never asks for it.
            self.answer.exception()

    def tunnel(self) -> Tunnel:
        """The WebSocket's bytes, as if they were a connection's."""
        return Tunnel(self)


class Tunnel(Stream):
    """The DATA frames of one stream."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange.reader, exchange.owner.stream.writer)
        self.exchange = exchange

    async def send(self, data: bytes, piece: int = 0) -> None:
        """Send as DATA, as much at a time as the other end has room for (RFC 9113 5.2)."""
        del piece
        owner, number = self.exchange.owner, self.exchange.number
        while data:
            if self.exchange.closed:
                raise ConnectionResetError("the stream is closed")
            room = min(owner.connection.local_flow_control_window(number), owner.connection.max_outbound_frame_size)
            if room <= 0:
                owner.room.clear()
                await owner.room.wait()
                continue
            owner.connection.send_data(number, data[:room])
            data = data[room:]
            await owner.flush()

    async def end(self) -> None:
        """END_STREAM, which is the FIN of a stream (RFC 8441 4)."""
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            self.exchange.owner.connection.end_stream(self.exchange.number)
            await self.exchange.owner.flush()

    def reset(self, error: h2.errors.ErrorCodes = h2.errors.ErrorCodes.CANCEL) -> None:
        """RST_STREAM."""
        owner = self.exchange.owner
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self.exchange.reset_as = error.name
            owner.connection.reset_stream(self.exchange.number, error)
            owner.stream.writer.write(owner.connection.data_to_send())


def _text(headers: object) -> Headers:
    assert isinstance(headers, list)
    return tuple((str(name), str(value)) for name, value in headers)


def _name_of(code: object) -> str:
    return code.name if isinstance(code, h2.errors.ErrorCodes) else str(code)
