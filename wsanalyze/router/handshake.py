"""Takes a request that asks for WebSocket, gives what a server answers to it (RFC 6455 4.2, RFC 8441 5).

Verification, the choice of a subprotocol and permessage-deflate are those of the `websockets` library.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidHeaderValue
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import enable_server_permessage_deflate
from websockets.http11 import Request as Opening
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from wsanalyze.router.answer import Answer, plain
from wsanalyze.router.request import Request

LOGGER: Final = logging.getLogger("wsanalyze.router")
"""Of the `websockets` library's words: what peers do wrong is no matter for the terminal."""
LOGGER.addHandler(logging.NullHandler())

_VERSION: Final = ("Sec-Websocket-Version", "13")
_OWN: Final = {"date", "connection", "content-length"}
"""Headers that are written anew."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of a handshake."""

    answer: Answer
    """101, or 200 to an extended CONNECT; else the refusal."""
    accepted: bool = False
    extensions: list[Extension] = field(default_factory=list)


def missing(request: Request) -> list[str]:
    """What a request lacks to be a handshake at all; nothing where it is one, be it a broken one."""
    lacks: list[str] = []
    if request.protocol is not None:
        return lacks
    # RFC 6455 4.2.1, 3. and 4.
    if "websocket" not in request.tokens("upgrade"):
        lacks.append("Upgrade: websocket")
    if "upgrade" not in request.tokens("connection"):
        lacks.append("Connection: upgrade")
    return lacks


def judge(request: Request, subprotocols: tuple[str, ...]) -> Verdict:
    """Verify it, and choose of what it offers."""

    def chosen(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        liked = [name for name in subprotocols if name in offered] if subprotocols else offered
        return Subprotocol(liked[0]) if liked else None

    protocol = ServerProtocol(
        extensions=enable_server_permessage_deflate(None), select_subprotocol=chosen, logger=LOGGER
    )
    try:
        headers = Headers(one for one in request.headers if not one[0].startswith(":"))
    except InvalidHandshake:
        # Control characters (RFC 9110 5.5), which h11 lets through.
        return Verdict(plain(400, "Bad Request: invalid header value"))
    if request.method == "CONNECT":
        return _connect(request, protocol, headers)
    response = protocol.accept(Opening(request.target, headers, request.method, f"HTTP/{request.version}"))
    given = tuple((name, value) for name, value in response.headers.raw_items() if name.lower() not in _OWN)
    if response.status_code == 101:
        answer = Answer(101, (*given, ("Connection", "Upgrade")))
        return Verdict(answer, accepted=True, extensions=protocol.extensions)
    error = protocol.handshake_exc
    if isinstance(error, InvalidHeaderValue) and error.name == "Sec-WebSocket-Version":
        # RFC 6455 4.2.2, 4.
        return Verdict(plain(426, f"Upgrade Required: {error}", _VERSION, ("Upgrade", "websocket")))
    return Verdict(Answer(response.status_code, (*given, _VERSION), bytes(response.body)))


def _connect(request: Request, protocol: ServerProtocol, headers: Headers) -> Verdict:
    """RFC 8441: neither key nor accept, the other headers as ever."""
    if request.protocol != "websocket":
        # RFC 9220 3.
        return Verdict(plain(501, "Not Implemented: the only :protocol known here is websocket"))
    if request.values("sec-websocket-version") not in ([], ["13"]):
        return Verdict(plain(400, "Bad Request: unsupported Sec-WebSocket-Version", _VERSION))
    try:
        agreed, extensions = protocol.process_extensions(headers)
        subprotocol = protocol.process_subprotocol(headers)
    except InvalidHandshake as error:
        return Verdict(plain(400, f"Bad Request: {error}", _VERSION))
    answer = Answer(
        200,
        (
            *((("Sec-WebSocket-Extensions", agreed),) if agreed else ()),
            *((("Sec-WebSocket-Protocol", subprotocol),) if subprotocol else ()),
        ),
    )
    return Verdict(answer, accepted=True, extensions=extensions)
