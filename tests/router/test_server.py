"""The router as a whole: it begins and ends within an event loop that is there already, and takes what a replay sends."""

from __future__ import annotations

import asyncio
import socket
import time

import anyio
import pytest
import websockets

from tests.router.serving import Raw, get, handshake, running
from wsanalyze.router import Router, Settings

pytestmark = pytest.mark.anyio


async def test_it_begins_and_ends() -> None:
    before = asyncio.all_tasks()
    router = Router(Settings())
    for _ in range(3):
        async with router.serve() as (host, port):
            assert host == "127.0.0.1"
            raw = Raw(*await asyncio.open_connection(host, port))
            await raw.send(handshake("/stream"))
            assert (await raw.answer()).status == 101
        await raw.rest()
        raw.writer.close()
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection(host, port)
    assert asyncio.all_tasks() == before


async def test_what_is_still_open_is_logged_at_the_end() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(handshake())
        await raw.answer()
        log = router.log
        assert log == []
    assert '"GET /chat HTTP/1.1" 101 ' in log[0]


async def test_exceptions_of_the_block_come_out_as_they_are() -> None:
    for raised in (ValueError("mine"), KeyError(1)):
        with pytest.raises(type(raised)) as caught:
            async with Router(Settings()).serve():
                raise raised
        assert caught.value is raised


async def test_it_can_be_cancelled() -> None:
    with anyio.move_on_after(0.2) as scope:
        async with Router(Settings()).serve():
            await anyio.sleep_forever()
    assert scope.cancelled_caught


async def test_addresses() -> None:
    async with Router(Settings()).serve("localhost") as (_, port), Router(Settings()).serve("::1") as (host, other):
        assert host == "::1"
        for address, number in (("127.0.0.1", port), ("::1", other)):
            raw = Raw(*await asyncio.open_connection(address, number))
            await raw.send(get())
            told = (await raw.answer()).report
            assert told["client"].startswith("[::1]:" if address == "::1" else "127.0.0.1:")
            raw.writer.close()
        with pytest.raises(OSError, match="use"):
            async with Router(Settings()).serve("::1", other):
                pass


async def test_a_log_that_fails_ends_nothing_but_that_connection() -> None:
    def fail(_: str) -> None:
        raise ZeroDivisionError

    notes: list[str] = []
    async with Router(Settings(log=fail, note=notes.append)).serve() as (host, port):
        for _ in range(2):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(get())
            await reader.read()
            writer.close()
    assert len(notes) == 2
    assert all("ZeroDivisionError" in note for note in notes)


async def test_a_thousand_handshakes_a_hundred_at_a_time() -> None:
    async with running() as router:
        room = asyncio.Semaphore(100)
        echoed = 0

        async def one(number: int) -> None:
            nonlocal echoed
            async with room, websockets.connect(f"ws://{router.authority}/{number}", compression=None) as client:
                await client.send(str(number))
                assert await client.recv() == str(number)
                echoed += 1

        began = time.monotonic()
        await asyncio.gather(*(one(number) for number in range(1000)))
        assert echoed == 1000
        assert len(await router.logged(1000)) == 1000
        assert time.monotonic() - began < 60
        assert not router.notes


async def test_many_connections_at_a_time() -> None:
    async with running(connections=400) as router:
        held = [await router.open() for _ in range(400)]
        for raw in held:
            await raw.send(handshake())
        assert {(await raw.answer()).status for raw in held} == {101}
        for raw in held:
            raw.reset()
        await router.logged(400)


async def test_no_file_left_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    async def accept(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError(24, "Too many open files")
        return await true(loop, sock)

    loop = asyncio.get_running_loop()
    true = type(loop).sock_accept
    monkeypatch.setattr(type(loop), "sock_accept", accept)
    async with running() as router:
        assert (await router.ask(get())).status == 200
        assert "Too many open files" in router.notes[0]
