"""Takes the results of a replay, gives how bad the worst of them is: what an exit status is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from wsanalyze.replay.results import Compared

Level = Literal["error", "warning", "none"]
"""As the severities of findings."""


def worst(compared: Iterable[Compared]) -> Level:
    """The worst of the results, for scripts.

    `error`: something is worse than it was, or failed, as when the target cannot be reached. `warning`: something is different; or
    a handshake is not established though that is nothing new, since who tries a fix has to know that it did not help. `none`: all
    works as it did or better, or was not to be sent.
    """
    levels = {_level(one) for one in compared}
    return "error" if "error" in levels else "warning" if "warning" in levels else "none"


def _level(one: Compared) -> Level:
    failed = one.replayed is not None and one.replayed.error is not None and not one.replayed.interrupted
    if failed or one.result == "worse":
        return "error"
    fails = one.captured.handshake and one.works is False
    unlike = one.result == "different" and not (one.worked is None and one.works)
    return "warning" if fails or unlike else "none"
