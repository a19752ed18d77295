"""Takes connections as a Gorouter with an app behind it does, answers by the request's path, gives what a router can know.

The path tells the behaviour, so that a plan of traffic can ask for any answer: see `answers` and `talks`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
import struct
import time
from pathlib import Path

from captures.lab.answers import Asking, accept_of, answer
from captures.lab.network import ROUTERS, Namespace
from captures.lab.seen import Raw, Seen
from captures.lab.stream import Head, Headers, Stream
from captures.lab.talks import Talking, talk

_PROXY2 = b"\r\n\r\n\x00\r\nQUIT\n"
_BARE_400 = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
)
_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ")


class Router:
    """Listens at the routers' addresses and keeps the log."""

    def __init__(self, namespace: Namespace, *, proxy: str = "any") -> None:
        """`proxy`: which PROXY headers are understood, `any`, `v1` or `none`; another one gets a bare 400, as Gorouter answers."""
        self.namespace, self.proxy = namespace, proxy
        self.log: list[Seen] = []
        self.raw: list[Raw] = []
        self._connections = 0
        self._servers: list[asyncio.Server] = []
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self, addresses: tuple[str, ...] = ROUTERS, *, certificate: Path | None = None) -> None:
        """Listen; with a certificate (certificate and key in one file) for TLS on 443."""
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        for address in addresses:
            sock = self.namespace.listen(address, 443 if certificate else 80)
            self._servers.append(await asyncio.start_server(self._accept, sock=sock, ssl=context))

    async def close(self) -> None:
        """Stop listening, and drop what is still open."""
        for server in self._servers:
            server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = Stream(reader, writer)
        self._connections += 1
        try:
            await self._connection(stream, self._connections)
        except (EOFError, OSError, ValueError):
            # What the load balancer ended, or what is not HTTP after all, is the load balancer's affair.
            stream.reset()
        else:
            await stream.end()

    async def _connection(self, stream: Stream, number: int) -> None:
        first = await stream.peek()
        proxy = None
        if first.startswith((b"PROXY ", _PROXY2)):
            version = "v2" if first.startswith(_PROXY2) else "v1"
            if self.proxy not in {"any", version}:
                await self._misunderstand(stream, number, version)
                return
            proxy = f"{version} {await _proxy_source(stream, version)}"
            first = await stream.peek()
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
                proxy = f"{version} {await _proxy_source(stream, version)}"
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
        headers = (
            *headers,
            ("X-Vcap-Request-Id", hashlib.md5(seen.target.encode(), usedforsecurity=False).hexdigest()),
        )
        seen.status, seen.answer, seen.answered = status, headers, time.time()
        lines = [
            f"HTTP/1.1 {status} {_PHRASES.get(status, 'Status')}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        await stream.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)

    async def _switch(self, stream: Stream, seen: Seen, head: Head, words: list[str], headers: Headers) -> bool:
        key = (head.all("sec-websocket-key") or [""])[0]
        given = dict(headers)
        answer: list[tuple[str, str]] = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", given.get("Sec-WebSocket-Accept", accept_of(key))),
        ]
        if offered := head.all("sec-websocket-protocol"):
            answer.append(("Sec-WebSocket-Protocol", offered[0].split(",")[0].strip()))
        compressed = any("permessage-deflate" in value for value in head.all("sec-websocket-extensions"))
        if compressed:
            answer.append(
                (
                    "Sec-WebSocket-Extensions",
                    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
                )
            )
        await self._answer(stream, seen, 101, tuple(answer))
        try:
            await talk(Talking(stream, seen, words, compressed))
        except (EOFError, OSError):
            seen.left_by = seen.left_by or ("peer" if seen.close_code is None else None)
        seen.ended = time.time()
        return False


async def _proxy_source(stream: Stream, version: str) -> str:
    """The client that the PROXY header names (its specification, 2.1 and 2.2)."""
    if version == "v1":
        words = (await stream.until(b"\r\n")).decode("latin-1").split()
        return f"{words[2]}:{words[4]}" if len(words) > 5 else "unknown"
    head = await stream.exactly(16)
    rest = await stream.exactly(struct.unpack("!H", head[14:16])[0])
    if head[13] != 0x11:
        return "unknown"
    return f"{'.'.join(map(str, rest[:4]))}:{struct.unpack('!H', rest[8:10])[0]}"


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
