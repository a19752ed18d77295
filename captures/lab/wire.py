"""Takes the frames of one link, gives them on late, twice, in another order, or not at all: a bad cable in user space.

What `netem` does in the kernel is done here between two packet sockets, so that it works where that module is absent.
"""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import dataclass

from captures.lab.network import Namespace

_ALL_PROTOCOLS = 0x0003
_OUTGOING = 4
_JUMBO = 65536


@dataclass(frozen=True, slots=True)
class Impairment:
    """How bad the link is, in shares of its frames."""

    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    delay: float = 0.01
    """How long a frame that is overtaken is held back, in seconds."""


class Wire:
    """Carries the frames between the two interfaces `near` and `far` of its namespace while it is open."""

    def __init__(self, namespace: Namespace, impairment: Impairment, chance: random.Random) -> None:
        self.impairment = impairment
        self.chance = chance
        self.ends = [self._open(namespace, name) for name in ("near", "far")]
        loop = asyncio.get_running_loop()
        for end, other in (self.ends, reversed(self.ends)):
            loop.add_reader(end, self._carry, end, other)

    @staticmethod
    def _open(namespace: Namespace, interface: str) -> socket.socket:
        end = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
        end.bind((interface, _ALL_PROTOCOLS))
        return end

    def _carry(self, end: socket.socket, other: socket.socket) -> None:
        frame, origin = end.recvfrom(_JUMBO)
        # A packet socket also hears what it sent itself.
        if origin[2] == _OUTGOING:
            return
        if self.chance.random() < self.impairment.loss:
            return
        loop = asyncio.get_running_loop()
        copies = 2 if self.chance.random() < self.impairment.duplication else 1
        for _ in range(copies):
            if self.chance.random() < self.impairment.reordering:
                loop.call_later(self.impairment.delay, self._send, other, frame)
            else:
                self._send(other, frame)

    @staticmethod
    def _send(other: socket.socket, frame: bytes) -> None:
        # A link that is gone carries nothing more.
        if other.fileno() >= 0:
            other.send(frame)

    def close(self) -> None:
        """Stop carrying."""
        loop = asyncio.get_running_loop()
        for end in self.ends:
            loop.remove_reader(end)
            end.close()
