"""Takes connections as a Gorouter with an app behind it does, answers by the request's path, gives what a router can know.

The path tells the behaviour, so that a plan of traffic can ask for any answer: see `answers` and `talks`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Coroutine
from pathlib import Path

from captures.lab.answers import Asking, accept_of, answer, negotiated, request_id
from captures.lab.network import ROUTERS, Namespace
from captures.lab.plan import TLS_VERSIONS
from captures.lab.proxy_header import source_before, source_in, version_of
from captures.lab.scenario import RouterTls
from captures.lab.seen import Raw, Seen
from captures.lab.stream import Head, Headers, Stream
from captures.lab.talks import Talking, talk

_BARE_400 = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
)
_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ")
_HTTP2 = b"PRI * HTTP/2.0\r\n"


class Router:
    """Listens at the routers' addresses and keeps the log."""

    def __init__(self, namespace: Namespace, *, proxy: str = "any", connect: str = "taken", app: bool = False) -> None:
        """`proxy`: which PROXY headers are understood, `any`, `v1` or `none`; another one gets a bare 400, as Gorouter answers.

        `connect`: what becomes of an extended CONNECT, see `Scenario.router_connect`.
        `app`: it is but the app, and does not answer as if a Gorouter stood before it.
        """
        self.namespace, self.proxy, self.connect, self.app = namespace, proxy, connect, app
        self.log: list[Seen] = []
        self.raw: list[Raw] = []
        self._connections = 0
        self._servers: list[asyncio.Server] = []
        self._serving: set[asyncio.Task[None]] = set()

    async def open(
        self,
        addresses: tuple[str, ...] = ROUTERS,
        *,
        port: int = 80,
        namespace: Namespace | None = None,
        tls: RouterTls | None = None,
        certificate: Path | None = None,
        keylog: Path | None = None,
    ) -> None:
        """Listen on a port, in a further namespace where one is named; with TLS, by a certificate (with its key in one file), on 443."""
        context = _context(tls, certificate, keylog) if tls and certificate else None
        for address in addresses:
            sock = (namespace or self.namespace).listen(address, 443 if context else port)
            if context and tls and tls.after_proxy:
                self._begin(self._accept_after_proxy(sock, context))
            else:
                self._servers.append(await asyncio.start_server(self._accept, sock=sock, ssl=context))

    async def close(self) -> None:
        """Stop listening, and drop what is still open."""
        for server in self._servers:
            server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._begin(self._serve(Stream(reader, writer), None))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _accept_after_proxy(self, listening: socket.socket, context: ssl.SSLContext) -> None:
        with listening:
            while True:
                accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
                self._begin(self._secure(accepted, context))

    async def _secure(self, accepted: socket.socket, context: ssl.SSLContext) -> None:
        """The PROXY header, then TLS, then what the others speak, too."""
        loop = asyncio.get_running_loop()
        try:
            proxy = f"v2 {await source_before(accepted)}"
            reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(reader)
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=context)
        except (EOFError, OSError, ValueError):
            accepted.close()
            return
        await self._serve(Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop)), proxy)

    async def _serve(self, stream: Stream, proxy: str | None) -> None:
        self._connections += 1
        try:
            await self._connection(stream, self._connections, proxy)
        except (EOFError, OSError, ValueError):
            # What the load balancer ended, or what is not HTTP after all, is the load balancer's affair.
            stream.reset()
        else:
            await stream.end()

    async def _connection(self, stream: Stream, number: int, proxy: str | None) -> None:
        first = await stream.peek()
        if version := version_of(first):
            if self.proxy not in {"any", version}:
                await self._misunderstand(stream, number, version)
                return
            proxy = f"{version} {await source_in(stream, version)}"
            first = await stream.peek()
        if first.startswith(_HTTP2):
            # Loaded where it is needed: HTTP/1.1 needs none of it.
            from captures.lab.router_http2 import Http2Service  # noqa: PLC0415

            await Http2Service(self, stream, number, proxy).run()
            return
        if first and not first.startswith(_METHODS):
            self.raw.append(Raw(stream.peer, first[:200], time.time()))
            await _echo_raw(stream)
            return
        position = 0
        while await stream.peek():
            if not await self._request(stream, number, position, proxy):
                return
            position += 1

    async def _misunderstand(self, stream: Stream, number: int, version: str) -> None:
        """A bare 400 to the PROXY header, as Go's server answers what is no request line, and half a second of reading on."""
        answered = time.time()
        await stream.send(_BARE_400)
        with contextlib.suppress(TimeoutError, EOFError, OSError, ValueError):
            async with asyncio.timeout(0.5):
                proxy = f"{version} {await source_in(stream, version)}"
                method, target, spoken = (head := await stream.head()).start
                seen = Seen(
                    stream.peer, stream.own, number, 0, spoken, method, target, head.headers, proxy, time.time()
                )
                seen.status, seen.answered = 400, answered
                self.log.append(seen)
                await stream.some()

    async def _request(self, stream: Stream, number: int, position: int, proxy: str | None) -> bool:
        """One request; whether the connection goes on as HTTP."""
        head = await stream.head()
        method, target, version = head.start
        seen = Seen(
            stream.peer, stream.own, number, position, version, method, target, head.headers, proxy, time.time()
        )
        self.log.append(seen)
        await stream.body(head)
        words = target.partition("?")[0].split("/")
        tries = sum(other.target == target for other in self.log) - 1
        status, headers, body = await answer(Asking(head, stream, words, tries))
        if status == 0:
            return False
        if status == 101:
            return await self._switch(stream, seen, head, words, headers)
        keep = "close" not in head.tokens("connection") and version != "HTTP/1.0"
        headers = (*headers, ("Content-Length", str(len(body))), ("Connection", "keep-alive" if keep else "close"))
        await self._answer(stream, seen, status, headers, body if method != "HEAD" else b"")
        return keep

    async def _answer(self, stream: Stream, seen: Seen, status: int, headers: Headers, body: bytes = b"") -> None:
        if not self.app:
            headers = (*headers, ("X-Vcap-Request-Id", request_id(seen)))
        seen.status, seen.answer, seen.answered = status, headers, time.time()
        lines = [
            f"HTTP/1.1 {status} {_PHRASES.get(status, 'Status')}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        await stream.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)

    async def _switch(self, stream: Stream, seen: Seen, head: Head, words: list[str], headers: Headers) -> bool:
        key = (head.all("sec-websocket-key") or [""])[0]
        given = dict(headers)
        agreed, compressed = negotiated(head)
        answered = (
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", given.get("Sec-WebSocket-Accept", accept_of(key))),
            *agreed,
        )
        await self._answer(stream, seen, 101, answered)
        try:
            await talk(Talking(stream, seen, words, compressed))
        except (EOFError, OSError):
            seen.left_by = seen.left_by or ("peer" if seen.close_code is None else None)
        seen.ended = time.time()
        return False


def _context(tls: RouterTls, certificate: Path, keylog: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if tls.version:
        context.minimum_version = context.maximum_version = TLS_VERSIONS[tls.version]
    if tls.alpn:
        context.set_alpn_protocols(list(tls.alpn))
    if keylog:
        context.keylog_filename = str(keylog)
    return context


async def _echo_raw(stream: Stream) -> None:
    while part := await stream.some():
        await stream.send(part)


_PHRASES = {
    101: "Switching Protocols",
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    426: "Upgrade Required",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
