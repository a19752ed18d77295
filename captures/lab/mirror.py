"""Takes the frames of interfaces, sends each on to a collector within a UDP datagram: traffic mirroring as clouds do it.

AWS Traffic Mirroring wraps them in VXLAN (RFC 7348), NSX in GENEVE (RFC 8926).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from captures.lab.network import COLLECTOR, Namespace

_ALL_PROTOCOLS = 0x0003
_JUMBO = 65536
_BUFFER = 1 << 24
_FLOWS = 4
_ADDRESSES_AND_PORTS = slice(14 + 12, 14 + 24)
_ETHERNET = 0x6558
"""Transparent Ethernet bridging."""
_VMWARE = 0x0104
"""Option class of IANA's list, for NSX."""


def vxlan(network: int) -> bytes:
    """The header that goes before a frame (RFC 7348 5)."""
    return struct.pack("!II", 0x08 << 24, network << 8)


def geneve(network: int) -> bytes:
    """The header that goes before a frame, with one option (RFC 8926 3.4, 3.5)."""
    option = struct.pack("!HBB4s", _VMWARE, 0x00, 1, b"\0\0\0\1")
    return struct.pack("!BBHI", len(option) // 4, 0, _ETHERNET, network << 8) + option


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """A header, and the port to which it is sent."""

    header: Callable[[int], bytes]
    port: int


VXLAN = Encapsulation(vxlan, 4789)
GENEVE = Encapsulation(geneve, 6081)


class Mirror:
    """Sends on the frames of a namespace's interfaces while it is open, each interface under a network identifier of its own."""

    def __init__(
        self, source: Namespace, sender: Namespace, networks: dict[str, int], wrapped: tuple[Encapsulation, ...]
    ) -> None:
        self.networks, self.wrapped = networks, wrapped
        # One socket for all interfaces: it keeps their frames in order.
        self.tap = source.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
        self.tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        # The source port tells flows apart (RFC 7348 5, RFC 8926 3.3).
        self.flows = [sender.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(_FLOWS)]
        asyncio.get_running_loop().add_reader(self.tap, self._carry)

    def _carry(self) -> None:
        while True:
            try:
                frame, origin = self.tap.recvfrom(_JUMBO)
            except BlockingIOError:
                return
            if (network := self.networks.get(origin[0])) is None:
                continue
            flow = self.flows[zlib.crc32(frame[_ADDRESSES_AND_PORTS]) % _FLOWS]
            for how in self.wrapped:
                flow.sendto(how.header(network) + frame, (COLLECTOR, how.port))

    def close(self) -> None:
        """Stop."""
        asyncio.get_running_loop().remove_reader(self.tap)
        for sock in (self.tap, *self.flows):
            sock.close()
