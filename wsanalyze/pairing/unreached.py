"""Takes requests that the load balancer failed, and its connections that no router took; gives the offset that fits them all.

Where no router was ever reached there are no pairs to tell the clocks by. But each failed request must then have a failed
connection between its arrival and its answer, and few offsets put one there for all of them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalyze.completeness import FAILED
from wsanalyze.pairing.clock import NEVER, TOLERANCE, Clock, Times
from wsanalyze.pairing.prepare import times
from wsanalyze.tables import Tables

ENOUGH = 3
"""Failed requests that tell an offset: fewer fit by chance."""
MOST = 64
"""Failed requests that are looked at; more tell no more."""
_SERVER_ERROR = 500


def estimate(front: pd.DataFrame, back: Tables) -> Clock | None:
    """The clock by the connections that failed; None where something else went by on the back, or nothing fits."""
    connections = back.connections
    if len(back.exchanges) or not len(connections) or not connections["opened"].isin(FAILED).all():
        return None
    failed = front[((front["status"] == 0) | (front["status"] >= _SERVER_ERROR)) & (front["began"] != NEVER)]
    failed = failed.sort_values("began", kind="stable").iloc[:MOST]
    if len(failed) < ENOUGH:
        return None
    moments = np.sort(times(connections["first"]))
    began, over = (failed[name].to_numpy(np.int64) for name in ("began", "over"))
    low, high = _common([_merged(moments - end, moments - start) for start, end in zip(began, over, strict=True)])
    if low > high:
        return None
    return Clock(
        low=float(low) / 1e9,
        high=float(high) / 1e9,
        pairs=0,
        contradictory=False,
        exchanged=False,
        times=began[:1],
        lower=np.array([low - TOLERANCE]),
        upper=np.array([high + TOLERANCE]),
    )


def _merged(starts: Times, ends: Times) -> tuple[Times, Times]:
    """Ascending intervals of one length, those that touch made one."""
    apart = starts[1:] > ends[:-1]
    return starts[np.r_[True, apart]], ends[np.r_[apart, True]]


def _common(covers: list[tuple[Times, Times]]) -> tuple[int, int]:
    """The first and the last offset that lies within an interval of every one; low above high where there is none."""
    edges = np.concatenate([np.concatenate(cover) for cover in covers])
    steps = np.concatenate([np.repeat([1, -1], len(cover[0])) for cover in covers])
    # At the same offset an interval begins before another ends.
    order = np.lexsort((-steps, edges))
    inside = np.cumsum(steps[order])
    full = np.flatnonzero(inside == len(covers))
    if not len(full):
        return 1, 0
    return int(edges[order][full[0]]), int(edges[order][full[-1] + 1])
