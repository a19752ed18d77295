"""Takes a request that arrived, gives what a Gorouter or the app behind it answers, as the path asks for."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from captures.lab.seen import Seen
from captures.lab.stream import Head, Headers, Stream

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Answer = tuple[int, Headers, bytes]
"""Status, headers, body."""


def request_id(seen: Seen) -> str:
    """X-Vcap-Request-Id: Gorouter makes one for each request that it gets."""
    words = f"{seen.target} {seen.connection} {seen.position}"
    return hashlib.md5(words.encode(), usedforsecurity=False).hexdigest()


def negotiated(head: Head) -> tuple[Headers, bool]:
    """What the router takes of the offered subprotocols and extensions, and whether messages are compressed."""
    taken: list[tuple[str, str]] = []
    if offered := head.all("sec-websocket-protocol"):
        taken.append(("Sec-WebSocket-Protocol", offered[0].split(",")[0].strip()))
    compressed = any("permessage-deflate" in text for text in head.all("sec-websocket-extensions"))
    if compressed:
        agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        taken.append(("Sec-WebSocket-Extensions", agreed))
    return tuple(taken), compressed


def accept_of(key: str) -> str:
    """Sec-WebSocket-Accept for a key (RFC 6455 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()


@dataclass(frozen=True, slots=True)
class Asking:
    """A request that has arrived."""

    head: Head
    stream: Stream
    words: list[str]
    """The segments of its path."""
    tries: int
    """How often it has arrived before."""

    def after(self, word: str) -> str:
        """The segment that follows this one."""
        return self.words[self.words.index(word) + 1]


async def answer(asking: Asking) -> Answer:
    """What the path asks for; status 0 where there is to be no answer."""
    name = next((word for word in asking.words if word in _ANSWERS), None)
    if name is not None:
        return await _ANSWERS[name](asking)
    return 404, (("X-Cf-Routererror", "unknown_route"),), b"404 Not Found: Requested route does not exist.\n"


def _asks(head: Head) -> bool:
    """Whether this is a WebSocket request as Gorouter recognises it."""
    return head.extended_connect or (
        "upgrade" in head.tokens("connection")
        and [value.lower() for value in head.all("upgrade")][:1] == ["websocket"]
        and head.start[2] >= "HTTP/1.0"
    )


async def _page(_: Asking) -> Answer:
    return 200, (("Content-Type", "text/plain"),), b"a page\n"


async def _websocket(asking: Asking) -> Answer:
    keys = asking.head.all("sec-websocket-key")
    keyed = asking.head.extended_connect or (len(keys) == 1 and keys[0])
    if not _asks(asking.head) or not keyed:
        # What an app's WebSocket library says to a request that was stripped on the way.
        return 400, (("Sec-Websocket-Version", "13"), ("Content-Type", "text/plain")), b"Bad Request\n"
    if asking.head.all("sec-websocket-version") != ["13"]:
        return 426, (("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")), b"Upgrade Required\n"
    return 101, (), b""


async def _refuse(asking: Asking) -> Answer:
    status = int(asking.after("refuse"))
    headers: dict[int, Headers] = {
        404: (("X-Cf-Routererror", "unknown_route"),),
        426: (("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")),
        502: (("X-Cf-Routererror", "endpoint_failure (dial tcp 10.255.3.4:61002: connect: connection refused)"),),
        503: (("X-Cf-Routererror", "no_endpoints"),),
    }
    return status, headers.get(status, ()), b"refused\n"


async def _route_service(asking: Asking) -> Answer:
    if not _asks(asking.head):
        return 200, (), b"a page\n"
    return (
        503,
        (("X-Cf-Routererror", "route_service_unsupported"),),
        b"Websocket request unsupported for routes bound to services.\n",
    )


async def _silent(asking: Asking) -> Answer:
    while await asking.stream.some():
        pass
    return 0, (), b""


async def _reset(asking: Asking) -> Answer:
    asking.stream.reset()
    return 0, (), b""


async def _slow(asking: Asking) -> Answer:
    await asyncio.sleep(1.5)
    return await _websocket(asking)


async def _wrong_accept(_: Asking) -> Answer:
    return 101, (("Sec-WebSocket-Accept", accept_of("not the key")),), b""


async def _once(asking: Asking) -> Answer:
    """The first try finds no endpoint, the next one does."""
    if not asking.tries:
        return 503, (("X-Cf-Routererror", "no_endpoints"),), b"503 Service Unavailable\n"
    return await _websocket(asking)


_ANSWERS: dict[str, Callable[[Asking], Awaitable[Answer]]] = {
    "page": _page,
    "health": _page,
    "ws": _websocket,
    "apps": _websocket,
    "firehose": _websocket,
    "refuse": _refuse,
    "route-service": _route_service,
    "silent": _silent,
    "reset": _reset,
    "slow": _slow,
    "wrong-accept": _wrong_accept,
    "once": _once,
}
