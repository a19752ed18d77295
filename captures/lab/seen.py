"""Takes nothing, gives the lines of the router's log: requests as they arrived, and what was no HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from captures.lab.stream import Headers


@dataclass(slots=True)
class Seen:
    """One request as the router got it, and what it answered."""

    peer: str
    router: str
    connection: int
    position: int
    version: str
    method: str
    target: str
    headers: Headers
    proxy: str | None
    """Version of the PROXY header before the connection's bytes, with the client that it names: `v1 203.0.113.10:4711`."""
    seen: float
    status: int | None = None
    answered: float | None = None
    answer: Headers = ()
    frames_received: int = 0
    close_code: int | None = None
    ended: float | None = None
    left_by: str | None = None
    """Who ended an established WebSocket: `peer` or `router`; None after a closing handshake."""
    stream: int | None = None
    """The HTTP/2 stream."""
    reset: str | None = None
    """Name of the error with which the router reset it before any answer."""


@dataclass(slots=True)
class Raw:
    """A connection that carried something else than HTTP."""

    peer: str
    first: bytes
    seen: float
