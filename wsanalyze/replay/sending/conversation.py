"""Takes a WebSocket that was opened, holds the captured client's part of the conversation on it, gives what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

import anyio
import anyio.abc
from websockets.exceptions import PayloadTooBig
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

from wsanalyze.replay.model import Replayed, Request, Step
from wsanalyze.replay.sending import wording
from wsanalyze.replay.sending.extensions import NotNegotiatedError, agreed
from wsanalyze.replay.sending.fields import asked, joined
from wsanalyze.replay.sending.frames import Frames, UnsendableError, closing, is_close, is_data
from wsanalyze.replay.sending.opening import GONE
from wsanalyze.replay.sending.settings import Settings

MAX_MESSAGE: Final = 16 * 2**20
"""Bytes of a message: more than any log line or envelope has."""
MAX_TOGETHER: Final = 160 * 2**20
"""Bytes of messages that are not whole yet, of all connections that may be open at once."""
MIN_MESSAGE: Final = 2**20
"""Bytes that each may have, however many connections there are."""
MAX_RECEIVED: Final = 256 * 2**20
"""Bytes of all that a target says on one WebSocket, after which it is not listened to any more."""
_CHUNK: Final = 8192
"""Bytes that are heard at once: all other connections wait while the frames in them, which may be empty, are looked at."""
_LINGER: Final = 1.0
"""Seconds that a target has to end the connection after the close handshake (RFC 6455 7.1.1)."""
_LATE: Final = 10
"""How many timeouts the server's last messages are waited for at most, however they drip."""
_LOGGER: Final = logging.getLogger("wsanalyze.replay")
_LOGGER.addHandler(logging.NullHandler())
_LOGGER.propagate = False


class Conversation:
    """One WebSocket, as its client."""

    def __init__(
        self,
        stream: anyio.abc.ByteStream,
        request: Request,
        replayed: Replayed,
        settings: Settings,
        deflate: PerMessageDeflate | None,
    ) -> None:
        self._stream, self._request, self._replayed, self._settings = stream, request, replayed, settings
        self._limit = min(MAX_MESSAGE, max(MIN_MESSAGE, MAX_TOGETHER // settings.concurrency))
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=self._limit, logger=_LOGGER)
        self._protocol.extensions = [deflate] if deflate is not None else []
        self._frames = Frames(deflate)
        self._sending = anyio.Lock()
        self._changed = anyio.Event()
        self._text = False
        self._bytes = 0
        self._left = False
        """Whether the target is gone, or no longer heard."""
        self._by: str | None = None
        """Who sent the first Close frame."""

    async def hold(self, begun: bytes) -> None:
        """Hold the conversation; `begun` is what the server has said already."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._hear, begun)
                await self._speak()
                await self._listen()
                await self._close()
                tasks.cancel_scope.cancel()
        finally:
            self._tell()

    @property
    def _stopped(self) -> bool:
        """Whether nothing more can be said: the target closed, left, or is not understood."""
        return self._left or self._protocol.close_rcvd is not None or self._protocol.parser_exc is not None

    async def _hear(self, data: bytes) -> None:
        try:
            while self._bytes <= MAX_RECEIVED:
                if data:
                    self._take(data)
                    await self._flush()
                data = await self._stream.receive(_CHUNK)
            self._replayed.error = f"the target sent more than {MAX_RECEIVED >> 20} MiB"
        except anyio.EndOfStream:
            self._protocol.receive_eof()
        except GONE:
            if self._protocol.close_rcvd is None:
                self._replayed.notes.append("The target broke the connection off.")
        self._left = True
        self._notify()

    def _take(self, data: bytes) -> None:
        self._bytes += len(data)
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if not isinstance(event, Frame):
                continue
            if event.opcode in {Opcode.TEXT, Opcode.BINARY}:
                self._text = event.opcode is Opcode.TEXT
            if event.fin and event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                self._replayed.received += 1
                self._replayed.received_text += self._text
                self._replayed.received_binary += not self._text
        if self._by is None and self._protocol.close_rcvd is not None:
            self._by = "server"
        self._notify()

    def _sent_close(self) -> None:
        """See whether the client's Close frame, which is sent now, was the first."""
        if self._by is None and self._protocol.close_sent is not None:
            self._by = "client"

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so; False where it is not after some seconds."""
        with anyio.move_on_after(seconds):
            while not condition():
                await self._changed.wait()
        return condition()

    async def _flush(self) -> None:
        """Send what the protocol answers by itself. Its wish to half-close is granted by closing, soon after."""
        async with self._sending:
            if data := b"".join(self._protocol.data_to_send()):
                await self._stream.send(data)
                self._sent_close()

    async def _speak(self) -> None:
        waits = self._settings.gate == "messages"
        before = 0.0
        for number, step in enumerate(self._request.steps):
            if self._settings.gate == "time":
                await self._until(lambda: self._stopped, self._settings.pause(step.at - before))
                before = step.at
            else:
                waits = waits and await self._follow(step)
                await self._until(lambda: self._stopped, self._settings.pause(step.pause))
            if self._stopped or not await self._say(step):
                self._unsaid(self._request.steps[number:])
                return
            if is_close(step):
                self._unsaid(self._request.steps[number + 1 :])
                return

    async def _follow(self, step: Step) -> bool:
        """Wait for the server's messages that a frame follows; False where they do not come."""
        there = await self._until(
            lambda: self._stopped or self._replayed.received >= step.follows, self._settings.timeout
        )
        if not there:
            self._replayed.notes.append(
                f"Message {self._replayed.received + 1} of the target did not come within "
                f"{wording.seconds(self._settings.timeout)}: the rest was sent without waiting for messages."
            )
        return there

    async def _say(self, step: Step) -> bool:
        """Send a frame; False where that cannot be done any more."""
        try:
            data = self._frames.masked(step)
        except UnsendableError as error:
            note = f"What the client sent is not valid and was left out: {error}."
            if note not in self._replayed.notes:
                self._replayed.notes.append(note)
            return True
        if is_close(step):
            self._protocol.close_sent, self._protocol.state = closing(step.payload), State.CLOSING
        if not await self._send(data):
            return False
        self._replayed.sent += step.fin and is_data(step)
        return True

    async def _send(self, data: bytes) -> bool:
        try:
            with anyio.move_on_after(self._settings.timeout):
                async with self._sending:
                    await self._stream.send(data)
                    self._sent_close()
                return True
            within = wording.seconds(self._settings.timeout)
            self._replayed.error = f"the target did not take a frame of {len(data)} bytes within {within}"
        except GONE:
            # What it said before it left is still to be heard.
            await self._until(lambda: self._left, _LINGER)
        self._left = True
        return False

    def _unsaid(self, steps: tuple[Step, ...]) -> None:
        if count := sum(is_data(step) and step.fin for step in steps):
            whose = "client" if self._by == "client" else "target"
            self._replayed.notes.append(
                f"{count} message{'s' if count > 1 else ''} of the client "
                f"{'were' if count > 1 else 'was'} not sent: the {whose} had closed."
            )

    async def _listen(self) -> None:
        """Wait for what the server said after the client's last frame."""
        if self._protocol.state is not State.OPEN:
            return
        replayed, settings = self._replayed, self._settings
        expected = sum(
            not frame.by_client and frame.fin and frame.opcode in {Opcode.CONT, Opcode.TEXT, Opcode.BINARY}
            for frame in self._request.captured.frames
        )

        def complete() -> bool:
            return self._stopped or replayed.received >= expected

        if await self._until(complete, settings.timeout):
            return
        with anyio.move_on_after(settings.timeout * (_LATE - 1)):
            while await self._until(partial(self._beyond, replayed.received), settings.max_gap) and not complete():
                pass
        if not complete():
            replayed.notes.append(f"The target sent {replayed.received} of the {expected} messages of the capture.")

    def _beyond(self, received: int) -> bool:
        return self._stopped or self._replayed.received > received

    async def _close(self) -> None:
        await self._until(lambda: self._stopped, self._settings.pause(self._request.lingers))
        if not self._stopped and self._protocol.state is State.OPEN:
            if self._request.closes:
                self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
                if not await self._send(b"".join(self._protocol.data_to_send())):
                    return
            elif not any(
                not frame.by_client and frame.opcode == Opcode.CLOSE for frame in self._request.captured.frames
            ):
                return
        timeout = self._settings.timeout
        if not await self._until(lambda: self._stopped, timeout):
            did = "answer the Close frame" if self._by else "close, as the captured server did,"
            self._replayed.notes.append(f"The target did not {did} within {wording.seconds(timeout)}.")
            return
        await self._until(lambda: self._left, min(_LINGER, timeout))

    def _tell(self) -> None:
        replayed, protocol = self._replayed, self._protocol
        close = {"server": protocol.close_rcvd, "client": protocol.close_sent}.get(self._by or "")
        replayed.close_code = int(close.code) if close is not None else int(CloseCode.ABNORMAL_CLOSURE)
        replayed.closed_by = self._by or ("server" if self._left and replayed.error is None else "client")
        error = protocol.parser_exc
        if isinstance(error, PayloadTooBig):
            replayed.error = f"a message of the target is larger than {self._limit >> 20} MiB"
        elif error is not None and not isinstance(error, EOFError):
            replayed.error = f"what the target sent is no valid WebSocket: {wording.one_line(str(error))}"


async def converse(
    stream: anyio.abc.ByteStream, request: Request, replayed: Replayed, settings: Settings, begun: bytes = b""
) -> None:
    """Go on with a WebSocket that was accepted; `begun` is what came of it with the answer."""
    try:
        deflate = agreed(joined(asked(request), "sec-websocket-extensions"), replayed.extensions)
    except NotNegotiatedError as error:
        replayed.error = str(error)
        replayed.close_code, replayed.closed_by = int(CloseCode.ABNORMAL_CLOSURE), "client"
        return
    await Conversation(stream, request, replayed, settings, deflate).hold(begun)
