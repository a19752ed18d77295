"""Takes what a target sends on an HTTP/1.x connection, gives the final answer to a request, read by h11."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import anyio
import anyio.abc
import h11

from wsanalyze.replay.model import NO_ANSWER, RESET
from wsanalyze.replay.sending import wording
from wsanalyze.replay.sending.fields import Fields, text
from wsanalyze.replay.sending.opening import GONE

MAX_HEAD: Final = 64 * 2**10
"""Bytes of a head: four times what common routers take."""
MAX_BODY: Final = 64 * 2**20
"""Bytes of a body that are counted, after which the connection is closed."""
_HTTP: Final = b"HTTP/"
_FIRST: Final = 128
"""Bytes that are kept of an answer, to show what it is where it is no HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of a final response."""

    status: int
    fields: Fields


@dataclass(frozen=True, slots=True)
class Failure:
    """There is no answer."""

    outcome: str
    error: str
    quiet: bool = False
    """Whether the connection ended without a byte: it may have been closed before the request arrived."""


class Answering:
    """The answer to one request."""

    def __init__(self, stream: anyio.abc.ByteStream, method: str) -> None:
        self.stream = stream
        self.counted = 0
        """Bytes of the body, so far."""
        self._first = b""
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        # What was sent may be as odd as it was captured: for how the answer is to be read only this of it matters
        # (RFC 9112 6.3), and that any 101 is let through.
        neutral = method if method in {"HEAD", "CONNECT"} else "GET"
        headers = [("Host", "target"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
        self._connection.send(h11.Request(method=neutral, target="/", headers=headers))
        self._connection.send(h11.EndOfMessage())

    async def head(self) -> Answer | Failure:
        """The final head; those of 1xx other than 101 are passed over."""
        while True:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                return self._odd(str(error))
            if isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == 101
            ):
                return Answer(event.status_code, text(event.headers.raw_items()))
            if event is h11.NEED_DATA and (failure := await self._more()) is not None:
                return failure

    async def body(self) -> str | None:
        """Read the body to its end; gives what is wrong with it, if anything is."""
        while self.counted <= MAX_BODY:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                return f"the body of the answer is not complete: {wording.one_line(str(error))}"
            if isinstance(event, h11.Data):
                self.counted += len(event.data)
            elif event is not h11.NEED_DATA:
                return None
            elif (failure := await self._more()) is not None:
                return f"the body of the answer is not complete: {failure.error}"
        return f"the body of the answer has more than {MAX_BODY >> 20} MiB: no more was read"

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on the connection (RFC 9112 9.3)."""
        states = self._connection.our_state, self._connection.their_state
        return states == (h11.DONE, h11.DONE) and self._connection.trailing_data == (b"", False)

    @property
    def rest(self) -> bytes:
        """What followed a 101."""
        return self._connection.trailing_data[0]

    async def _more(self) -> Failure | None:
        try:
            data = await self.stream.receive()
        except anyio.EndOfStream:
            data = b""
        except GONE as error:
            return Failure(RESET, wording.broken_off(error), quiet=not self._first)
        self._first += data[: _FIRST - len(self._first)]
        self._connection.receive_data(data)
        if not self._first.startswith(_HTTP) and not _HTTP.startswith(self._first):
            # h11 would wait for the end of the head, which may never come.
            return Failure(NO_ANSWER, wording.not_http(self._first, "it does not begin with HTTP/"))
        return None

    def _odd(self, why: str) -> Failure:
        if self._connection.trailing_data[1]:
            how = "in the middle of its answer" if self._first else "without an answer"
            return Failure(RESET, f"the target closed the connection {how}", quiet=not self._first)
        return Failure(NO_ANSWER, wording.not_http(self._first, why))
