"""What a test router is told before it starts: how it behaves, what it accepts, where its limits are."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wsanalyze.router.orders import Behaviour


class ProxyProtocol(enum.Enum):
    """Whether PROXY protocol headers (versions 1 and 2) are understood."""

    OFF = "off"
    """One is taken for a request that is none: a bare 400, as a Gorouter without `enable_proxy` answers."""
    OPTIONAL = "optional"
    """Taken where it comes, as a Gorouter with `enable_proxy` does."""
    REQUIRED = "required"
    """A connection without one is ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of it is held, and for how long, whatever the other end does. Times in seconds."""

    connections: int = 1000
    """At a time; of 1,024 open files, which is what many systems allow a process. Further ones are ended at once."""
    head: int = 65536
    """Bytes of a request's head: twice what load balancers let through."""
    body: int = 64 * 1024 * 1024
    """Bytes of a request's body; they are counted, not kept."""
    message: int = 1024 * 1024
    """Bytes of a WebSocket message; a longer one is answered by 1009 (RFC 6455 7.4.1)."""
    streams: int = 100
    """Of an HTTP/2 connection, at a time: what RFC 9113 6.5.2 recommends at least."""
    requests: int = 10_000
    """Of an HTTP/2 connection in all: a client that opens and resets streams without an end is sent away."""
    idle: float = 900.0
    """Without a byte from the other end; a Gorouter's front_idle_timeout."""
    head_time: float = 30.0
    """From a head's first byte to its end; also for a TLS handshake and a PROXY header."""
    body_time: float = 300.0
    """From a head's end to the end of the body."""
    send_time: float = 30.0
    """Until the other end has taken what it is sent: slow consumers are dropped, as Loggregator does."""
    close_time: float = 10.0
    """Until a Close frame is answered."""
    linger: float = 1.0
    """For the other end to read the last answer and to leave first."""
    ping_interval: float = 15.0
    """Between pings on a stream of logs, as Loggregator sends them."""
    pong_time: float = 30.0
    """Without a pong on a stream of logs: it is closed with 1008, as Loggregator does."""


def _nothing(_: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a router behaves."""

    behaviour: Behaviour | None = None
    """Of all handshakes whose path does not order one."""
    router_error: str | None = None
    """What all requests whose path does not order one are answered with; `route_service_unsupported`: all handshakes."""
    proxy_protocol: ProxyProtocol = ProxyProtocol.OFF
    tls: bool = False
    """With a certificate that is made for this router, unless `certificate` and `key` name one."""
    certificate: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()
    """Host names and addresses in the certificate that is made, beside those of this machine."""
    subprotocols: tuple[str, ...] = ()
    """Those that are chosen, in order of preference; without any: the first that the client offers."""
    rate: float = 10.0
    """Messages a second on a stream of logs."""
    show_secrets: bool = False
    """Whether secrets are written to the access log and to the reports on what was received."""
    limits: Limits = field(default_factory=Limits)
    log: Callable[[str], None] = _nothing
    """Takes each line of the access log."""
    note: Callable[[str], None] = _nothing
    """Takes a line on each connection that came to nothing."""
