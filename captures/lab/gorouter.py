"""Takes requests as a Gorouter does, sends them on to apps by their Host, keeps the log: a stand-in with one backend a route.

Written after cloudfoundry/gorouter, `handlers` and `proxy`; an app is a `router.Router` at another address.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
import uuid

from captures.lab.network import APP, ROUTER_TO_APP, ROUTERS, Namespace
from captures.lab.plan import DOPPLER, HOST
from captures.lab.seen import Seen
from captures.lab.stream import Head, Headers, Stream, pump, value, written

APP_PORT = 61001
CLOSED = "closed.apps.test"
"""A route whose app does not listen."""
ROUTES = {HOST: APP_PORT, DOPPLER: APP_PORT, CLOSED: 61002}
_ATTEMPTS = 3
"""Gorouter's backends.max_attempts."""
_FIRST = ("host", "user-agent")
_REPLACED = {"connection", "upgrade", "x-forwarded-for", "x-vcap-request-id"}


class Gorouter:
    """Listens at the router's address in front of the apps."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.log: list[Seen] = []
        self.unreached: set[str] = set()
        """Targets for which the app's port was closed."""
        self._connections = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, sock=self.namespace.listen(ROUTERS[0], 80))

    async def close(self) -> None:
        """Stop listening, and drop what is still open."""
        if self._server:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        task = asyncio.create_task(self._serve(Stream(reader, writer), self._connections))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, stream: Stream, number: int) -> None:
        position = 0
        with contextlib.suppress(EOFError, OSError, ValueError):
            while await stream.peek() and await self._request(stream, number, position):
                position += 1
        await stream.end()

    async def _request(self, stream: Stream, number: int, position: int) -> bool:
        """One request; whether the connection goes on as HTTP."""
        head = await stream.head()
        method, target, version = head.start
        seen = Seen(stream.peer, stream.own, number, position, version, method, target, head.headers, None, time.time())
        self.log.append(seen)
        body = await stream.body(head)
        host = (value(head.headers, "host") or "").partition(":")[0]
        if host not in ROUTES:
            words = f"404 Not Found: Requested route ('{host}') does not exist.\n"
            return await self._refuse(stream, seen, "404 Not Found", "unknown_route", words)
        back = await self._dial(ROUTES[host])
        if back is None:
            self.unreached.add(target)
            error = f"endpoint_failure (dial tcp {APP}:{ROUTES[host]}: connect: connection refused)"
            words = "502 Bad Gateway: Registered endpoint failed to handle the request.\n"
            return await self._refuse(stream, seen, "502 Bad Gateway", error, words)
        identity = str(uuid.uuid4())
        await back.send(written(head.start, _sent_on(head, stream, identity)) + body)
        answer = await back.head()
        if _asks_for_websocket(head):
            return await self._switch(stream, back, seen, answer)
        page = await back.body(answer, answer_to=method)
        await back.end()
        kept = tuple((name, text) for name, text in answer.headers if name.lower() != "connection")
        answered = (*kept, ("X-Vcap-Request-Id", identity))
        await self._answer(stream, seen, answer.start, answered, page)
        return True

    async def _switch(self, stream: Stream, back: Stream, seen: Seen, answer: Head) -> bool:
        """The app's answer goes on as it is; only after a 101 is anything carried, else both connections end."""
        page = back.held
        if answer.start[1] == "101":
            await self._answer(stream, seen, answer.start, answer.headers, b"")
            await pump(stream, back)
            seen.ended = time.time()
            return False
        await self._answer(stream, seen, answer.start, answer.headers, page)
        await back.end()
        return False

    async def _refuse(self, stream: Stream, seen: Seen, status: str, error: str, words: str) -> bool:
        code, _, phrase = status.partition(" ")
        headers = (
            ("Content-Type", "text/plain; charset=utf-8"),
            ("X-Cf-Routererror", error),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Length", str(len(words))),
        )
        await self._answer(stream, seen, ("HTTP/1.1", code, phrase), headers, words.encode())
        return True

    @staticmethod
    async def _answer(stream: Stream, seen: Seen, start: tuple[str, str, str], headers: Headers, body: bytes) -> None:
        seen.status, seen.answer, seen.answered = int(start[1]), headers, time.time()
        await stream.send(written(start, headers) + body)

    async def _dial(self, port: int) -> Stream | None:
        """A new connection to the app; None where its port is closed."""
        for _ in range(_ATTEMPTS):
            sock = self.namespace.socket(socket.AF_INET)
            sock.bind((ROUTER_TO_APP, 0))
            try:
                await asyncio.get_running_loop().sock_connect(sock, (APP, port))
            except OSError as error:
                sock.close()
                if error.errno != errno.ECONNREFUSED:
                    raise
                continue
            return Stream(*await asyncio.open_connection(sock=sock))
        return None


def _asks_for_websocket(head: Head) -> bool:
    """As Gorouter sees it: the first line of each of the two headers counts (handlers/helpers.go)."""
    connection, upgrade = (value(head.headers, name) or "" for name in ("connection", "upgrade"))
    return "upgrade" in connection.lower() and upgrade.lower() == "websocket"


def _sent_on(head: Head, stream: Stream, identity: str) -> Headers:
    """The request's headers as the app gets them, in the order and spelling of Go's net/http."""
    came = [*head.all("x-forwarded-for"), stream.peer.rpartition(":")[0]]
    kept = {name.title(): text for name, text in head.headers if name.lower() not in _REPLACED}
    websocket = _asks_for_websocket(head)
    added = {
        "Connection": "Upgrade" if websocket else "close",
        **({"Upgrade": "websocket"} if websocket else {}),
        "X-B3-Spanid": identity[-12:].rjust(16, "0"),
        "X-B3-Traceid": identity.replace("-", ""),
        "X-Cf-Applicationid": "5d1f4d1c-9a3b-4c62-8f0e-3a7f1b2c9d10",
        "X-Cf-Instanceid": "0b9f6f0e-6c1d-4f3f-5c3a-1f7e",
        "X-Cf-Instanceindex": "0",
        "X-Forwarded-For": ", ".join(came),
        "X-Vcap-Request-Id": identity,
    }
    filled = {"X-Forwarded-Proto": "http", "X-Request-Start": str(time.time_ns() // 1_000_000)}
    headers = {**filled, **kept, **added}
    return tuple(sorted(headers.items(), key=lambda one: (one[0].lower() not in _FIRST, one[0])))
