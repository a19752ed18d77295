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
LB2_FRONT = "203.0.113.2"
LB2_BACK = "10.244.0.2"
APP = "10.255.0.20"
ROUTER_TO_APP = "10.255.0.1"
MIRROR = "198.18.0.1"
COLLECTOR = "198.18.0.2"
MIRRORED = {"front": 1001, "back": 1002}
"""Network identifiers of the load balancer's interfaces, as their frames come to the collector."""
OVERLAY = 42
"""VXLAN network identifier of the back link, where that is laid over another network."""

_CLONE_NEWNET = 0x40000000
_SPACES = ("client", "lb", "lb2", "router", "router2", "wire", "switch", "app", "mirror", "collector")
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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is besides a client, a load balancer and a router."""

    mirrored: bool = False
    """A collector, to which the namespace `mirror` sends."""
    overlay: bool = False
    """The back link is a VXLAN over the link `underlay`."""
    app: bool = False
    """An app behind the router."""
    twins: bool = False
    """A second load balancer, and the second router in a namespace of its own; switches join them all."""


class Network:
    """client — [wire —] load balancer — router; made on entry, removed on exit. Needs root."""

    def __init__(self, *, impaired: str | None = None, around: Surroundings | None = None) -> None:
        """`impaired` (`front` or `back`) puts the namespace `wire` into that link, for `wire.Wire` to carry its frames."""
        prefix = f"wslab{os.getpid()}"
        self.spaces = {name: Namespace(f"{prefix}-{name}") for name in _SPACES}
        self.client, self.lb, self.router, self.wire = (
            self.spaces[name] for name in ("client", "lb", "router", "wire")
        )
        self.impaired = impaired
        self.around = around or Surroundings()

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
        for namespace in self.spaces.values():
            _ip("netns", "add", namespace.name)
            _ip("-n", namespace.name, "link", "set", "lo", "up")
        if self.around.twins:
            self._switch("front", ("client", "lb", "lb2"))
            self._switch("back", ("lb", "lb2", "router", "router2"))
        else:
            self._link("front", self.client, self.lb)
            self._link("underlay" if self.around.overlay else "back", self.lb, self.router)
        if self.around.overlay:
            self._overlay((self.lb, "192.0.2.1"), (self.router, "192.0.2.10"))
        if self.around.app:
            self._link("app", self.router, self.spaces["app"])
            self._address(self.router, f"{ROUTER_TO_APP}/24", "app")
            self._address(self.spaces["app"], f"{APP}/24", "app")
        if self.around.mirrored:
            self._mirrored()
        self._addresses()

    def _addresses(self) -> None:
        for address in CLIENTS:
            self._address(self.client, f"{address}/24", "front")
        self._address(self.client, f"{CLIENT6}/64", "front")
        self._address(self.lb, f"{LB_FRONT}/24", "front")
        self._address(self.lb, f"{LB_FRONT6}/64", "front")
        self._address(self.lb, f"{LB_BACK}/24", "back")
        first, second = ROUTERS
        self._address(self.router, f"{first}/24", "back")
        self._address(self.spaces["router2"] if self.around.twins else self.router, f"{second}/24", "back")
        if self.around.twins:
            self._address(self.spaces["lb2"], f"{LB2_FRONT}/24", "front")
            self._address(self.spaces["lb2"], f"{LB2_BACK}/24", "back")
        # Programs that bind an address before the link is ready would fail otherwise.
        _run(*self.lb.command, "sysctl", "-q", "-w", "net.ipv6.conf.all.accept_dad=0", "net.ipv4.ip_nonlocal_bind=1")

    def _switch(self, name: str, members: tuple[str, ...]) -> None:
        """A switch of this name, with a cable to the interface of the same name of each member."""
        switch = self.spaces["switch"]
        _ip("-n", switch.name, "link", "add", name, "type", "bridge")
        _ip("-n", switch.name, "link", "set", name, "up")
        for member in members:
            port = f"{name}-{member}"
            self._cable((self.spaces[member], name), (switch, port))
            _ip("-n", switch.name, "link", "set", port, "master", name)

    def _overlay(self, *ends: tuple[Namespace, str]) -> None:
        """The interface `back` at both ends, in VXLAN over the underlay."""
        for (namespace, own), (_, other) in zip(ends, reversed(ends), strict=True):
            self._address(namespace, f"{own}/24", "underlay")
            kind = ("type", "vxlan", "id", str(OVERLAY), "local", own, "remote", other, "dstport", "4789")
            _ip("-n", namespace.name, "link", "add", "back", *kind, "dev", "underlay")
            _plain(namespace, "back")

    def _mirrored(self) -> None:
        mirror, collector = self.spaces["mirror"], self.spaces["collector"]
        self._link("mirror", mirror, collector)
        for namespace, address in ((mirror, MIRROR), (collector, COLLECTOR)):
            # What is wrapped is larger than what a usual link carries.
            _ip("-n", namespace.name, "link", "set", "mirror", "mtu", "9000")
            self._address(namespace, f"{address}/24", "mirror")

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
            _plain(namespace, interface)

    def _address(self, namespace: Namespace, address: str, interface: str) -> None:
        _ip("-n", namespace.name, "address", "add", address, "dev", interface, *(("nodad",) if ":" in address else ()))

    def _remove(self) -> None:
        for namespace in self.spaces.values():
            subprocess.run(("ip", "netns", "delete", namespace.name), capture_output=True, check=False)


def _plain(namespace: Namespace, interface: str) -> None:
    """The interface is up and computes nothing by itself."""
    _run(*namespace.command, "ethtool", "-K", interface, *(word for o in _OFFLOADS for word in (o, "off")))
    _ip("-n", namespace.name, "link", "set", interface, "up")


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
