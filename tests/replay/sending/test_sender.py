"""Whole plans: many connections at once, their times, their rate, and the end before the end."""

from __future__ import annotations

import asyncio
import dataclasses
import resource
import time

import anyio
import pytest

from tests.replay.sending.plans import QUICK, get, handshake, impatient, plan, said, step
from tests.replay.sending.recorder import Recorder
from tests.replay.sending.servers import answering, echo, raw, silent, unused, websocket_server
from wsanalyze.replay.model import Connection, Replayed
from wsanalyze.replay.sending import send

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_thousand_handshakes_a_hundred_at_a_time() -> None:
    open_now = peak = 0

    async def handler(connection: object) -> None:
        nonlocal open_now, peak
        open_now += 1
        peak = max(peak, open_now)
        await echo(connection)  # type: ignore[arg-type]
        open_now -= 1

    done: list[Replayed] = []
    connections = [[handshake(f"h{number}", [step("a")], frames=said("a"))] for number in range(1000)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with websocket_server(handler, compression=None) as target:
        settings = dataclasses.replace(QUICK, concurrency=100, timeout=10)
        replayed = await send(plan(*connections), target, settings, progress=done.append)
    assert len(done) == len(replayed) == 1000
    assert {(one.outcome, one.received, one.close_code, one.error) for one in done} == {("established", 1, 1000, None)}
    assert 10 < peak <= 100
    # Kibibytes, of which those of the server are a part.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


async def test_a_thousand_handshakes_with_a_target_that_is_down() -> None:
    connections = [[handshake(f"h{number}")] for number in range(1000)]
    replayed = await send(plan(*connections), unused(), dataclasses.replace(QUICK, concurrency=100))
    assert {one.outcome for one in replayed.values()} == {"no-answer"}
    assert len(replayed) == 1000


async def test_connections_begin_when_they_are_due() -> None:
    recorder = Recorder()
    connections = [
        Connection(number, start, http2=False, proxy_header=b"", requests=(get(f"r{number}"),))
        for number, start in enumerate((0.4, 0.0, 0.2))
    ]
    async with raw(answering(OK)) as target:
        began = time.time()
        await send(plan(*connections), target, dataclasses.replace(QUICK, speed=2), recorder)
    times = [connection.times[0] - began for connection in recorder.connections]
    # None before it is due; how much later is the machine's business.
    assert times == sorted(times)
    assert all(moment > due - 0.02 for moment, due in zip(times, (0.0, 0.1, 0.2), strict=True))


async def test_no_more_connections_a_second_than_allowed() -> None:
    recorder = Recorder()
    async with raw(answering(OK)) as target:
        settings = dataclasses.replace(QUICK, max_rate=20)
        began = time.time()
        await send(plan(*[[get(f"r{number}")] for number in range(5)]), target, settings, recorder)
    times = [connection.times[0] for connection in recorder.connections]
    assert times[-1] - began > 0.18


async def test_no_more_connections_at_once_than_allowed() -> None:
    open_now = peak = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, peak
        open_now += 1
        peak = max(peak, open_now)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.02)
        open_now -= 1
        writer.write(OK)

    async with raw(handler) as target:
        settings = dataclasses.replace(QUICK, concurrency=3)
        await send(plan(*[[get(f"r{number}")] for number in range(12)]), target, settings)
    assert peak == 3


async def test_what_was_done_is_there_when_interrupted() -> None:
    results: dict[str, Replayed] = {}
    done: list[str] = []
    stays = handshake("h3", [step("a"), step("b", follows=9)], path="/stays")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/stays" in head:
            writer.write(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        elif b"/silent" not in head:
            writer.write(OK)
        await silent(reader, writer)

    async with raw(handler) as target:
        with anyio.move_on_after(0.4) as scope:
            await send(
                plan([get("r1")], [get("r2", "/silent"), get("r4")], [stays]),
                target,
                impatient(timeout=60),
                progress=lambda replayed: done.append(replayed.id),
                results=results,
            )
    assert scope.cancelled_caught
    assert {name: (one.outcome, one.error) for name, one in results.items()} == {
        "r1": ("answered", None),
        "r2": ("no-answer", "interrupted before the answer came"),
        "h3": ("established", None),
        "r4": (None, None),
    }
    assert (results["h3"].sent, results["h3"].notes) == (1, ["It was interrupted."])
    assert sorted(done) == ["h3", "r1", "r2"]


async def test_nothing_to_send() -> None:
    assert await send(plan(), unused(), QUICK) == {}
