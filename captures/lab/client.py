"""Takes the plan of a connection, asks it, gives what a client can know of it: what was sent, what came back, and when."""

from __future__ import annotations

import asyncio
import base64
import random
import socket
import ssl
import time
import uuid
from pathlib import Path

from captures.lab.asked import Asked
from captures.lab.conversation import Conversation
from captures.lab.network import Namespace
from captures.lab.plan import TLS_VERSIONS, Handshake, Pause, Request, Tls, Visit
from captures.lab.stream import (
    TEXT,
    Head,
    Headers,
    Stream,
    join,
    write_frame,
)


class _Resuming(ssl.SSLContext):
    """A client's context whose connections each offer the session of the one before."""

    session: ssl.SSLSession | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """The base class's, with the session."""
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session or self.session)


class Client:
    """Asks what is planned from its namespace and keeps the log."""

    def __init__(self, namespace: Namespace, chance: random.Random, authority: Path | None, keylog: Path) -> None:
        self.namespace, self.chance = namespace, chance
        self.authority, self.keylog = authority, keylog
        self.log: list[Asked] = []
        self.sessions: dict[Tls, _Resuming] = {}
        self.kept: list[Stream] = []
        """Connections whose client still waits for an answer."""

    async def leave(self) -> None:
        """Close what is still waiting."""
        for stream in self.kept:
            await stream.end()

    async def visit(self, visit: Visit) -> None:
        """One connection, from its first step to its end."""
        await asyncio.sleep(visit.after)
        try:
            stream = await self.connect(visit)
        except OSError:
            return
        secured = stream.secured
        if visit.http2:
            # Loaded where it is needed: plain HTTP needs none of it.
            from captures.lab.client_http2 import Http2Visit  # noqa: PLC0415

            await Http2Visit(self, visit, stream).run()
        else:
            await self._in_turn(stream, visit)
        if visit.tls in self.sessions and secured is not None:
            # Read at the end: TLS 1.3 hands out tickets after the handshake (RFC 8446 4.6.1).
            self.sessions[visit.tls].session = secured.session

    async def _in_turn(self, stream: Stream, visit: Visit) -> None:
        position = 0
        for step in visit.steps:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                continue
            if not await self._step(stream, visit, step, position):
                break
            position += 1
        if stream not in self.kept:
            await stream.end()

    async def connect(self, visit: Visit) -> Stream:
        """A connection as planned, encrypted where that is planned."""
        loop = asyncio.get_running_loop()
        sock = self.namespace.socket(socket.AF_INET6 if ":" in visit.to else socket.AF_INET)
        sock.bind((visit.source, 0))
        await asyncio.wait_for(loop.sock_connect(sock, (visit.to, visit.port)), 5)
        context = self._context(visit.tls) if visit.tls else None
        host = next((step.host for step in visit.steps if not isinstance(step, Pause) and step.host), "app.apps.test")
        return Stream(*await asyncio.open_connection(sock=sock, ssl=context, server_hostname=host if context else None))

    def _context(self, tls: Tls) -> ssl.SSLContext:
        if tls in self.sessions:
            return self.sessions[tls]
        context: ssl.SSLContext
        if tls.resume:
            context = self.sessions[tls] = _Resuming(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(self.authority)
        else:
            context = ssl.create_default_context(cafile=self.authority)
        context.minimum_version = context.maximum_version = TLS_VERSIONS[tls.version]
        context.keylog_filename = str(self.keylog)
        if tls.alpn:
            context.set_alpn_protocols(list(tls.alpn))
        if tls.ciphers:
            context.set_ciphers(tls.ciphers)
        return context

    async def _step(self, stream: Stream, visit: Visit, step: Request | Handshake, position: int) -> bool:
        """Ask one thing; whether the connection can be used for the next."""
        asked = self.note(step, visit, stream, position)
        head = _write_head(step, asked)
        body = step.body if isinstance(step, Request) else b""
        early = write_frame(TEXT, b"early", mask=True) if isinstance(step, Handshake) and step.early else b""
        asked.frames_sent += bool(early)
        try:
            await stream.send(head + body + early, step.piece if isinstance(step, Handshake) else 0)
            answer = await self._answer(stream, step, asked)
            if answer is None:
                return False
            if asked.status == 101:
                await Conversation(stream, asked).hold(step.talk if isinstance(step, Handshake) else ())
                return False
            await stream.body(answer, answer_to=step.method)
        except (EOFError, ValueError):
            asked.connection_ended = asked.connection_ended or "eof"
            return False
        except OSError:
            asked.connection_ended = asked.connection_ended or "reset"
            return False
        return "close" not in answer.tokens("connection") and answer.start[0] != "HTTP/1.0"

    def note(self, step: Request | Handshake, visit: Visit, stream: Stream, position: int) -> Asked:
        """A new line of the log for what is about to be asked."""
        identity = str(uuid.UUID(int=self.chance.getrandbits(128)))
        key = None
        if isinstance(step, Handshake):
            made = step.key in {"random", "always"}
            key = base64.b64encode(self.chance.randbytes(16)).decode() if made else step.key
        asked = Asked(
            id=identity,
            handshake=isinstance(step, Handshake),
            method=step.method,
            path=step.path.replace("{id}", identity),
            host=step.host,
            version=step.version,
            client=stream.own,
            lb=join(visit.to, visit.port),
            tls=visit.tls is not None,
            position=position,
            sent=(),
            key=key,
            asked=time.time(),
        )
        asked.sent = headers_of(step, asked)
        if (secured := stream.secured) is not None:
            asked.tls_version = secured.version()
            asked.cipher = (secured.cipher() or ("unknown",))[0]
            asked.resumed = secured.session_reused if visit.tls and visit.tls.resume else None
        self.log.append(asked)
        return asked

    async def _answer(self, stream: Stream, step: Request | Handshake, asked: Asked) -> Head | None:
        """The final answer; None where the client left or lost patience."""
        patience = step.patience
        abort = step.abort_after if isinstance(step, Handshake) else None
        try:
            while True:
                head = await asyncio.wait_for(stream.head(), abort if abort is not None else patience)
                status = int(head.start[1])
                if status >= 200 or status == 101:
                    break
        except TimeoutError:
            asked.gave_up = abort is not None
            asked.unanswered = abort is None
            asked.ended = time.time()
            if abort is None:
                self.kept.append(stream)
            else:
                stream.reset()
            return None
        asked.status, asked.received, asked.answered = status, head.headers, time.time()
        return head


def headers_of(step: Request | Handshake, asked: Asked) -> Headers:
    """The headers that a step sends, in the order in which clients send them."""
    headers: list[tuple[str, str]] = []
    if asked.host is not None:
        headers.append(("Host", asked.host))
    if isinstance(step, Request):
        headers.append(("User-Agent", "lab-client/1"))
        if step.body:
            headers.append(("Content-Length", str(len(step.body))))
        return (*headers, *_own_headers(step, asked))
    wanted = (
        ("Upgrade", step.upgrade),
        ("Connection", step.connection),
        ("Sec-WebSocket-Key", asked.key),
        ("Sec-WebSocket-Version", step.websocket_version),
        ("Sec-WebSocket-Protocol", step.protocols),
        ("Sec-WebSocket-Extensions", step.extensions),
    )
    headers += [(name, value) for name, value in wanted if value is not None]
    return (*headers, ("User-Agent", "lab-client/1"), *_own_headers(step, asked))


def _own_headers(step: Request | Handshake, asked: Asked) -> Headers:
    return tuple((name, text.replace("{id}", asked.id)) for name, text in step.headers)


def _write_head(step: Request | Handshake, asked: Asked) -> bytes:
    target = f"http://{step.host}{asked.path}" if isinstance(step, Handshake) and step.absolute else asked.path
    lines = [f"{step.method} {target} HTTP/{step.version}", *(f"{name}: {value}" for name, value in asked.sent)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
