"""Takes a URL or `host:port`, gives the target: where to connect, and how to know that it is the right one."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

_SCHEMES: Final[dict[str, Literal["http", "https"]]] = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
_PORTS: Final = {"http": 80, "https": 443}
_MAX_HOST: Final = 253
"""Octets of a domain name in text (RFC 1035 2.3.4)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a replay is sent."""

    scheme: Literal["http", "https"]
    host: str
    """A name or an address, IPv6 without brackets."""
    port: int
    address: str | None = None
    """What is connected to instead of `host`."""
    checked: tuple[str, ...] = ()
    """The addresses of the host that were looked up beforehand: no others are connected to."""
    sni: str | None = None
    """The name that TLS asks for, and that the certificate has to bear, instead of `host`."""
    cafile: Path | None = None
    """The authorities that are trusted, instead of the system's."""
    insecure: bool = False
    """Whether any certificate will do."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def server_name(self) -> str:
        """What the certificate is for."""
        return self.sni or self.host


def parse_target(
    text: str,
    *,
    resolve: tuple[str, ...] = (),
    sni: str | None = None,
    cafile: Path | None = None,
    insecure: bool = False,
) -> Target:
    """The target that `text` names; a path is ignored.

    `resolve` holds `HOST:ADDR`, of which those for another host say nothing. Raises ValueError with a sentence.
    """
    scheme, host, port = _origin(text)
    address = None
    for entry in resolve:
        name, chosen = _resolved(entry)
        if name == host.lower():
            address = chosen
    return Target(
        scheme,
        host,
        port,
        address,
        sni=_name(sni, "the server name") if sni else None,
        cafile=cafile,
        insecure=insecure,
    )


def _origin(text: str) -> tuple[Literal["http", "https"], str, int]:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is no target: {error}") from None
    if parts.scheme and parts.scheme not in _SCHEMES:
        raise ValueError(f"{text!r} is no target: {parts.scheme!r} is not one of http, https, ws, wss")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the target carries a user name or password, which nothing would be done with")
    scheme = _SCHEMES[parts.scheme or "http"]
    if not parts.hostname:
        raise ValueError(f"{text!r} is no target: it names no host")
    if port is None and not parts.scheme:
        raise ValueError(f"{text!r} is no target: a port is missing, or http:// or https:// before it")
    if port == 0:
        raise ValueError(f"{text!r} is no target: nothing listens on port 0")
    return scheme, _name(parts.hostname, "the host of the target"), port or _PORTS[scheme]


def _name(host: str, what: str) -> str:
    if len(host) > _MAX_HOST or not host.isprintable() or any(character in host for character in " /\\@?#\"'<>"):
        raise ValueError(f"{what}, {host[:_MAX_HOST]!r}, is neither a name nor an address")
    return host


def _resolved(entry: str) -> tuple[str, str]:
    host, _, address = entry.partition(":")
    address = address.removeprefix("[").removesuffix("]")
    try:
        ip_address(address)
    except ValueError:
        raise ValueError(f"{entry!r} is not HOST:ADDR: {address!r} is no address") from None
    if not host:
        raise ValueError(f"{entry!r} is not HOST:ADDR: it names no host")
    return host.lower(), address
