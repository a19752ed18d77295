"""Takes nothing, gives the line of the client's log: one request, and what came of it as the client saw it."""

from __future__ import annotations

from dataclasses import dataclass

from captures.lab.stream import Headers


@dataclass(slots=True)
class Asked:
    """One request of the client, and what came of it as the client saw it."""

    id: str
    handshake: bool
    method: str
    path: str
    host: str | None
    version: str
    client: str
    lb: str
    tls: bool
    position: int
    sent: Headers
    key: str | None
    asked: float
    status: int | None = None
    received: Headers = ()
    answered: float | None = None
    gave_up: bool = False
    """The client left before an answer."""
    connection_ended: str | None = None
    """`eof` or `reset`, where the other end left before an answer."""
    frames_sent: int = 0
    frames_received: int = 0
    first_message: str | None = None
    close_code: int | None = None
    closed_by: str | None = None
    """Whose Close frame came first: `client` or `peer`; None without one."""
    left_by: str | None = None
    """Who ended an established WebSocket without a Close frame: `client` or `peer`."""
    ended: float | None = None
    last_frame: float | None = None
    unanswered: bool = False
    """Nothing came although the client waited."""
    stream: int | None = None
    """The HTTP/2 stream."""
    stream_reset: str | None = None
    """Name of the error with which the other end reset it."""
    goaway: str | None = None
    """Name of the error with which the other end left the connection, where that ended the stream."""
    tls_version: str | None = None
    cipher: str | None = None
    """The TLS cipher suite, as OpenSSL calls it."""
    resumed: bool | None = None
    """Whether the TLS session is an earlier one's; None where that was not asked for."""
