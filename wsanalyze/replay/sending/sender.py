"""Takes a plan and a target, sends the one to the other, gives what came of each request."""

from __future__ import annotations

import anyio

from wsanalyze.replay.model import Connection, Plan, Replayed
from wsanalyze.replay.sending.http1 import Http1
from wsanalyze.replay.sending.http2 import Http2
from wsanalyze.replay.sending.opening import Opener
from wsanalyze.replay.sending.results import Progress, Results
from wsanalyze.replay.sending.settings import Settings
from wsanalyze.replay.sending.tap import Tap
from wsanalyze.replay.sending.target import Target


async def send(
    plan: Plan,
    target: Target,
    settings: Settings,
    tap: Tap | None = None,
    progress: Progress | None = None,
    results: dict[str, Replayed] | None = None,
) -> dict[str, Replayed]:
    """What came of each request, by its id; whatever the target does, there is one.

    A caller that may be cancelled passes `results`, and finds in it what was done so far. Raises ValueError where the
    target's or the settings' files cannot be used, and TapError where the tap fails.
    """
    results = {} if results is None else results
    told = Results(plan, results, progress)
    opener = Opener(target, settings, tap)
    free = anyio.Semaphore(settings.concurrency)

    async def one(connection: Connection) -> None:
        http2 = connection.http2 if settings.http == "auto" else settings.http == "2"
        try:
            await (Http2 if http2 else Http1)(opener, connection, told).run()
        finally:
            free.release()

    try:
        async with anyio.create_task_group() as tasks:
            begun = anyio.current_time()
            for connection in sorted(plan.connections, key=lambda connection: (connection.start, connection.number)):
                await anyio.sleep_until(begun + settings.scaled(connection.start))
                await free.acquire()
                tasks.start_soon(one, connection)
    except ExceptionGroup as group:
        raise _first(group) from None
    return results


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
