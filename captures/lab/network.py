"""Takes nothing, gives the lab's network: a client, a load balancer and a router, each in a network namespace of its own.

The endpoints run in the lab's own process: a socket belongs to the namespace in which it was made.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket as sockets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

CLIENTS = ("203.0.113.10", "203.0.113.11", "203.0.113.12")
CLIENT6 = "2001:db8:113::10"
LB_FRONT = "203.0.113.1"
LB_FRONT6 = "2001:db8:113::1"
LB_BACK = "10.244.0.1"
ROUTERS = ("10.244.0.10", "10.244.0.11")

_CLONE_NEWNET = 0x40000000
# What a network card computes later is wrong in a capture: checksums, and segments larger than the wire carries.
_OFFLOADS = ("rx", "tx", "tso", "gso", "gro")


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace, by its name."""

    name: str

    @property
    def command(self) -> tuple[str, ...]:
        """What to put before a command so that it runs here."""
        return ("ip", "netns", "exec", self.name)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is in this namespace meanwhile; sockets made here stay here."""
        with Path("/proc/thread-self/ns/net").open("rb") as home, Path("/run/netns", self.name).open("rb") as away:
            _setns(away.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())

    def socket(self, family: int, kind: int = sockets.SOCK_STREAM, protocol: int = 0) -> sockets.socket:
        """A non-blocking socket of this namespace."""
        with self.entered():
            made = sockets.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    def listen(self, address: str, port: int) -> sockets.socket:
        """A listening socket of this namespace."""
        listening = self.socket(sockets.AF_INET6 if ":" in address else sockets.AF_INET)
        listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(128)
        return listening


def _setns(descriptor: int) -> None:
    # os.setns is there from Python 3.12 on.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


class Network:
    """client — [wire —] load balancer — router; made on entry, removed on exit. Needs root."""

    def __init__(self, *, impaired: str | None = None) -> None:
        """`impaired` (`front` or `back`) puts the namespace `wire` into that link, for `wire.Wire` to carry its frames."""
        prefix = f"wslab{os.getpid()}"
        self.client, self.lb, self.router, self.wire = (
            Namespace(f"{prefix}-{name}") for name in ("client", "lb", "router", "wire")
        )
        self.impaired = impaired

    def __enter__(self) -> Network:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _make(self) -> None:
        for namespace in (self.client, self.lb, self.router, self.wire):
            _ip("netns", "add", namespace.name)
            _ip("-n", namespace.name, "link", "set", "lo", "up")
        self._link("front", self.client, self.lb)
        self._link("back", self.lb, self.router)
        for address in CLIENTS:
            self._address(self.client, f"{address}/24", "front")
        self._address(self.client, f"{CLIENT6}/64", "front")
        self._address(self.lb, f"{LB_FRONT}/24", "front")
        self._address(self.lb, f"{LB_FRONT6}/64", "front")
        self._address(self.lb, f"{LB_BACK}/24", "back")
        for address in ROUTERS:
            self._address(self.router, f"{address}/24", "back")
        # Programs that bind an address before the link is ready would fail otherwise.
        _run(*self.lb.command, "sysctl", "-q", "-w", "net.ipv6.conf.all.accept_dad=0", "net.ipv4.ip_nonlocal_bind=1")

    def _link(self, name: str, near: Namespace, far: Namespace) -> None:
        """A cable whose two ends are called `name`; through the wire where it is to be impaired."""
        hops = ((near, name), (far, name))
        if self.impaired == name:
            self._cable(hops[0], (self.wire, "near"))
            self._cable((self.wire, "far"), hops[1])
        else:
            self._cable(*hops)

    def _cable(self, near: tuple[Namespace, str], far: tuple[Namespace, str]) -> None:
        (ns, name), (other, peer) = near, far
        _ip("-n", ns.name, "link", "add", name, "type", "veth", "peer", "name", peer, "netns", other.name)
        for namespace, interface in (near, far):
            _run(*namespace.command, "ethtool", "-K", interface, *(word for o in _OFFLOADS for word in (o, "off")))
            _ip("-n", namespace.name, "link", "set", interface, "up")

    def _address(self, namespace: Namespace, address: str, interface: str) -> None:
        _ip("-n", namespace.name, "address", "add", address, "dev", interface, *(("nodad",) if ":" in address else ()))

    def _remove(self) -> None:
        for namespace in (self.client, self.lb, self.router, self.wire):
            subprocess.run(("ip", "netns", "delete", namespace.name), capture_output=True, check=False)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
