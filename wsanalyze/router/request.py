"""A request as the router received it, and the connection on which it came."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace

from wsanalyze.router.proxy_header import ProxyHeader

Headers = tuple[tuple[str, str], ...]
"""Names and values, decoded as ISO-8859-1: every byte is one character."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What was agreed on."""

    version: str
    cipher: str
    alpn: str | None
    server_name: str | None


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection. Addresses are `address:port`."""

    address: str
    own: str
    """At which the router was reached."""
    proxy: ProxyHeader | None = None
    tls: Tls | None = None

    @property
    def client(self) -> str:
        """Who is taken for the client: whom the PROXY header names, else who connected."""
        return (self.proxy and self.proxy.source) or self.address


@dataclass(frozen=True, slots=True)
class Request:
    """A request, with its headers as they came: order, case and duplicates."""

    peer: Peer
    method: str
    target: str
    version: str
    """`1.0`, `1.1` or `2`."""
    headers: Headers
    """In HTTP/2 with its pseudo-header fields."""
    body_bytes: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """X-Vcap-Request-Id: a Gorouter makes one for each request, whatever came."""
    received: float = field(default_factory=time.time)

    def values(self, name: str) -> list[str]:
        """The values of every line with this name."""
        return [value for key, value in self.headers if key.lower() == name]

    def tokens(self, name: str) -> set[str]:
        """What the lists of these lines hold, in lower case (RFC 9110 5.6.1)."""
        return {token.strip().lower() for value in self.values(name) for token in value.split(",")}

    @property
    def host(self) -> str:
        """The host that is asked for."""
        return next(iter([*self.values(":authority"), *self.values("host")]), "")

    @property
    def path(self) -> str:
        """The target without its query, and without scheme and authority where it has them (RFC 9112 3.2.2)."""
        path = self.target.partition("?")[0]
        if "://" in path and not path.startswith("/"):
            path = "/" + path.partition("://")[2].partition("/")[2]
        return path

    @property
    def protocol(self) -> str | None:
        """What an extended CONNECT asks for (RFC 8441 4); None where it is none."""
        return next(iter(self.values(":protocol")), None) if self.method == "CONNECT" else None

    def without(self, *names: str) -> Request:
        """The same without these headers."""
        return replace(self, headers=tuple(one for one in self.headers if one[0].lower() not in names))
