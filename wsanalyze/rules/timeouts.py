"""Takes how long something lasted, gives the known timeout that this is: see `timeouts.toml`, which may be edited."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from wsanalyze.box import GOROUTER, Box

Seconds = npt.NDArray[np.float64]

ABSOLUTE, RELATIVE = 1.0, 0.03
"""Seconds, and part of the timeout, by which it may be missed: timers are coarse, and some look only now and then."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """A timeout as it is by default."""

    seconds: float
    idle: tuple[str, ...]
    """Who ends a connection that was idle for so long."""
    lifetime: tuple[str, ...]
    """Who ends a connection at that age."""

    @property
    def owners(self) -> str:
        """Whose default it is."""
        return "; ".join((*self.idle, *self.lifetime))


@cache
def known(box: Box) -> tuple[Timeout, ...]:
    """Those of this box; any of them for a load balancer, which may be of any make."""
    timeouts = _declared()
    if box != GOROUTER:
        return timeouts
    own = (replace(one, idle=_gorouters(one.idle), lifetime=_gorouters(one.lifetime)) for one in timeouts)
    return tuple(timeout for timeout in own if timeout.owners)


def _gorouters(owners: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(owner for owner in owners if owner.startswith("Gorouter"))


@cache
def _declared() -> tuple[Timeout, ...]:
    """All that are known."""
    text = resources.files("wsanalyze.rules").joinpath("timeouts.toml").read_text(encoding="utf-8")
    return tuple(
        Timeout(float(entry["seconds"]), tuple(entry["idle"]), tuple(entry["lifetime"]))
        for entry in tomllib.loads(text)["timeout"]
    )


def tolerance(seconds: Seconds) -> Seconds:
    """By how much these times may be missed."""
    result: Seconds = np.maximum(ABSOLUTE, RELATIVE * seconds)
    return result


def matches(seconds: Seconds, box: Box) -> npt.NDArray[np.int64]:
    """For each time the index of the known timeout that it is; -1 for none."""
    found = np.full(len(seconds), -1, np.int64)
    for index, timeout in enumerate(known(box)):
        wanted = np.array([timeout.seconds])
        found[np.abs(seconds - wanted) <= tolerance(wanted)] = index
    return found


def told(index: int, box: Box) -> str:
    """Words for a known timeout; none for -1."""
    if index < 0:
        return ""
    timeout = known(box)[index]
    return f"; {timeout.seconds:g} s is the default of {timeout.owners}"
