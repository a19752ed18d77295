"""Takes a planned connection, sends its requests in HTTP/1.x, one after the other, gives what came of each."""

from __future__ import annotations

from typing import Final

import anyio
import anyio.abc

from wsanalyze.replay.model import ESTABLISHED, NO_ANSWER, Connection, Replayed, Request
from wsanalyze.replay.sending import wording
from wsanalyze.replay.sending.answer import Answer, Answering, Failure
from wsanalyze.replay.sending.conversation import converse
from wsanalyze.replay.sending.handshake import tell
from wsanalyze.replay.sending.opening import GONE, Opener, UnreachableError
from wsanalyze.replay.sending.results import Results

_PATIENCE: Final = 3
"""Requests that a target may leave unanswered, one after the other, before the rest of a connection is given up."""
_GLANCE: Final = 0.002
"""Seconds in which a connection that was ended is found to be, where there is no pause before its next request."""
_ENDED: Final = "had ended before this request"
_REPEATABLE: Final = {"GET", "HEAD", "OPTIONS"}
"""Methods whose request is sent again where the connection was closed as it was sent (RFC 9110 9.2.2)."""


class Http1:
    """One planned connection; it is opened again where the target closed it between requests."""

    def __init__(self, opener: Opener, planned: Connection, results: Results) -> None:
        self._opener, self._planned, self._results = opener, planned, results
        self._settings = opener.settings
        self._stream: anyio.abc.ByteStream | None = None
        self._used = False
        """Whether a request was sent already."""
        self._lost = _ENDED

    async def run(self) -> None:
        """Send every request, or say why it was not."""
        unanswered, unreachable = 0, ""
        try:
            for position, request in enumerate(self._planned.requests):
                with self._results.of(request) as replayed:
                    if unreachable:
                        replayed.outcome, replayed.error, replayed.reached = NO_ANSWER, unreachable, False
                        continue
                    if unanswered >= _PATIENCE:
                        replayed.error = f"not sent: the target left {_PATIENCE} requests before it unanswered"
                        continue
                    if position:
                        await self._pause(self._settings.pause(request.pause))
                    try:
                        await self._request(request, replayed)
                    except UnreachableError as error:
                        unreachable = str(error)
                        replayed.outcome, replayed.error, replayed.reached = NO_ANSWER, unreachable, False
                    unanswered = unanswered + 1 if replayed.outcome == NO_ANSWER else 0
        finally:
            await self._leave()

    async def _pause(self, seconds: float) -> None:
        """Wait, and see whether the target ends the connection meanwhile."""
        if self._stream is None:
            await anyio.sleep(seconds)
            return
        begun = anyio.current_time()
        try:
            with anyio.move_on_after(max(seconds, _GLANCE)):
                # Nothing was asked: whatever comes, the connection cannot be used any more.
                data = await self._stream.receive()
                self._lost = f"was given up, as the target sent {len(data)} bytes that nothing had asked for"
                await self._leave()
        except GONE:
            await self._leave()
        await anyio.sleep_until(begun + seconds)

    async def _request(self, request: Request, replayed: Replayed) -> None:
        if not request.head or request.head.startswith(b":"):
            replayed.error = "not sent: it has no form for HTTP/1.1"
            return
        reused = self._stream is not None
        if self._used and not reused:
            replayed.notes.append(f"The connection {self._lost}: another one was opened.")
        answering, answer = await self._exchange(request, replayed)
        if isinstance(answer, Failure) and answer.quiet and reused and request.method in _REPEATABLE:
            await self._leave()
            replayed.notes.append("The connection ended as this request was sent: it was sent again on another one.")
            answering, answer = await self._exchange(request, replayed)
        if isinstance(answer, Failure):
            replayed.outcome, replayed.error = answer.outcome, answer.error
            await self._leave()
            return
        tell(request, answer.status, answer.fields, replayed, http2=False)
        if replayed.outcome == ESTABLISHED:
            await self._converse(request, replayed, answering)
        else:
            await self._body(answering, answer, replayed)

    async def _exchange(self, request: Request, replayed: Replayed) -> tuple[Answering, Answer | Failure]:
        """Send a request, and read the head of its answer; the answer may come before all was sent."""
        if self._stream is None:
            self._stream, _ = await self._opener.open(self._planned.proxy_header, http2=False)
            self._lost = _ENDED
        stream, timeout = self._stream, self._settings.timeout
        self._used = True
        answering = Answering(stream, request.method)
        answer: Answer | Failure | None = None
        sent: float | None = None
        answered = 0.0
        replayed.outcome = NO_ANSWER
        with anyio.move_on_after(timeout) as limit:
            async with anyio.create_task_group() as tasks:

                async def out() -> None:
                    nonlocal sent
                    try:
                        await stream.send(request.head + request.body)
                    except GONE:
                        return
                    sent = anyio.current_time()
                    limit.deadline = sent + timeout

                tasks.start_soon(out)
                answer = await answering.head()
                answered = anyio.current_time()
                tasks.cancel_scope.cancel()
        if answer is None:
            what = "the target did not answer" if sent is not None else "the target did not take the request"
            return answering, Failure(NO_ANSWER, f"{what} within {wording.seconds(timeout)}")
        if isinstance(answer, Answer) and sent is not None:
            replayed.latency = max(0.0, answered - sent)
        elif isinstance(answer, Answer):
            replayed.notes.append("The target answered before the whole request was sent.")
        return answering, answer

    async def _body(self, answering: Answering, answer: Answer, replayed: Replayed) -> None:
        timeout = self._settings.timeout
        wrong: str | None = None
        with anyio.move_on_after(timeout) as limit:
            wrong = await answering.body()
        replayed.body_bytes = answering.counted
        if limit.cancelled_caught:
            wrong = f"the body of the answer had not ended after {wording.seconds(timeout)}"
        if wrong is not None:
            replayed.notes.append(f"{wrong[0].upper()}{wrong[1:]}.")
        if answer.status == 101 or replayed.latency is None or not answering.reusable:
            await self._leave()

    async def _converse(self, request: Request, replayed: Replayed, answering: Answering) -> None:
        await converse(answering.stream, request, replayed, self._settings, answering.rest)
        await self._leave()

    async def _leave(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await anyio.aclose_forcefully(stream)
