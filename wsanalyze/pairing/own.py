"""Takes what could not be paired, gives the back's requests that are the load balancer's own: health checks and probes.

A request that no client sent has no client to forward. It is recognised by how it names itself, or by the proof that
nothing on the front can be its cause.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd

from wsanalyze.completeness import loses, ran, sealed
from wsanalyze.pairing.clock import NEVER, Clock
from wsanalyze.tables import Flags, Tables

UNSPECIFIED = "::"
"""What Traffic Server's probes carry as X-Forwarded-For."""


@cache
def health_check_agents() -> tuple[str, ...]:
    """Beginnings of the User-Agent of known health checks, in lower case."""
    text = resources.files("wsanalyze.pairing").joinpath("health_checks.toml").read_text(encoding="utf-8")
    return tuple(str(agent).lower() for agent in tomllib.loads(text)["user_agents"])


def is_health_check(user_agents: pd.Series) -> np.ndarray:
    """Whether a request's User-Agent is that of a known health check."""
    found: np.ndarray = user_agents.fillna("").str.lower().str.startswith(health_check_agents()).to_numpy(bool)
    return found


def checks(tables: Tables) -> Flags:
    """Which exchanges are health checks by how they name themselves."""
    return is_health_check(tables.exchanges["user_agent"])


def health_checks(tables: Tables) -> frozenset[int]:
    """Numbers of the exchanges that are health checks by how they name themselves."""
    return frozenset(tables.exchanges["exchange"].to_numpy(np.int64)[tables.once(checks)].tolist())


def own_requests(
    front: pd.DataFrame, back: pd.DataFrame, pairs: pd.DataFrame, tables: Tables, clock: Clock
) -> frozenset[int]:
    """Numbers of the back exchanges that are the load balancer's own."""
    left = back[~back["exchange"].isin(pairs["back"]) & (back["began"] != NEVER) & ~back["handshake"] & ~back["traces"]]
    if not len(left):
        return frozenset()
    probes = (left["x_forwarded_for"] == UNSPECIFIED).to_numpy(bool)
    causeless = _causeless(left, front[~front["exchange"].isin(pairs["front"])], tables, clock)
    return frozenset(left.loc[probes | causeless, "exchange"])


def _causeless(left: pd.DataFrame, unpaired: pd.DataFrame, tables: Tables, clock: Clock) -> np.ndarray:
    """Requests at a time when the front was captured, all of it legible, and shows nothing that they could come from."""
    connections = tables.connections
    legible = (
        clock.pairs > 0
        and not clock.contradictory
        and not (sealed(connections) | (connections["protocol"] == "unknown").to_numpy(bool)).any()
        and not tables.once(loses)
    )
    if not legible:
        return np.zeros(len(left), bool)
    began = left["began"].to_numpy(np.int64)
    low, high = clock.bounds(began - clock.rough)
    first, last = ran(tables)
    covered = (began - high >= first) & (began - low <= last)
    starts = np.sort(unpaired["began"].to_numpy(np.int64))
    ends = np.sort(unpaired["over"].to_numpy(np.int64))
    # As many had ended before it as had begun: none was under way.
    under_way = np.searchsorted(starts, began - low, side="right") > np.searchsorted(ends, began - high, side="left")
    return covered & ~under_way
