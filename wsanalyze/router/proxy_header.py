"""Takes the beginning of a connection, gives the PROXY protocol header on it: who connected to the load balancer.

Section numbers are those of HAProxy's proxy-protocol.txt.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import Final

from wsanalyze.router.stream import Stream

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_V1: Final = b"PROXY "
_LONGEST_V1: Final = 107
"""Bytes, with CRLF (2.1)."""
_LONGEST_V2: Final = 16384
"""Bytes behind the first 16: the addresses, and TLVs such as a client's certificate."""
_FIXED: Final = struct.Struct("!12sBBH")
_SIZES: Final = {0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16}
"""Bytes of an address, by family and protocol (2.2)."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What it says."""

    version: int
    source: str | None
    """`address:port`; None where it names none: UNKNOWN in version 1, LOCAL and other families in version 2."""
    destination: str | None


async def read(stream: Stream) -> ProxyHeader | None:
    """What the connection begins with; None where that is no such header. Raises ValueError where it is a broken one."""
    while _may_be(stream.held) and await stream.more():
        pass
    if stream.held.startswith(_V1):
        return await _version1(stream)
    if stream.held.startswith(SIGNATURE):
        return await _version2(stream)
    return None


def _may_be(held: bytes) -> bool:
    """Whether there is too little to tell."""
    return any(len(held) < len(mark) and mark.startswith(held) for mark in (_V1, SIGNATURE))


async def _version1(stream: Stream) -> ProxyHeader:
    while b"\n" not in stream.held[:_LONGEST_V1]:
        if len(stream.held) >= _LONGEST_V1 or not await stream.more():
            raise ValueError("a PROXY header without an end")
    line = stream.take(stream.held.index(b"\n") + 1)
    words = line.removesuffix(b"\r\n").decode("latin-1").split(" ")
    if words[1] == "UNKNOWN" and line.endswith(b"\r\n"):
        return ProxyHeader(1, None, None)
    if len(words) != 6 or words[1] not in {"TCP4", "TCP6"} or not line.endswith(b"\r\n"):
        raise ValueError("a PROXY header of version 1 that is none")
    version = int(words[1][-1])
    source, destination = (_address(words[at], words[at + 2], version) for at in (2, 3))
    return ProxyHeader(1, source, destination)


def _address(address: str, port: str, version: int) -> str:
    parsed = ipaddress.ip_address(address)
    if parsed.version != version or not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError("a PROXY header with an address that is none")
    return joined(address, int(port))


async def _version2(stream: Stream) -> ProxyHeader:
    while len(stream.held) < _FIXED.size:
        if not await stream.more():
            raise ValueError("a PROXY header without an end")
    _, command, family, length = _FIXED.unpack(stream.take(_FIXED.size))
    if command not in {0x20, 0x21} or length > _LONGEST_V2:
        raise ValueError("a PROXY header of version 2 that is none")
    while len(stream.held) < length:
        if not await stream.more():
            raise ValueError("a PROXY header without an end")
    rest = stream.take(length)
    size = _SIZES.get(family)
    if command == 0x20 or size is None:
        return ProxyHeader(2, None, None)
    if length < 2 * size + 4:
        raise ValueError("a PROXY header that is shorter than its addresses")
    ports = struct.unpack_from("!HH", rest, 2 * size)
    source, destination = (
        joined(str(ipaddress.ip_address(rest[at * size : (at + 1) * size])), ports[at]) for at in (0, 1)
    )
    return ProxyHeader(2, source, destination)


def joined(address: str, port: int) -> str:
    """`address:port`, IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
