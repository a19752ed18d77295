"""Takes a connection that opens with HTTP/2's preface, answers its streams as the router answers requests."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import h2.errors
import h2.exceptions

from captures.lab.answers import Asking, answer, negotiated, request_id
from captures.lab.http2 import Exchange, Multiplexed
from captures.lab.seen import Seen
from captures.lab.stream import Head, Headers, Stream, value
from captures.lab.talks import Talking, talk

if TYPE_CHECKING:
    from captures.lab.router import Router

_HOP_BY_HOP = {"Upgrade", "Connection"}
"""What HTTP/2 has no place for (RFC 9113 8.2.2)."""


class Http2Service(Multiplexed):
    """One HTTP/2 connection of the router."""

    def __init__(self, router: Router, stream: Stream, number: int, proxy: str | None) -> None:
        super().__init__(stream, client=False, knows_connect=router.connect != "unknown")
        self.router, self.number, self.proxy = router, number, proxy
        self.serving: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Answer until the other end leaves."""
        self.connection.initiate_connection()
        await self.flush()
        try:
            await self.read()
        finally:
            for task in self.serving:
                task.cancel()
            await asyncio.gather(*self.serving, return_exceptions=True)

    def requested(self, exchange: Exchange, headers: Headers) -> None:
        """Log a request, and begin to answer it."""
        target = value(headers, ":path") or ""
        seen = Seen(
            peer=self.stream.peer,
            router=self.stream.own,
            connection=self.number,
            position=len(self.streams) - 1,
            version="2",
            method=value(headers, ":method") or "",
            target=target,
            headers=headers,
            proxy=self.proxy,
            seen=time.time(),
            stream=exchange.number,
        )
        tries = sum(other.target == target for other in self.router.log)
        self.router.log.append(seen)
        task = asyncio.create_task(self._serve(exchange, seen, tries))
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)

    async def _serve(self, exchange: Exchange, seen: Seen, tries: int) -> None:
        try:
            await self._request(exchange, seen, tries)
        except (EOFError, OSError, ValueError, h2.exceptions.ProtocolError):
            exchange.tunnel().reset(h2.errors.ErrorCodes.INTERNAL_ERROR)

    async def _request(self, exchange: Exchange, seen: Seen, tries: int) -> None:
        tunnel = exchange.tunnel()
        head = Head((seen.method, seen.target, "2"), seen.headers)
        if not head.extended_connect:
            while await tunnel.some():
                pass
        elif self.router.connect != "taken":
            # Go's HTTP/2 server, which is Gorouter's, does not know `:protocol`.
            tunnel.reset(h2.errors.ErrorCodes.PROTOCOL_ERROR)
            seen.reset = exchange.reset_as
            return
        words = seen.target.partition("?")[0].split("/")
        status, headers, body = await answer(Asking(head, tunnel, words, tries))
        if status == 101:
            await self._switch(exchange, seen, head, words)
        elif status:
            headers = (*headers, ("content-length", str(len(body))))
            await self._answer(exchange, seen, status, headers, body if seen.method != "HEAD" else b"")
        else:
            seen.reset = exchange.reset_as

    async def _answer(self, exchange: Exchange, seen: Seen, status: int, headers: Headers, body: bytes) -> None:
        self._begin(exchange, seen, status, headers)
        self.connection.send_data(exchange.number, body, end_stream=True)
        await self.flush()

    def _begin(self, exchange: Exchange, seen: Seen, status: int, headers: Headers) -> None:
        answered = (
            (":status", str(status)),
            *((name.lower(), text) for name, text in headers if name not in _HOP_BY_HOP),
            ("x-vcap-request-id", request_id(seen)),
        )
        seen.status, seen.answer, seen.answered = status, answered, time.time()
        self.connection.send_headers(exchange.number, answered)

    async def _switch(self, exchange: Exchange, seen: Seen, head: Head, words: list[str]) -> None:
        """2xx to an extended CONNECT: the stream is the WebSocket's from now on (RFC 8441 5)."""
        agreed, compressed = negotiated(head)
        self._begin(exchange, seen, 200, agreed)
        await self.flush()
        tunnel = exchange.tunnel()
        try:
            await talk(Talking(tunnel, seen, words, compressed))
        except (EOFError, OSError, h2.exceptions.ProtocolError):
            seen.left_by = seen.left_by or ("peer" if seen.close_code is None else None)
        seen.ended = time.time()
        await tunnel.end()
