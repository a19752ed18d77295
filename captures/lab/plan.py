"""Takes nothing, gives the words in which a client's traffic is planned: connections, and what is asked on each in turn."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from captures.lab.network import CLIENTS, LB_FRONT
from captures.lab.stream import Headers

HOST = "app.apps.test"
DOPPLER = "doppler.sys.test"
PATIENCE = 4.0
TLS_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True)
class Say:
    """The client sends a text message."""

    text: str = "hello"
    size: int = 0
    """Padded to so many bytes."""


@dataclass(frozen=True, slots=True)
class Hear:
    """The client waits for so many messages."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Ping:
    """The client sends a ping."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The client sends a frame that RFC 6455 forbids: not masked, with reserved bits, a fragmented control frame."""

    opcode: int = 0x1
    payload: bytes = b"odd"
    mask: bool = True
    final: bool = True
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """The client says nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """The client closes the WebSocket by the closing handshake."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """The client closes the connection without a Close frame."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Listen:
    """The client reads until the other side ends it."""

    seconds: float = 5.0


Talk = Say | Hear | Ping | Raw | Wait | Close | Leave | Listen
CHAT: tuple[Talk, ...] = (Say("hello"), Hear(), Say("a longer message", 600), Hear(), Ping(), Close())


@dataclass(frozen=True, slots=True)
class Request:
    """An ordinary request. `{id}` in the path becomes the unique id by which the logs are joined."""

    path: str = "/page/{id}"
    method: str = "GET"
    host: str = HOST
    headers: Headers = ()
    body: bytes = b""
    version: str = "1.1"
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True)
class Handshake:
    """A request for WebSocket, as well or as badly formed as a client may make it."""

    path: str = "/ws/{id}"
    method: str = "GET"
    host: str | None = HOST
    headers: Headers = ()
    version: str = "1.1"
    upgrade: str | None = "websocket"
    connection: str | None = "Upgrade"
    key: str | None = "random"
    """`random` (none over HTTP/2, see RFC 8441 5), `always` (random over HTTP/2, too), a key, or none."""
    websocket_version: str | None = "13"
    protocols: str | None = None
    extensions: str | None = None
    absolute: bool = False
    """The target in absolute form (RFC 9112 3.2.2)."""
    piece: int = 0
    """Bytes a segment in which the head is sent; 0: whole."""
    early: bool = False
    """The first message goes out with the head, before any answer."""
    abort_after: float | None = None
    """Leave so many seconds after asking, whatever came."""
    patience: float = PATIENCE
    talk: tuple[Talk, ...] = CHAT


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is asked for so many seconds."""

    seconds: float


Step = Request | Handshake | Pause


@dataclass(frozen=True, slots=True)
class Tls:
    """How the client encrypts."""

    version: str = "1.3"
    alpn: tuple[str, ...] = ()
    ciphers: str | None = None
    """OpenSSL's list, for TLS 1.2."""
    resume: bool = False
    """Each connection offers the session of the one before it."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection of a client to the load balancer."""

    steps: tuple[Step, ...]
    source: str = CLIENTS[0]
    to: str = LB_FRONT
    port: int = 80
    tls: Tls | None = None
    http2: bool = False
    """Agreed on by ALPN, or by prior knowledge where there is no TLS (RFC 9113 3.3)."""
    at_once: bool = False
    """Over HTTP/2: the steps are not asked in turn but all at the same time."""
    after: float = 0.0
    """Seconds from the start of the traffic."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Connections in three phases; recording begins before the second unless told otherwise."""

    visits: tuple[Visit, ...]
    before: tuple[Visit, ...] = field(default=())
    """Begun before the recording, and still open when it begins."""
    after: tuple[Visit, ...] = field(default=())
    """Begun when the back is no longer recorded."""
