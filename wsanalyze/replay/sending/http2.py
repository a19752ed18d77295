"""Takes a planned connection, sends its requests in HTTP/2, each on its stream, gives what came of each."""

from __future__ import annotations

from typing import Final

import anyio
import anyio.abc
from h2.exceptions import H2Error

from wsanalyze.replay.model import ESTABLISHED, NO_ANSWER, RESET, Connection, Replayed, Request
from wsanalyze.replay.sending import wording
from wsanalyze.replay.sending.answer import MAX_BODY
from wsanalyze.replay.sending.conversation import converse
from wsanalyze.replay.sending.handshake import tell
from wsanalyze.replay.sending.opening import GONE, Opener, UnreachableError
from wsanalyze.replay.sending.results import Results
from wsanalyze.replay.sending.stream import Stream
from wsanalyze.replay.sending.streams import Streams

Requests = tuple[Request, ...]
_FAREWELL: Final = 0.5
"""Seconds in which a target may take the last words on a connection."""


class Http2:
    """One planned connection; its requests run side by side, each begun after the one before it was sent."""

    def __init__(self, opener: Opener, planned: Connection, results: Results) -> None:
        self._opener, self._planned, self._results = opener, planned, results
        self._settings = opener.settings
        self._again: list[Request] = []
        """What another connection is needed for, though it was sent, or was to be, on this one."""
        self._tried: set[str] = set()
        """What was put back once, and is not a second time."""

    async def run(self) -> None:
        """Send every request, or say why it was not."""
        requests = self._planned.requests
        while requests:
            requests = await self._connect(requests)

    async def _connect(self, requests: Requests) -> Requests:
        """Send requests on a new connection; gives those for which another one is needed."""
        try:
            stream, protocol = await self._opener.open(self._planned.proxy_header, http2=True)
        except UnreachableError as error:
            return self._fail(requests, str(error))
        try:
            if self._opener.target.scheme == "https" and protocol != "h2":
                agreed_on = protocol or "no protocol"
                return self._fail(
                    requests, f"the target does not speak HTTP/2 (--http 1.1 translates): TLS agreed on {agreed_on}"
                )
            return await self._run(Streams(stream), requests)
        finally:
            await anyio.aclose_forcefully(stream)

    async def _run(self, streams: Streams, requests: Requests) -> Requests:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(streams.read)
            tasks.start_soon(streams.write)
            with anyio.move_on_after(self._settings.timeout):
                await streams.begin()
            if streams.settled:
                requests = await self._requests(streams, requests)
                with anyio.move_on_after(_FAREWELL):
                    await streams.leave()
            else:
                silent = f"the target sent no SETTINGS of HTTP/2 within {wording.seconds(self._settings.timeout)}"
                requests = self._fail(requests, streams.over() or silent)
            tasks.cancel_scope.cancel()
        return requests

    async def _requests(self, streams: Streams, requests: Requests) -> Requests:
        async with anyio.create_task_group() as tasks:
            for position, request in enumerate(requests):
                later = request is not self._planned.requests[0]
                if later:
                    await anyio.sleep(self._settings.pause(request.pause))
                if position and streams.over():
                    self._again.extend(requests[position:])
                    break
                await tasks.start(self._one, streams, request, later and not position)
        again, self._again = tuple(self._again), []
        return again

    def _put_back(self, request: Request, replayed: Replayed) -> bool:
        """Whether a request that the target did not process is sent again on another connection (RFC 9113 8.7)."""
        if request.id in self._tried:
            return False
        self._tried.add(request.id)
        self._again.append(request)
        replayed.outcome = None
        replayed.notes.append("The target did not take this request: it was sent again on another connection.")
        return True

    def _fail(self, requests: Requests, error: str) -> Requests:
        for request in requests:
            with self._results.of(request) as replayed:
                replayed.outcome, replayed.error, replayed.reached = NO_ANSWER, error, False
        return ()

    async def _one(
        self, streams: Streams, request: Request, anew: bool, *, task_status: anyio.abc.TaskStatus[None]
    ) -> None:
        with self._results.of(request) as replayed:
            if anew:
                replayed.notes.append("The connection had ended before this request: another one was opened.")
            stream = await self._ask(streams, request, replayed)
            task_status.started()
            if stream is not None:
                try:
                    await self._hear(stream, request, replayed)
                finally:
                    with anyio.move_on_after(_FAREWELL):
                        await stream.aclose()

    async def _ask(self, streams: Streams, request: Request, replayed: Replayed) -> Stream | None:
        """Send a request; where that cannot be, say why."""
        if not request.fields:
            replayed.error = "not sent: it has no form for HTTP/2"
            return None
        if request.captured.handshake and not streams.knows_connect:
            replayed.outcome, replayed.error = NO_ANSWER, "the target does not allow extended CONNECT"
            return None
        stream: Stream | None = None
        try:
            with anyio.move_on_after(self._settings.timeout):
                await streams.until(lambda: not streams.full or streams.over() is not None)
                stream = await streams.open(request.fields, ends=not request.body and not request.captured.handshake)
                replayed.outcome = NO_ANSWER
                if request.body:
                    await stream.send(request.body)
                    await stream.send_eof()
                return stream
            within = wording.seconds(self._settings.timeout)
            if stream is None:
                replayed.error = f"not sent: the target allowed no further stream within {within}"
            else:
                replayed.error = f"the target did not take the request within {within}"
        except GONE:
            # The answer may have come before the request was taken.
            return stream
        except H2Error as error:
            if streams.over() is None or not self._put_back(request, replayed):
                replayed.error = f"not sent: {streams.over() or wording.one_line(str(error))}"
        if stream is not None:
            streams.forget(stream)
        return None

    async def _hear(self, stream: Stream, request: Request, replayed: Replayed) -> None:
        begun, timeout = anyio.current_time(), self._settings.timeout
        with anyio.move_on_after(timeout):
            await stream.answered()
        if stream.status is None and stream.unprocessed and self._put_back(request, replayed):
            return
        if stream.status is None:
            replayed.outcome = RESET if stream.ended else NO_ANSWER
            ended = stream.broken or "the target ended the stream without an answer"
            replayed.error = ended if stream.ended else f"the target did not answer within {wording.seconds(timeout)}"
            return
        if not (stream.status.isdigit() and len(stream.status) == 3):
            replayed.error = f"the answer has no status that is one: {wording.escaped(stream.status)}"
            return
        replayed.latency = anyio.current_time() - begun
        tell(request, int(stream.status), stream.fields, replayed, http2=True)
        if replayed.outcome == ESTABLISHED:
            await converse(stream, request, replayed, self._settings)
        else:
            await self._body(stream, replayed)

    async def _body(self, stream: Stream, replayed: Replayed) -> None:
        timeout = self._settings.timeout
        with anyio.move_on_after(timeout):
            try:
                while replayed.body_bytes <= MAX_BODY:
                    replayed.body_bytes += len(await stream.receive())
                replayed.notes.append(f"The body of the answer has more than {MAX_BODY >> 20} MiB: no more was read.")
            except anyio.EndOfStream:
                pass
            except GONE:
                replayed.notes.append(f"The body of the answer is not complete: {stream.broken}.")
            return
        replayed.notes.append(f"The body of the answer had not ended after {wording.seconds(timeout)}.")
