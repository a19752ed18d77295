"""Takes a connection that speaks HTTP/2, gives its streams."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import anyio
import anyio.abc
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, RemoteSettingsChanged
from h2.exceptions import H2Error
from h2.settings import SettingCodes
from h2.settings import Settings as H2Settings

from wsanalyze.replay.sending import wording
from wsanalyze.replay.sending.opening import GONE
from wsanalyze.replay.sending.stream import Stream, name_of

_FIRST: Final = 128
"""Bytes that are kept of what a target says first, to show what it is where it is no HTTP/2."""
_SETTINGS: Final = {b"", b"\x04"}
"""The type of the first frame, where it is there: h2 would wait for all of a frame of any other (RFC 9113 3.4)."""


class Streams:
    """The client's end of an HTTP/2 connection."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream
        # Fields go out as they were captured, however odd.
        self._h2 = H2Connection(
            H2Configuration(client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self._h2.local_settings = H2Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.MAX_HEADER_LIST_SIZE: H2Connection.DEFAULT_MAX_HEADER_LIST_SIZE,
            },
        )
        self._streams: dict[int, Stream] = {}
        self._unsent: deque[bytes] = deque()
        self._said = self._sent = 0
        """How many bytes were to be sent so far, and how many were."""
        self._changed = anyio.Event()
        self._first = b""
        self.settled = False
        """Whether the target has told its settings (RFC 9113 3.4)."""
        self._gone: str | None = None
        """Why the connection is over."""
        self._leaving: str | None = None
        """Why the target takes no further streams, while it answers those that it has (RFC 9113 6.8)."""

    @property
    def knows_connect(self) -> bool:
        """Whether the target takes extended CONNECT (RFC 8441 3)."""
        return bool(self._h2.remote_settings.enable_connect_protocol)

    @property
    def full(self) -> bool:
        """Whether the target allows no further stream for now (RFC 9113 5.1.2)."""
        return self._h2.open_outbound_streams >= self._h2.remote_settings.max_concurrent_streams

    def over(self) -> str | None:
        """Why no further stream can be opened, in one line; None where one can."""
        return self._gone or self._leaving

    async def begin(self) -> None:
        """Send the preface, and wait for the target's settings."""
        self._h2.initiate_connection()
        await self.flush()
        await self.until(lambda: self.settled or self._gone is not None)

    async def write(self) -> None:
        """Send what is to be said, until the end; alone, since a stream that is given up must not take bytes along."""
        with suppress(*GONE):
            while True:
                await self.until(lambda: bool(self._unsent))
                data = self._unsent.popleft()
                await self._stream.send(data)
                self._sent += len(data)
                self._notify()

    async def read(self) -> None:
        """Take what the target says, until it ends."""
        try:
            while True:
                data = await self._stream.receive()
                self._first += data[: _FIRST - len(self._first)]
                if self._first[3:4] not in _SETTINGS:
                    self._break_off(
                        f"the target does not speak HTTP/2 (--http 1.1 translates): {wording.escaped(self._first)}"
                    )
                    return
                for event in self._h2.receive_data(data):
                    self._take(event)
                self._notify()
                await self.flush()
        except anyio.EndOfStream:
            self._break_off(
                "the target closed the connection"
                + ("" if self.settled else " before it spoke HTTP/2 (--http 1.1 translates)")
            )
        except GONE as error:
            self._break_off(wording.broken_off(error))
        except H2Error as error:
            self._break_off(f"the target broke the rules of HTTP/2: {wording.one_line(str(error))}")

    async def open(self, fields: tuple[tuple[bytes, bytes], ...], *, ends: bool) -> Stream:
        """A stream with its HEADERS sent; raises H2Error where that is not possible."""
        if (why := self.over()) is not None:
            raise H2Error(why)
        number = self._h2.get_next_available_stream_id()
        self._h2.send_headers(number, list(fields), end_stream=ends)
        stream = self._streams[number] = Stream(self, number)
        await self.flush()
        return stream

    def forget(self, stream: Stream) -> None:
        """Nobody speaks on a stream any more: END_STREAM where the target has said its own, else RST_STREAM."""
        if self._streams.pop(stream.number, None) is None:
            return
        stream.drop()
        if stream.ended:
            self.say(lambda h2: h2.end_stream(stream.number))
        else:
            self.say(lambda h2: h2.reset_stream(stream.number, ErrorCodes.CANCEL))
        self._notify()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; the target's words and the end of the connection may make it so."""
        while not condition():
            await self._changed.wait()

    def room(self, number: int) -> int:
        """How many bytes a DATA frame may have now (RFC 9113 5.2)."""
        try:
            return min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
        except H2Error:
            return 0

    def say(self, what: Callable[[H2Connection], Any]) -> None:
        """Say something that no longer matters where the connection or the stream is over."""
        with suppress(H2Error):
            what(self._h2)

    async def flush(self) -> None:
        """Have sent what is to be said, and wait until it was taken."""
        if data := self._h2.data_to_send():
            self._said += len(data)
            self._unsent.append(data)
            self._notify()
        said = self._said
        await self.until(lambda: self._sent >= said or self._gone is not None)

    async def leave(self) -> None:
        """GOAWAY."""
        if self._gone is None:
            self.say(lambda h2: h2.close_connection())
            await self.flush()

    def _take(self, event: Event) -> None:
        if isinstance(event, RemoteSettingsChanged):
            self.settled = True
        elif isinstance(event, ConnectionTerminated):
            self._goaway(event)
        elif isinstance(event, DataReceived) and event.stream_id not in self._streams:
            self.say(lambda h2: h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id))
        else:
            stream = self._streams.get(getattr(event, "stream_id", None) or 0)
            if stream is not None:
                stream.take(event)

    def _goaway(self, event: ConnectionTerminated) -> None:
        why = f"the target ended the connection (GOAWAY, {name_of(event.error_code)})"
        if event.error_code != ErrorCodes.NO_ERROR:
            self._break_off(why)
            return
        # h2 takes the connection for closed from here on, and would not hear the answers that are still to come.
        self._h2.state_machine.state = ConnectionState.CLIENT_OPEN
        self._leaving = why
        for number, stream in self._streams.items():
            if number > (event.last_stream_id or 0):
                stream.unprocessed = True
                stream.break_off(why)

    def _break_off(self, why: str) -> None:
        self._gone = self._gone or self._leaving or why
        for stream in self._streams.values():
            stream.break_off(self._gone)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
