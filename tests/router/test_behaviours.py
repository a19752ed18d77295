"""What can be ordered of the router, by option and by path."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import websockets

from tests.router.serving import get, handshake, running
from wsanalyze.router import BEHAVIOURS, Behaviour, Settings
from wsanalyze.router.orders import in_path

pytestmark = pytest.mark.anyio


def test_orders_are_read() -> None:
    assert Behaviour.parse("strip") == Behaviour("strip")
    assert Behaviour.parse("terminate=4000") == Behaviour("terminate", 4000)
    assert Behaviour.parse("cut=0.5") == Behaviour("cut", 0.5)
    assert in_path("/behave/refuse/503/apps/x/stream").words == ("apps", "x", "stream")
    assert in_path("/behave/terminate/chat").words == ("chat",)
    assert in_path("/behave").behaviour is None


NONSENSE = (
    ("", "no", "strip=1", "silent=", "slow", "cut", "cut=-1", "cut=nan", "slow=inf", "slow=1e9"),
    ("refuse", "refuse=", "refuse=101", "refuse=x", "terminate=1005", "terminate=99", "terminate="),
)


@pytest.mark.parametrize("text", [one for some in NONSENSE for one in some])
def test_orders_that_mean_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r"there is no behaviour|takes"):
        Behaviour.parse(text)


@pytest.mark.parametrize("path", ["/behave/no", "/behave/refuse/x", "/behave/cut", "/router-error/no", "/behave/"])
async def test_paths_that_mean_nothing(path: str) -> None:
    async with running() as router:
        answered = await router.ask(get(path))
        assert answered.status == 400
        assert answered.body.startswith(b"Bad Request: ")


def settings(order: str, *, by_path: bool) -> Settings:
    """With the order, unless that is in the path."""
    return Settings(behaviour=None if by_path else Behaviour.parse(order))


def target(order: str, *, by_path: bool) -> str:
    return f"/behave/{order.replace('=', '/')}/chat" if by_path else "/chat"


BY_PATH = pytest.mark.parametrize("by_path", [False, True])


@BY_PATH
async def test_strip(by_path: bool) -> None:
    async with running(settings("strip", by_path=by_path)) as router:
        answered = await router.ask(handshake(target("strip", by_path=by_path)))
        assert answered.status == 200
        names = [name for name, _ in answered.report["headers"]]
        assert names == ["Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version"]
        streamed = await router.ask(handshake("/behave/strip/firehose/x"))
        assert (streamed.status, streamed["Sec-Websocket-Version"]) == (400, "13")


@asynccontextmanager
async def connected(order: str, *, by_path: bool) -> AsyncIterator[websockets.ClientConnection]:
    """A client of a router with this order."""
    async with (
        running(settings(order, by_path=by_path)) as router,
        websockets.connect(f"ws://{router.authority}{target(order, by_path=by_path)}") as client,
    ):
        yield client


@BY_PATH
async def test_terminate(by_path: bool) -> None:
    async with connected("terminate", by_path=by_path) as client:
        assert "own hand" in str(await client.recv())
        with pytest.raises(websockets.ConnectionClosedOK):
            await client.recv()
    async with connected("terminate=4321", by_path=by_path) as client:
        with pytest.raises(websockets.ConnectionClosed):
            await client.recv()
        assert client.close_code == 4321


@BY_PATH
@pytest.mark.parametrize("status", [200, 204, 302, 403, 503, 599])
async def test_refuse(status: int, by_path: bool) -> None:
    order = f"refuse={status}"
    async with running(settings(order, by_path=by_path)) as router:
        raw = await router.open()
        for _ in range(2):
            await raw.send(handshake(target(order, by_path=by_path)))
            assert (await raw.answer()).status == status
        if not by_path:
            assert (await router.ask(get())).report["target"] == "/"


@BY_PATH
async def test_silent(by_path: bool) -> None:
    async with running(settings("silent", by_path=by_path), idle=0.3) as router:
        raw = await router.open()
        await raw.send(handshake(target("silent", by_path=by_path)))
        assert await raw.rest() == b""
        (line,) = await router.logged()
        assert ' HTTP/1.1" "-" 0 0 "-"' in line


@BY_PATH
async def test_cut(by_path: bool) -> None:
    async with connected("cut=0.3", by_path=by_path) as client:
        began = time.monotonic()
        await client.send("still here")
        assert await client.recv() == "still here"
        with pytest.raises(websockets.ConnectionClosedError):
            await client.recv()
        assert 0.2 < time.monotonic() - began < 10
        assert client.close_code == 1006


async def test_cut_of_an_ordinary_request() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(get("/behave/cut/0.1/x") + get("/next"))
        assert (await raw.answer()).status == 200
        assert await raw.rest() == b""


@BY_PATH
async def test_slow(by_path: bool) -> None:
    async with running(settings("slow=0.3", by_path=by_path)) as router:
        began = time.monotonic()
        assert (await router.ask(handshake(target("slow=0.3", by_path=by_path)))).status == 101
        assert 0.25 < time.monotonic() - began < 10


@BY_PATH
async def test_route_services_concern_websockets_only(by_path: bool) -> None:
    name = "route_service_unsupported"
    async with running(Settings(router_error=None if by_path else name)) as router:
        path = f"/router-error/{name}/x" if by_path else "/x"
        answered = await router.ask(handshake(path))
        assert (answered.status, answered["X-Cf-Routererror"]) == (503, name)
        assert (await router.ask(get(path))).status == 200


async def test_the_path_wins_over_the_option() -> None:
    async with running(Settings(behaviour=Behaviour("silent"))) as router:
        assert (await router.ask(handshake("/behave/refuse/403"))).status == 403


def test_every_behaviour_is_tested() -> None:
    tested = {name.removeprefix("test_") for name in globals()}
    assert set(BEHAVIOURS) <= tested
