"""Takes a plan, sends it to a target or to a router of its own, gives each exchange beside what was captured: a replay as a whole."""

from __future__ import annotations

import ipaddress
import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

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
            anyio.run(run)
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


def captured_addresses(target: Target, captured: Sequence[str] | frozenset[str]) -> list[str]:
    """Those addresses of the target that appear in the captures; none where its name is not known."""
    try:
        found = socket.getaddrinfo(target.address or target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    addresses = {str(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found}
    return sorted(addresses.intersection(captured))
