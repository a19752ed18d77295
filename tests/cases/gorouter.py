"""Takes a story about a load balancer, a Gorouter behind it and an app, gives the captures of the Gorouter's two legs."""

from __future__ import annotations

from typing import Any

from tests.cases.wire import CLIENT, LB_BACK, ROUTER, Story, Tcp, answer, handshake, request, switching

APP, APP_PORT = "10.255.0.20", 61001
FORWARDED: dict[str, Any] = {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "https"}
"""What the load balancer in front says of the client."""


def marks(number: int = 0, **changes: Any) -> dict[str, Any]:
    """The headers that a Gorouter puts on a request to an app; arguments change them."""
    own = {
        "X_Cf_Applicationid": "5e9f8a0c-3d0b-4f7e-8a55-2f1d6a1c9b10",
        "X_Cf_Instanceid": "7d0d3c8e-1b5c-4f6e-6a2b-9c1e",
        "X_Cf_Instanceindex": "0",
        "X_Vcap_Request_Id": f"c3a2f1d0-0000-4000-8000-{number:012}",
        "X_Forwarded_For": f"{CLIENT}, {LB_BACK}",
        "X_Forwarded_Proto": "https",
    }
    return {**own, **changes}


class GorouterStory(Story):
    """What happened around a Gorouter, in order."""

    numbers = 0

    def front(self, client: str = LB_BACK, port: int = 80) -> Tcp:
        """The load balancer connects to the Gorouter."""
        return self.tcp("front", client, ROUTER, port).connect()

    def back(self, router: str = APP, port: int = APP_PORT) -> Tcp:
        """The Gorouter connects to an app."""
        return self.tcp("back", ROUTER, router, port).connect()

    def page(self, target: str | None = None, *, forwarded: bool = True) -> None:
        """An ordinary request goes through."""
        self.numbers += 1
        path = target or f"/page/{self.numbers}"
        self.carry(
            request(target=path, **(FORWARDED if forwarded else {})), request(target=path, **marks(self.numbers))
        )

    def carry(self, sent: bytes, got: bytes) -> None:
        """The load balancer `sent` an ordinary request, the app `got` it; its answer gets the Gorouter's mark."""
        self.numbers += 1
        front, back = self.front(), self.back()
        front.ask(sent)
        back.ask(got).reply(answer(200, b"ok")).end()
        front.reply(answer(200, b"ok", X_Vcap_Request_Id=f"a-{self.numbers}")).end()

    def talk(self, target: str, *, sent: dict[str, Any] | None = None, got: dict[str, Any] | None = None) -> None:
        """A handshake goes through, with these headers on its way."""
        self.numbers += 1
        key = f"{self.numbers:022}=="
        front, back = self.front(), self.back()
        front.ask(handshake(target, key, **(FORWARDED if sent is None else sent)))
        back.ask(handshake(target, key, **(marks(self.numbers) if got is None else got))).reply(switching(key))
        front.reply(switching(key, X_Vcap_Request_Id=f"a-{self.numbers}"))
