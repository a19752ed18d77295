"""Takes a scenario and its network, opens what stands behind the load balancer: routers, or a Gorouter before an app."""

from __future__ import annotations

from pathlib import Path

from captures.lab.gorouter import APP_PORT, Gorouter
from captures.lab.network import APP, ROUTERS, Network
from captures.lab.router import Router
from captures.lab.scenario import Scenario
from captures.lab.seen import Raw, Seen


class Behind:
    """What the load balancer's requests come to, with its logs."""

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self.scenario, self.network = scenario, network
        self.gorouter = Gorouter(network.router) if scenario.around.app else None
        self.answering = Router(
            network.spaces["app"] if self.gorouter else network.router,
            proxy=scenario.router_speaks,
            connect=scenario.router_connect,
            app=self.gorouter is not None,
        )

    @property
    def log(self) -> list[Seen]:
        """What the load balancer's next hop got and answered."""
        return self.gorouter.log if self.gorouter else self.answering.log

    @property
    def raw(self) -> list[Raw]:
        """What came to it and was no HTTP."""
        return [] if self.gorouter else self.answering.raw

    async def open(self, certificate: Path, keylog: Path | None) -> None:
        """Listen as the scenario wants it."""
        if self.gorouter:
            await self.gorouter.open()
            await self.answering.open((APP,), port=APP_PORT)
        elif self.scenario.around.twins:
            first, second = ROUTERS
            await self.answering.open((first,))
            await self.answering.open((second,), namespace=self.network.spaces["router2"])
        else:
            await self.answering.open(tls=self.scenario.router_tls, certificate=certificate, keylog=keylog)

    async def close(self) -> None:
        """Stop listening, and drop what is still open."""
        if self.gorouter:
            await self.gorouter.close()
        await self.answering.close()
