"""Takes nothing, gives the words in which a scenario is told: which load balancer, which traffic, how it was recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from captures.lab.forms import Form
from captures.lab.network import Surroundings
from captures.lab.plan import Traffic
from captures.lab.wire import Impairment


@dataclass(frozen=True, slots=True)
class Recording:
    """How the two captures are made, and what becomes of them."""

    snaplen: int = 0
    any_interface: bool = False
    """Both are recorded with `-i any` on the load balancer, told apart by address only."""
    from_start: bool = False
    """It begins before the load balancer does."""
    clock_shift: float = 0.0
    """Seconds by which the back's clock is ahead."""
    loss: float = 0.0
    """Share of packets that the recording itself loses, as a capturing program that cannot keep up does."""
    back_lost: bool = True
    """Whether the back loses them, too."""


@dataclass(frozen=True, slots=True)
class RouterTls:
    """The router speaks TLS, on 443."""

    carried: bool = False
    """It is the client's own TLS, which the load balancer only carries."""
    version: str | None = None
    """`1.2` or `1.3`; None: both."""
    alpn: tuple[str, ...] = ()
    after_proxy: bool = False
    """A PROXY header, version 2, stands before it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load balancer with one configuration, one plan of traffic and one way of recording."""

    name: str
    shows: str
    """What it shows, in one line."""
    traffic: Traffic
    balancer: str = ""
    """Folder in `balancers/`, or a behaviour of `proxies`; empty where it is the scenario's own name."""
    recording: Recording = field(default_factory=Recording)
    impaired: str | None = None
    """The link whose frames are impaired: `front` or `back`."""
    impairment: Impairment = field(default_factory=Impairment)
    router_speaks: str = "any"
    """PROXY headers that the router understands: `any`, `v1`, `none`."""
    router_tls: RouterTls | None = None
    router_connect: str = "taken"
    """What the router makes of an extended CONNECT: `taken`; `reset` though its settings announce it; `unknown`, reset and not
    announced, as Gorouter does."""
    router_up: bool = True
    router_is_asked: bool = True
    """The load balancer has the router's right address."""
    around: Surroundings = field(default_factory=Surroundings)
    forms: tuple[Form, ...] = ()
    """What else is recorded of the same traffic, and made of the recordings."""

    @property
    def carried(self) -> bool:
        """Whether the router's TLS is the client's own."""
        return self.router_tls is not None and self.router_tls.carried

    @property
    def program(self) -> str:
        """What stands between client and router."""
        return self.balancer or self.name
