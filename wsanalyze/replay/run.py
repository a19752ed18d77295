"""Takes a plan, sends it to a target or to a router of its own, gives each exchange beside what was captured: a replay as a whole."""

from __future__ import annotations

import ipaddress
import signal
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.abc

from wsanalyze import router
from wsanalyze.replay.comparison import compare
from wsanalyze.replay.model import EMBEDDED, Plan, Replayed
from wsanalyze.replay.recording import Recording
from wsanalyze.replay.results import Compared
from wsanalyze.replay.sending import Settings, Target, send
from wsanalyze.replay.volatile import NOTHING_LEARNED, Volatile, learn
from wsanalyze.router import ProxyProtocol, Router

Progress = Callable[[Replayed], None]


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a replay."""

    compared: tuple[Compared, ...]
    """Each exchange, in order of time."""
    where: str
    """What it was sent to."""
    interrupted: bool


def replay(
    plan: Plan,
    target: Target | None,
    settings: Settings,
    *,
    baseline: bool = False,
    recording: Recording | None = None,
    progress: Progress | None = None,
) -> Ran:
    """Send the plan to the target; without one, to a test router that lives as long as this takes.

    `baseline`: it is sent once before, to learn what changes from time to time. `recording` is told of every byte, and of the
    TLS secrets. Ctrl-C ends it with what was done so far. Raises ValueError where files that the target names cannot be
    used, CaptureError and TapError where the recording cannot be written.
    """
    first: dict[str, Replayed] = {}
    second: dict[str, Replayed] = {}
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="wsanalyze-") as folder:
        key_log = Path(folder) / "keys"

        async def run() -> None:
            async with AsyncExitStack() as stack:
                where = target or await _own_router(stack)
                if baseline:
                    await send(plan, where, settings, results=first, progress=progress)
                kept = replace(settings, key_log=key_log) if recording is not None else settings
                await send(plan, where, kept, recording, progress, second)

        try:
            interrupted = anyio.run(_until_told, run)
        except KeyboardInterrupt:
            interrupted = True
        if recording is not None:
            recording.keys(key_log.read_bytes() if key_log.exists() else b"")
            recording.finish()
    learned = learn(first.values(), second.values()) if baseline else NOTHING_LEARNED
    if target is None:
        # Its pages are none of the captured router's.
        learned = replace(learned, everywhere=frozenset({"content-type"}))
    return Ran(_compared(plan, second, learned), str(target) if target else EMBEDDED, interrupted)


async def _until_told(job: Callable[[], Awaitable[None]]) -> bool:
    """Do the job; whether it was ended by SIGTERM or SIGHUP. What it raises is raised."""
    if threading.current_thread() is not threading.main_thread():
        await job()
        return False
    failure: Exception | None = None
    told = False
    async with anyio.create_task_group() as tasks:

        async def listen(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            nonlocal told
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
                task_status.started()
                async for _ in signals:
                    told = True
                    tasks.cancel_scope.cancel()

        await tasks.start(listen)
        try:
            await job()
        # Out of a task group it would come as a group of exceptions.
        except Exception as error:  # noqa: BLE001
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return told


async def _own_router(stack: AsyncExitStack) -> Target:
    settings = router.Settings(proxy_protocol=ProxyProtocol.OPTIONAL)
    host, port = await stack.enter_async_context(Router(settings).serve())
    return Target("http", host, port)


def _compared(plan: Plan, replayed: dict[str, Replayed], learned: Volatile) -> tuple[Compared, ...]:
    found = [
        compare(one.captured, replayed.get(one.id) or Replayed(one.id), request=one, learned=learned)
        for connection in plan.connections
        for one in connection.requests
    ]
    found += [compare(one.captured, one) for one in plan.not_sent]
    return tuple(sorted(found, key=lambda one: (one.captured.asked, one.captured.id)))


def looked_up(target: Target) -> Target:
    """The target with its addresses, so that what is checked is what is connected to. Raises OSError where its name is not known."""
    found = socket.getaddrinfo(target.address or target.host, target.port, type=socket.SOCK_STREAM)
    return replace(target, checked=tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))


def captured_addresses(target: Target, captured: Collection[str]) -> list[str]:
    """Those addresses of a target that was looked up that appear in the captures, however they are written.

    An unspecified address stands for this machine.
    """
    seen = {_plain(address) for address in captured}
    here = any(address.is_loopback for address in seen)
    return [
        address for address in target.checked if (plain := _plain(address)) in seen or (plain.is_unspecified and here)
    ]


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Without a zone, and IPv4 as IPv4 (RFC 4291 2.5.5.2)."""
    read = ipaddress.ip_address(address.partition("%")[0])
    return getattr(read, "ipv4_mapped", None) or read
