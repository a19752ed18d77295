"""Takes the requests of a plan, gives what came of each; it is there at any time, also where the replay is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from wsanalyze.replay.model import ESTABLISHED, NO_ANSWER, Plan, Replayed, Request

Progress = Callable[[Replayed], None]
"""Who is told of each request that is done with."""


class Results:
    """What came of each request, by its id."""

    def __init__(self, plan: Plan, into: dict[str, Replayed], progress: Progress | None) -> None:
        self._replayed, self._progress = into, progress
        for connection in plan.connections:
            for request in connection.requests:
                into[request.id] = Replayed(request.id)

    @contextmanager
    def of(self, request: Request) -> Iterator[Replayed]:
        """What comes of a request, while it is sent; `progress` is told at the end, where it was not put off."""
        replayed = self._replayed[request.id]
        try:
            yield replayed
        except anyio.get_cancelled_exc_class():
            replayed.interrupted = True
            if replayed.outcome == ESTABLISHED:
                replayed.notes.append("It was interrupted.")
            elif replayed.outcome == NO_ANSWER and replayed.error is None:
                replayed.error = "interrupted before the answer came"
            raise
        finally:
            done = replayed.outcome is not None or replayed.error is not None
            if done and self._progress is not None:
                self._progress(replayed)
