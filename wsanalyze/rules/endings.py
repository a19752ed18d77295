"""Takes the handshakes and both legs' tables, gives how WebSockets ended that no Close frame ended: when, and by whom.

One leg shows who sent the first FIN or RST there. Towards the client the load balancer's own end looks like one that it passes on
from the router, and towards the router like one that it passes on from the client; so who it was takes both legs, and the order
in which they ended, as far as the clocks allow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.box import Box, named
from wsanalyze.completeness import ends
from wsanalyze.pairing.clock import NEVER, TOLERANCE, Clock, Times
from wsanalyze.pairing.prepare import switched, times
from wsanalyze.rules import timeouts
from wsanalyze.rules.context import Context, at
from wsanalyze.rules.finding import Evidence
from wsanalyze.tables import Flags, Tables, equal
from wsanalyze.verdicts.vicinity import LOSSES

CLIENT, LB, ROUTER = "client", "load balancer", "router"
IDLE = 10.0
"""Seconds of silence from which a WebSocket counts as idle."""
GRACE = 1_000_000_000
"""Nanoseconds that a leg has to stay open, and its capture to go on, after the other leg's end to count as not ended with it."""
ENOUGH = 3
"""WebSockets that ended at the same age before that is no chance any more."""
SHARE = 0.1
"""Of all that were cut while busy, the part that has to have ended at that age: by chance it is less."""
MOMENT = 1.0
"""Seconds within which they end when one event ends them all."""
OWN_WEBSOCKET = ("local", "bridged")
"""Details of `terminated` where there is no router's WebSocket behind the load balancer's."""

UNSEEN = "the other leg was not seen to its end"
ORDER = "the clocks do not tell which leg ended first"


def endings(context: Context) -> pd.DataFrame:
    """The handshakes whose WebSocket ended without a Close frame, with these columns more.

    `who` ended it (two names joined by ` or ` where that cannot be told), `doubt` (why; null where it is sure), `shown_on` (side),
    and of that side `how` (FIN or RST), `heard_frame`, `end_frame`, `age` in seconds; `silence` in seconds, of both; `kind`:
    `idle` or `lifetime` where the load balancer cut it for that, else `other`; `default`: index of the known timeout that it is,
    or -1; `alike`: how many it cut at that age; `together`: these had begun together, so that they may have ended together for any reason.
    """
    handshakes = context.handshakes
    behind = handshakes["front_exchange"].isna().to_numpy(bool)
    if behind.any():
        accepted = context.back.exchanges.loc[switched(context.back.exchanges), "exchange"]
        behind = behind & handshakes["back_exchange"].isin(accepted).to_numpy(bool)
    rows = handshakes[equal(handshakes["outcome"], "established") | behind].reset_index(drop=True)
    front, back = leg(context.front, rows["front_exchange"]), leg(context.back, rows["back_exchange"])
    chosen = ~front["closed"] & ~back["closed"] & (front["ended"] | back["ended"])
    rows, front, back = (table[chosen].reset_index(drop=True) for table in (rows, front, back))
    who, doubt = _who(rows, front, back, context.pairing.clock)
    # Shown where the one who ended it is seen: the load balancer may have left the router first, and then the client left it.
    on_back = (~front["ended"] | (who == ROUTER) | ((who == LB) & ~front["by_server"])).to_numpy(bool)
    shown = back.where(pd.Series(on_back), front)
    rows = rows.assign(
        who=who,
        doubt=doubt,
        shown_on=np.where(on_back, "back", "front"),
        how=np.where(
            shown["reset"].astype(bool), np.where(shown["multiplexed"].astype(bool), "RST_STREAM", "RST"), "FIN"
        ),
        heard_frame=shown["heard_frame"],
        end_frame=shown["end_frame"],
        opened=shown["opened"],
        age=(shown["end"] - shown["opened"]).astype(float) / 1e9,
        silence=np.minimum(front["silence"], back["silence"]),
    )
    return _judged(rows, context.box)


def shown(row: dict[str, Any], box: Box) -> Evidence:
    """One of them as evidence: its last frame, the FIN or RST, and by whom it ended when."""
    words = (
        f"ended by the {named(row['who'], box)} ({row['how']}) without a Close frame, after {row['silence']:.1f} s of silence, "
        f"{row['age']:.1f} s old{timeouts.told(row['default'], box)}"
    )
    note = f"{words}; {row['doubt']}" if row["doubt"] else words
    return replace(at(row, row["shown_on"], note), frames=tuple(sorted({row["heard_frame"], row["end_frame"]})))


_OF_SOCKETS = (
    *("connection", "opened", "last_heard", "last_heard_frame", "closed_by"),
    *("client_unparsed", "server_unparsed"),
)
_OF_CONNECTIONS = ("end_time", "end_frame", "ended", "ended_by", "client_packets", "server_packets")
_OF_STREAMS = ("version", "reset", "reset_by", "reset_time", "reset_frame")


def leg(tables: Tables, exchanges: pd.Series) -> pd.DataFrame:
    """One side of each WebSocket: how it ended there, as far as that can be told."""
    numbers = exchanges.to_numpy(np.int64, na_value=-1)
    sockets = tables.rows("websockets", numbers, *_OF_SOCKETS)
    connection = sockets["connection"].to_numpy(np.int64, na_value=-1)
    connections = tables.rows("connections", connection, *_OF_CONNECTIONS)
    streams = tables.rows("exchanges", numbers, *_OF_STREAMS)
    # In HTTP/2 it ends with its stream; who ended that without RST_STREAM is not known.
    multiplexed, broken = equal(streams["version"], "2"), streams["reset"].notna().to_numpy(bool)
    opened, heard = times(sockets["opened"]), times(sockets["last_heard"])
    end = np.where(multiplexed, times(streams["reset_time"]), times(connections["end_time"]))
    # A Close frame, or any other, may be in what was lost at the end.
    blind = _lost(tables, connection) > heard
    for name in ("client_unparsed", "server_unparsed"):
        blind |= sockets[name].to_numpy(np.int64, na_value=0) > 0
    for name in ("client_packets", "server_packets"):
        blind |= connections[name].to_numpy(np.int64, na_value=0) == 0
    known = (opened != NEVER) & ~blind
    known &= ~multiplexed | broken
    ended = known & (end != NEVER)
    last = tables.once(ends).reindex(connection, fill_value=NEVER).to_numpy(np.int64)
    return pd.DataFrame(
        {
            "closed": sockets["closed_by"].notna().to_numpy(bool),
            "multiplexed": multiplexed,
            "ended": ended,
            "open_until": np.where(known & ~ended, last, NEVER),
            "by_server": np.where(
                multiplexed, equal(streams["reset_by"], "server"), equal(connections["ended_by"], "server")
            ),
            "reset": np.where(multiplexed, broken, equal(connections["ended"], "rst")),
            "opened": opened,
            "end": end,
            "heard_frame": sockets["last_heard_frame"].to_numpy(np.int64, na_value=0),
            "end_frame": np.where(
                multiplexed,
                *(side.to_numpy(np.int64, na_value=0) for side in (streams["reset_frame"], connections["end_frame"])),
            ),
            "silence": np.where(ended, np.maximum(np.where(ended, end - heard, 0), 0) / 1e9, np.inf),
        }
    )


def _lost(tables: Tables, connections: Times) -> Times:
    """When each of these connections lost something for the last time; NEVER where none did."""
    losses = tables.defects["name"].isin(LOSSES).to_numpy(bool)
    if not losses.any():
        return np.full(len(connections), NEVER, np.int64)
    lost = tables.defects[losses].groupby("connection")["time"].max()
    return times(lost.reindex(connections))


def _who(rows: pd.DataFrame, front: pd.DataFrame, back: pd.DataFrame, clock: Clock) -> tuple[pd.Series, pd.Series]:
    """Who ended each, and why that is not sure; null where it is."""
    outer, inner = front["ended"].to_numpy(bool), back["ended"].to_numpy(bool)
    ours, theirs = (np.where(side["ended"], side["end"], 0).astype(np.int64) for side in (front, back))
    low, high = clock.bounds(np.where(outer, ours, theirs - clock.rough))
    # How much later than the front the back ended: at least, at most.
    least, most = theirs - high - ours, theirs - low - ours
    stays_behind = outer & (back["open_until"].to_numpy(np.int64) >= ours + high + GRACE)
    stays_before = inner & (front["open_until"].to_numpy(np.int64) >= theirs - low + GRACE)
    own = ((rows["verdict"] == "terminated") & rows["detail"].isin(OWN_WEBSOCKET)).to_numpy(bool)
    from_client = outer & ~front["by_server"].to_numpy(bool)
    from_lb = outer & front["by_server"].to_numpy(bool)
    from_router = inner & back["by_server"].to_numpy(bool)
    to_router = inner & ~back["by_server"].to_numpy(bool)
    cases: tuple[tuple[Flags, str, str | None], ...] = (
        (from_lb & to_router, LB, None),
        (from_lb & from_router & (least > TOLERANCE), LB, None),
        (from_lb & from_router & (most <= TOLERANCE), ROUTER, None),
        (from_lb & from_router, f"{LB} or {ROUTER}", ORDER),
        (from_client & from_router & (least > TOLERANCE), CLIENT, None),
        (from_client & from_router & (most < -TOLERANCE), ROUTER, None),
        (from_client & from_router, f"{CLIENT} or {ROUTER}", ORDER),
        (from_client & to_router & (most < -TOLERANCE), LB, None),
        (from_client, CLIENT, None),
        (from_lb & (stays_behind | own), LB, None),
        (from_lb, f"{LB} or {ROUTER}", UNSEEN),
        (from_router, ROUTER, None),
        (to_router & stays_before, LB, None),
        (to_router, f"{CLIENT} or {LB}", UNSEEN),
    )
    chosen = np.select([case for case, _, _ in cases], range(len(cases)), default=-1)
    who, doubt = ([case[index] for case in cases] for index in (1, 2))
    result = tuple(pd.Series([words[index] for index in chosen], dtype=object) for words in (who, doubt))
    return result[0], result[1]


def _judged(rows: pd.DataFrame, box: Box) -> pd.DataFrame:
    """Add `kind`, `default`, `alike` and `together`."""
    silence, age = rows["silence"].to_numpy(float), rows["age"].to_numpy(float)
    of_silence, of_age = timeouts.matches(silence, box), timeouts.matches(age, box)
    who = rows["who"]
    # One that cuts a WebSocket ends both legs itself: where the router ended its own, the load balancer may as well have passed that on.
    by_lb = (who.isin([LB, f"{LB} or {ROUTER}"]) & (rows["doubt"] != ORDER)).to_numpy(bool)
    # That a client left without a word is as likely, unless the time tells.
    maybe = (who == f"{CLIENT} or {LB}").to_numpy(bool)
    quiet = silence >= IDLE
    idle = quiet & (by_lb | (maybe & (of_silence >= 0)))
    busy = ~quiet & (by_lb | maybe)
    alike, together, at_once = _alike(rows, busy)
    enough = (alike >= ENOUGH) & (alike >= SHARE * busy.sum()) & (age >= IDLE)
    lifetime = busy & ~at_once & np.where(maybe, enough & (of_age >= 0), enough | (of_age >= 0))
    return rows.assign(
        kind=np.select([idle, lifetime], ["idle", "lifetime"], "other"),
        default=np.select([lifetime, quiet], [of_age, of_silence], -1),
        alike=alike,
        together=together,
    )


def _alike(rows: pd.DataFrame, busy: Flags) -> tuple[Times, Flags, Flags]:
    """Of those that were cut while busy: how many ended at about the same age, whether all these ended together, and a third.

    That is whether most of those that ended at the same moment had other ages, as when a load balancer is restarted.
    """
    count = np.zeros(len(rows), np.int64)
    together, at_once = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    end = (rows["opened"].astype(float) / 1e9 + rows["age"]).to_numpy(float)
    index = np.flatnonzero(busy)
    index = index[np.argsort(end[index], kind="stable")]
    age = rows["age"].to_numpy(float)[index]
    moment = np.cumsum(np.diff(end[index], prepend=end[index][:1]) > MOMENT)
    size = np.bincount(moment, minlength=1)[moment] if len(index) else moment
    here, count[index] = _near(moment, age), _near(np.zeros(len(index)), age)
    span = pd.Series(end[index]).groupby(moment).transform(lambda ends: ends.max() - ends.min()).to_numpy(float)
    together[index] = (count[index] == here) & (span <= timeouts.tolerance(age))
    at_once[index] = 2 * here <= size
    return count, together, at_once


def _near(group: npt.NDArray[Any], age: timeouts.Seconds) -> Times:
    """For each how many of its group have about its age."""
    width = 10 * (age.max() + 1) if len(age) else 1.0
    places = group * width + age
    ordered = np.sort(places)
    reach = timeouts.tolerance(age)
    found: Times = np.searchsorted(ordered, places + reach, "right") - np.searchsorted(ordered, places - reach, "left")
    return found
