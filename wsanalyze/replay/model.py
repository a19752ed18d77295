"""The values that go through a replay: what was captured, what is to be sent of it, and what came of that.

Times of captures are nanoseconds since the epoch, UTC; those of a replay are seconds since it began.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ESTABLISHED, REFUSED, ANSWERED, NO_ANSWER, RESET = "established", "refused", "answered", "no-answer", "reset"
"""Outcomes: the first two of handshakes, the third of other requests, the last two of both."""

EMBEDDED = "the embedded test router"
"""What a replay without a target is sent to."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A WebSocket frame as it was captured (RFC 6455 5.2), unmasked."""

    by_client: bool
    time: int
    """Of its last byte."""
    fin: bool
    rsv1: bool
    """With permessage-deflate: the payload of the message is compressed (RFC 7692 6)."""
    opcode: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Captured:
    """An exchange as it was captured."""

    id: str
    """`h1` as analyses name handshakes; `r1` for other requests, in order of time."""
    handshake: bool
    connection: int
    """The same for those that share a connection, in the order of which they were asked."""
    version: str
    """`1.0`, `1.1` or `2`."""
    head: bytes
    """The request's head, byte for byte; in HTTP/2 a line `name: value` for each field, pseudo-header fields first."""
    body: bytes
    """What followed the head on the wire, with its chunk framing; in HTTP/2 the data."""
    body_whole: bool
    asked: int
    answered: int | None
    """When the final response's head was complete."""
    answer: bytes | None
    """The head of the final response, with its form as `head` has it."""
    status: int | None
    outcome: str | None
    """None where the capture does not tell."""
    frames: tuple[Frame, ...] = ()
    """What both sides said on the WebSocket, in order of time."""
    lost: str | None = None
    """Why some of what was said is not there; None where all is."""
    client: tuple[str, int] | None = None
    """Address and port of the client."""
    server: tuple[str, int] | None = None
    tls: bool = False
    """Whether the client spoke TLS."""
    router_answer: bytes | None = None
    """The head of what the router answered behind the load balancer, where both sides were captured."""
    router_status: int | None = None
    verdict: str | None = None
    detail: str | None = None
    close_code: int | None = None
    ended: int | None = None
    """When the WebSocket ended: its first Close frame, or else the connection's last packet."""


@dataclass(frozen=True, slots=True)
class Step:
    """A frame that the client sends."""

    fin: bool
    opcode: int
    payload: bytes
    """Not compressed, not masked."""
    compressed: bool
    """Whether its message was compressed: it is again, where that is negotiated."""
    follows: int
    """How many of the server's messages have to be there first."""
    pause: float
    """Seconds to wait from then on, or from the frame before it."""
    at: float
    """Seconds after the WebSocket was opened."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is to be sent."""

    captured: Captured
    method: str
    head: bytes
    """In HTTP/1.x: what is sent, byte for byte."""
    fields: tuple[tuple[bytes, bytes], ...]
    """In HTTP/2: the fields in their order, pseudo-header fields first; else empty."""
    body: bytes
    key: str | None
    """The Sec-WebSocket-Key that is sent, by which the answer is verified; None in HTTP/2, and where there is none."""
    pause: float
    """Seconds from the end of the exchange before it on the same connection."""
    steps: tuple[Step, ...] = ()
    lingers: float = 0.0
    """Seconds that the client stays after the last frame, where it was not the client that closed: silence is what it is cut for."""
    closes: bool = True
    """Whether the client ends the WebSocket by a close handshake after its last frame."""
    masked: tuple[str, ...] = ()
    """What was left out or masked, as it would have given a secret away: names of headers, `target`, `messages`."""

    @property
    def id(self) -> str:
        """That of what was captured."""
        return self.captured.id


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that is to be opened, and what is sent on it, one after the other."""

    number: int
    """From 1, in the order of their beginnings."""
    start: float
    """Seconds after the replay began."""
    http2: bool
    proxy_header: bytes
    """What comes first on the connection (PROXY protocol), or nothing."""
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class NotSent:
    """An exchange that is not replayed."""

    captured: Captured
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be done."""

    connections: tuple[Connection, ...]
    not_sent: tuple[NotSent, ...] = ()


@dataclass(slots=True)
class Replayed:
    """What came of a request."""

    id: str
    outcome: str | None = None
    """None as long as it was not sent."""
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Of the final response, as they came."""
    accept_valid: bool | None = None
    """Whether Sec-WebSocket-Accept answers the key that was sent; None without either."""
    subprotocol: str | None = None
    extensions: str | None = None
    latency: float | None = None
    """Seconds from the request's last byte to the end of the response's head."""
    body_bytes: int = 0
    """Of the response."""
    sent: int = 0
    """Data messages."""
    received: int = 0
    received_text: int = 0
    received_binary: int = 0
    close_code: int | None = None
    """Of the first Close frame; 1006 where the connection ended without one (RFC 6455 7.1.5)."""
    closed_by: str | None = None
    """`client` or `server`."""
    error: str | None = None
    """One line, where something failed."""
    reached: bool = True
    """False where there was no connection, or no TLS or HTTP/2 on it, on which it could have been sent."""
    interrupted: bool = False
    """Whether the replay was ended before the exchange was."""
    notes: list[str] = field(default_factory=list)
    """What was not as in the capture and is no failure, one sentence each."""
