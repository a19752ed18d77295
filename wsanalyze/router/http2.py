"""Takes a connection that speaks HTTP/2, answers its requests side by side."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import anyio
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from anyio.abc import TaskGroup

from wsanalyze.router import exchange
from wsanalyze.router.http2_stream import Http2Stream
from wsanalyze.router.request import Peer, Request
from wsanalyze.router.settings import Settings
from wsanalyze.router.stream import Stream

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""How a client begins (RFC 9113 3.4)."""


class Http2:
    """One connection."""

    def __init__(self, stream: Stream, peer: Peer, settings: Settings) -> None:
        self._stream, self._peer, self._settings = stream, peer, settings
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        self.http.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: settings.limits.streams,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: settings.limits.head,
                # RFC 8441 3.
                h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1,
            },
        )
        self.http.decoder.max_header_list_size = settings.limits.head
        self.limits = settings.limits
        self._streams: dict[int, Http2Stream] = {}
        self._requests = 0
        self._said, self._sent = anyio.Event(), anyio.Event()
        """That there is something to send, and that it was sent."""
        self._failure: OSError | None = None

    async def run(self) -> None:
        """Answer until it ends; raises OSError where the other end is gone or too slow."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, tasks.cancel_scope)
            try:
                self.http.initiate_connection()
                await self.flush()
                await self._read(tasks)
            except OSError as error:
                self._failure = error
            tasks.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure

    async def flush(self) -> None:
        """Return when all that the connection has to say is sent."""
        sent = self._sent
        self._said.set()
        await sent.wait()

    async def _write(self, scope: anyio.CancelScope) -> None:
        """Send what is said. A stream that is given up while it flushes must not take others' bytes with it."""
        try:
            while True:
                await self._said.wait()
                sent, self._sent, self._said = self._sent, anyio.Event(), anyio.Event()
                if data := self.http.data_to_send():
                    await self._stream.send(data)
                sent.set()
        except OSError as error:
            self._failure = error
            scope.cancel()

    async def _read(self, tasks: TaskGroup) -> None:
        while self._requests <= self.limits.requests:
            with anyio.fail_after(self.limits.idle):
                data = await self._stream.some()
            if not data:
                return
            try:
                for event in self.http.receive_data(data):
                    self._take(event, tasks)
            except h2.exceptions.ProtocolError as error:
                self._settings.note(f"{self._peer.address}: not HTTP/2: {type(error).__name__}")
                await self.flush()
                return
            await self.flush()
        self.http.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
        await self.flush()

    def _take(self, event: h2.events.Event, tasks: TaskGroup) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._requests += 1
            stream = self._streams[event.stream_id] = Http2Stream(self, event.stream_id)
            tasks.start_soon(self._serve, stream, self._request(event))
        elif isinstance(event, h2.events.DataReceived):
            known = self._streams.get(event.stream_id)
            # Padding is nobody's to read, and what nobody reads any more is done with (RFC 9113 6.9).
            kept = len(event.data) if known else 0
            self.acknowledge(event.stream_id, event.flow_controlled_length - kept)
            if known:
                known.fed(event.data)
        elif isinstance(event, h2.events.StreamEnded):
            if known := self._streams.get(event.stream_id):
                known.ended()
        elif isinstance(event, h2.events.StreamReset):
            if known := self._streams.get(event.stream_id):
                known.reset()
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for one in self._streams.values():
                one.roomier()

    def acknowledge(self, number: int, length: int) -> None:
        """Give room for as much more."""
        # A connection that is over gives none any more.
        with suppress(h2.exceptions.ProtocolError):
            if length:
                self.http.acknowledge_received_data(length, number)

    def _request(self, event: h2.events.RequestReceived) -> Request:
        headers = tuple((_text(name), _text(value)) for name, value in event.headers)
        named = dict(reversed(headers))
        target = named.get(":path") or named.get(":authority", "")
        return Request(self._peer, named[":method"], target, "2", headers)

    async def _serve(self, stream: Http2Stream, request: Request) -> None:
        try:
            with stream.scope:
                stream.connect = request.protocol is not None
                await exchange.serve(request, stream, self._settings)
                await stream.finish()
        except OSError:
            await stream.cut()
        finally:
            del self._streams[stream.number]
            stream.forget()


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
