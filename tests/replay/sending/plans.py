"""Takes a few words, gives plans of what is to be sent."""

from __future__ import annotations

import base64
import dataclasses
import secrets
from collections.abc import Sequence

from wsanalyze.replay.model import Captured, Connection, Frame, Plan, Request, Step
from wsanalyze.replay.sending import Settings

TEXT, BINARY, CONT, CLOSE, PING = 1, 2, 0, 8, 9
QUICK = Settings(speed=float("inf"), timeout=5.0, max_gap=0.2)
"""Nothing is waited for that does not come."""


def impatient(**changes: object) -> Settings:
    """Settings for targets that do not do what is waited for."""
    return dataclasses.replace(QUICK, **{"timeout": 0.3, **changes})  # type: ignore[arg-type]


def step(text: str | bytes, *, follows: int = 0, opcode: int | None = None, **more: object) -> Step:
    """A frame that the client sends; a whole text message unless said otherwise."""
    kind = (TEXT if isinstance(text, str) else BINARY) if opcode is None else opcode
    payload = text.encode() if isinstance(text, str) else text
    values = {"fin": True, "compressed": False, "pause": 0.0, "at": 0.0, **more}
    return Step(opcode=kind, payload=payload, follows=follows, **values)  # type: ignore[arg-type]


def said(*texts: str, by_client: bool = False) -> tuple[Frame, ...]:
    """Messages as they were captured."""
    return tuple(Frame(by_client, 0, fin=True, rsv1=False, opcode=TEXT, payload=text.encode()) for text in texts)


def handshake(
    identifier: str = "h1",
    steps: Sequence[Step] = (),
    *,
    path: str = "/",
    headers: Sequence[str] = (),
    frames: tuple[Frame, ...] = (),
    closes: bool = True,
    key: str | None = None,
) -> Request:
    """A handshake in HTTP/1.1 (RFC 6455 4.1)."""
    key = key or base64.b64encode(secrets.token_bytes(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: app.example.com",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        *headers,
    ]
    head = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"
    request = asking(identifier, head, handshake=True, frames=frames)
    return dataclasses.replace(request, key=key, steps=tuple(steps), closes=closes)


def asking(
    identifier: str,
    head: bytes,
    body: bytes = b"",
    *,
    handshake: bool = False,
    pause: float = 0.0,
    frames: tuple[Frame, ...] = (),
) -> Request:
    """A request in HTTP/1.1, byte for byte."""
    captured = Captured(
        id=identifier,
        handshake=handshake,
        connection=0,
        version="1.1",
        head=head,
        body=body,
        body_whole=True,
        asked=0,
        answered=None,
        answer=None,
        status=101 if handshake else 200,
        outcome="established" if handshake else "answered",
        frames=frames,
    )
    return Request(captured, head.split(b" ")[0].decode(), head, (), body, None, pause)


def get(identifier: str = "r1", path: str = "/", **more: object) -> Request:
    """An ordinary request."""
    head = f"GET {path} HTTP/1.1\r\nHost: app.example.com\r\n\r\n".encode()
    return asking(identifier, head, **more)  # type: ignore[arg-type]


def fields(identifier: str, *pairs: tuple[str, str], body: bytes = b"", steps: Sequence[Step] = ()) -> Request:
    """A request in HTTP/2; a handshake where `:protocol` is among the fields (RFC 8441 4)."""
    sent = tuple((name.encode(), value.encode()) for name, value in pairs)
    request = asking(identifier, b"", body, handshake=any(name == ":protocol" for name, _ in pairs))
    return dataclasses.replace(request, method=dict(pairs)[":method"], fields=sent, steps=tuple(steps))


def plan(*connections: Sequence[Request] | Connection) -> Plan:
    """Connections that all begin at once."""
    return Plan(
        tuple(
            chosen if isinstance(chosen, Connection) else Connection(number, 0.0, False, b"", tuple(chosen))
            for number, chosen in enumerate(connections)
        )
    )
