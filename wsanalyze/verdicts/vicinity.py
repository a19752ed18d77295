"""Takes the facts, adds what the captures were like at the time of each handshake."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalyze.completeness import UNREAD, sealed
from wsanalyze.pairing import Pairing
from wsanalyze.pairing.clock import NEVER, Times
from wsanalyze.pairing.prepare import times
from wsanalyze.tables import Flags, Tables, chosen, equal
from wsanalyze.verdicts.case import Columns
from wsanalyze.verdicts.spans import holes

NEARBY = 5_000_000_000
"""Nanoseconds around a handshake in which a lost packet of any connection means that others may be lost with it."""
LOSSES = ("gap", "truncated", "buffer-limit", "syn-not-captured", "syn-ack-not-captured", *UNREAD)
"""Defects that mean that what went by is not in the capture, or cannot be read there."""


def look_around(rows: Columns, pairing: Pairing, front: Tables, back: Tables) -> None:
    """Add `front_lossy`, `back_lossy`, `front_encrypted`, and two more.

    `try_hidden`: while the client waited, bytes of the load balancer went by on the back that were not captured. `remnant`:
    only the back shows it, and there the upgrade is gone.
    """
    over: dict[str, Times] = {side: rows[f"{side}_over"] for side in "fb"}
    only_back = ~rows["seen"]
    moment = np.where(only_back, over["b"], over["f"])
    low, high = pairing.clock.bounds(moment - pairing.clock.rough)
    start = np.where(only_back, moment - high, moment)
    end = np.where(only_back, moment - low, moment)
    rows["front_lossy"] = _loses(front, start, end)
    rows["back_lossy"] = rows["paired"] & _loses(back, over["b"], over["b"])
    rows["try_hidden"] = rows["paired"] & _hides_request(rows, pairing, back)
    unread = chosen(front.connections, sealed(front.connections), "first", "last")
    at_that_time = overlap(start, end, times(unread["first"]), times(unread["last"]))
    rows["front_encrypted"] = only_back & (at_that_time | (len(unread) > 0 and not pairing.clock.known))
    rows["remnant"] = only_back & rows["b_traces"] & rows["b_complete"] & ~rows["b_asks_websocket"]
    rows["lost_upgrade"] |= rows["remnant"]
    # Who sends the other headers of a handshake sends this one too (RFC 6455 4.1).
    rows["lost_connection"] |= rows["remnant"] & ~rows["b_asks_upgrade"]


def _hides_request(rows: Columns, pairing: Pairing, back: Tables) -> Flags:
    """Whether the back capture lacks bytes of the load balancer between the client's request and its answer."""
    began: Times = rows["f_began"]
    over: Times = rows["f_over"]
    began = np.where(began == NEVER, over, began)
    lost = back.once(_losses)
    lost = lost[equal(lost["direction"], "client")]
    until, since = times(lost["time"]), times(lost["since"])
    low, _ = pairing.clock.bounds(began)
    _, high = pairing.clock.bounds(over)
    spans = zip((np.where(since == NEVER, until, since), until), holes(back), strict=True)
    return overlap(began + low, over + high, *map(np.concatenate, spans))


def _loses(tables: Tables, start: Times, end: Times) -> Flags:
    """Whether the capture lacks bytes of any connection near each span."""
    lost = tables.once(_losses)
    until, since = times(lost["time"]), times(lost["since"])
    return overlap(start - NEARBY, end + NEARBY, np.where(since == NEVER, until, since), until)


def _losses(tables: Tables) -> pd.DataFrame:
    return chosen(tables.defects, tables.defects["name"].isin(LOSSES), "direction", "time", "since")


def overlap(start: Times, end: Times, since: Times, until: Times) -> Flags:
    """Whether any of the spans since..until touches start..end, for each start."""
    begun = np.searchsorted(np.sort(since), end, side="right")
    done = np.searchsorted(np.sort(until), start, side="left")
    result: Flags = begun > done
    return result
