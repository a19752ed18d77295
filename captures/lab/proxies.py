"""Takes handshakes and does to them what no product does by default: small load balancers that misbehave, one function each.

They run in the lab's process with sockets of the load balancer's namespace. Ordinary requests they forward as they should.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import Awaitable, Callable

from captures.lab.answers import accept_of
from captures.lab.network import LB_BACK, LB_FRONT, ROUTERS, Namespace
from captures.lab.stream import CLOSE, PING, PONG, Head, Headers, Stream, pump, write_frame, written

_HOP = {"connection", "upgrade", "keep-alive"}
_SETTLED = 0.05
"""Seconds between two events whose order matters, so that no scheduler can turn it around."""


class Proxy:
    """Listens in front of the router and hands each handshake to one behaviour."""

    def __init__(self, namespace: Namespace, behaviour: Behaviour) -> None:
        self.namespace, self.behaviour = namespace, behaviour
        self.shared: Stream | None = None
        self.sharing = asyncio.Lock()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, sock=self.namespace.listen(LB_FRONT, 80))

    async def close(self) -> None:
        """Stop listening, and drop what is still open."""
        if self._server:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        if self.shared:
            await self.shared.end()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = Stream(reader, writer)
        with contextlib.suppress(EOFError, OSError, ValueError):
            while await stream.peek():
                head = await stream.head()
                if "websocket" in head.tokens("upgrade") and "upgrade" in head.tokens("connection"):
                    await self.behaviour(self, stream, head)
                    break
                await self._forward(stream, head)
        await stream.end()

    async def router(self) -> Stream:
        """A new connection to the router."""
        sock = self.namespace.socket(2)
        sock.bind((LB_BACK, 0))
        await asyncio.get_running_loop().sock_connect(sock, (ROUTERS[0], 80))
        return Stream(*await asyncio.open_connection(sock=sock))

    async def _forward(self, stream: Stream, head: Head) -> None:
        body = await stream.body(head)
        back = await self.router()
        await back.send(written(head.start, _forwarded(head, stream)) + body)
        answer = await back.head()
        await stream.send(written(answer.start, answer.headers) + await back.body(answer, answer_to=head.start[0]))
        await back.end()


Behaviour = Callable[[Proxy, Stream, Head], Awaitable[None]]


def _forwarded(head: Head, stream: Stream, *, without: frozenset[str] = frozenset()) -> Headers:
    """The client's headers with those that a load balancer has to add."""
    dropped = without | {"x-forwarded-for", "x-forwarded-proto"}
    kept = tuple((name, value) for name, value in head.headers if name.lower() not in dropped)
    came = [*head.all("x-forwarded-for"), stream.peer.rpartition(":")[0].strip("[]")]
    return (*kept, ("X-Forwarded-For", ", ".join(came)), ("X-Forwarded-Proto", "http"))


def _switching(head: Head) -> bytes:
    key = (head.all("sec-websocket-key") or [""])[0]
    headers = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_of(key)))
    return written(("HTTP/1.1", "101", "Switching Protocols"), (*headers, ("Server", "own-proxy")))


async def local(_: Proxy, stream: Stream, head: Head) -> None:
    """Answer the WebSocket and speak it, without any router."""
    await stream.send(_switching(head))
    while True:
        frame = await stream.frame()
        if frame.opcode == CLOSE:
            await stream.send(write_frame(CLOSE, frame.payload, mask=False))
            return
        opcode = PONG if frame.opcode == PING else frame.opcode
        await stream.send(write_frame(opcode, frame.payload, mask=False))


async def _remask(near: Stream, far: Stream) -> None:
    """Carry messages as two WebSockets do: read on one, written anew on the other, masks included."""

    async def one_way(source: Stream, sink: Stream, *, mask: bool) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                frame = await source.frame()
                await sink.send(write_frame(frame.opcode, frame.payload, mask=mask))
                if frame.opcode == CLOSE:
                    break
            await asyncio.sleep(_SETTLED)
            await sink.end()

    await asyncio.gather(one_way(near, far, mask=True), one_way(far, near, mask=False))


def _without_extensions(head: Head, stream: Stream, key: str | None = None) -> Headers:
    """A handshake of the proxy's own, which speaks no extension."""
    headers = _forwarded(head, stream, without=frozenset({"sec-websocket-extensions", "sec-websocket-key"}))
    own = key or (head.all("sec-websocket-key") or [""])[0]
    return (*headers, ("Sec-WebSocket-Key", own))


async def rekey(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Make a handshake of its own, and answer the client when that succeeded."""
    back = await proxy.router()
    key = base64.b64encode(os.urandom(16)).decode()
    await back.send(written(head.start, _without_extensions(head, stream, key)))
    answer = await back.head()
    if answer.start[1] != "101":
        await stream.send(written(answer.start, answer.headers) + await back.body(answer, answer_to="GET"))
        return
    await stream.send(_switching(head))
    await _remask(stream, back)


async def early(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Answer 101 first, then send the client's own handshake on."""
    await stream.send(_switching(head))
    await asyncio.sleep(_SETTLED)
    back = await proxy.router()
    await back.send(written(head.start, _without_extensions(head, stream)))
    answer = await back.head()
    if answer.start[1] == "101":
        await _remask(stream, back)


async def reuse_key(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Terminate the WebSocket but reuse the client's key, and answer when the router has."""
    back = await proxy.router()
    await back.send(written(head.start, _without_extensions(head, stream)))
    answer = await back.head()
    await asyncio.sleep(_SETTLED)
    if answer.start[1] != "101":
        await stream.send(written(answer.start, answer.headers) + await back.body(answer, answer_to="GET"))
        return
    await stream.send(_switching(head))
    await _remask(stream, back)


async def raw(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Answer 101 and carry the messages over plain TCP."""
    await stream.send(_switching(head))
    back = await proxy.router()
    while True:
        frame = await stream.frame()
        if frame.opcode == CLOSE:
            await stream.send(write_frame(CLOSE, frame.payload, mask=False))
            await back.end()
            return
        if frame.opcode == PING:
            await stream.send(write_frame(PONG, frame.payload, mask=False))
            continue
        await back.send(frame.payload)
        await stream.send(write_frame(frame.opcode, await back.exactly(len(frame.payload)), mask=False))


async def plain(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Answer 101 and ask the router an ordinary request for it."""
    back = await proxy.router()
    lost = frozenset(
        _HOP | {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"}
    )
    await back.send(written(head.start, _forwarded(head, stream, without=lost)))
    answer = await back.head()
    await back.body(answer, answer_to="GET")
    await back.end()
    await local(proxy, stream, head)


async def many_to_one(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Carry every client's messages over one WebSocket to the router."""
    await stream.send(_switching(head))
    async with proxy.sharing:
        if proxy.shared is None:
            proxy.shared = await proxy.router()
            key = base64.b64encode(os.urandom(16)).decode()
            await proxy.shared.send(written(head.start, _without_extensions(head, stream, key)))
            await proxy.shared.head()
    while True:
        frame = await stream.frame()
        if frame.opcode == CLOSE:
            await stream.send(write_frame(CLOSE, frame.payload, mask=False))
            return
        async with proxy.sharing:
            await proxy.shared.send(write_frame(frame.opcode, frame.payload, mask=True))
            reply = await proxy.shared.frame()
        await stream.send(write_frame(reply.opcode, reply.payload, mask=False))


async def retry_stripped(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Send the handshake on; if the router refuses it, try again as an ordinary request."""
    back = await proxy.router()
    await back.send(written(head.start, _forwarded(head, stream)))
    answer = await back.head()
    if answer.start[1] == "101":
        await stream.send(written(answer.start, answer.headers))
        await pump(stream, back)
        return
    await back.body(answer, answer_to="GET")
    await back.end()
    again = await proxy.router()
    await again.send(written(head.start, _forwarded(head, stream, without=frozenset(_HOP))))
    answer = await again.head()
    await stream.send(written(answer.start, answer.headers) + await again.body(answer, answer_to="GET"))
    await again.end()


async def strip_response(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Take Upgrade and Connection out of the router's 101."""
    back = await proxy.router()
    await back.send(written(head.start, _forwarded(head, stream)))
    answer = await back.head()
    if answer.start[1] != "101":
        await stream.send(written(answer.start, answer.headers) + await back.body(answer, answer_to="GET"))
        return
    await stream.send(written(answer.start, tuple(h for h in answer.headers if h[0].lower() not in _HOP)))
    await pump(stream, back)


async def silent(_: Proxy, stream: Stream, __: Head) -> None:
    """Swallow the handshake."""
    while await stream.some():
        pass


async def withhold(proxy: Proxy, stream: Stream, head: Head) -> None:
    """Send the handshake on, and answer 502 whatever the router said."""
    back = await proxy.router()
    await back.send(written(head.start, _forwarded(head, stream)))
    await back.head()
    await back.end()
    page = b"bad gateway\n"
    headers = (("Content-Length", str(len(page))), ("Connection", "close"), ("Server", "own-proxy"))
    await stream.send(written(("HTTP/1.1", "502", "Bad Gateway"), headers) + page)


OWN: dict[str, Behaviour] = {
    "own-local": local,
    "own-rekey": rekey,
    "own-early": early,
    "own-reuse-key": reuse_key,
    "own-tcp-raw": raw,
    "own-plain": plain,
    "own-many-to-one": many_to_one,
    "own-retry-stripped": retry_stripped,
    "own-strip-response": strip_response,
    "own-silent": silent,
    "own-withhold": withhold,
}
