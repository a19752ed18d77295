"""Takes exchanges of both sides that share a value, gives who belongs to whom, as far as order and time can tell.

One front exchange may have several on the back (the load balancer tried again). Where more than one assignment is
possible, that is said: a doubtful edge, not a coin toss.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from wsanalyze.pairing.clock import NEVER, Clock
from wsanalyze.pairing.prepare import last_forwarded

BYTES, KEY, REQUEST_ID, ADDRESS, CONTENT = (
    "bytes",
    "sec-websocket-key",
    "request-id",
    "forwarded-address",
    "content-and-time",
)
"""The rungs of the ladder of evidence."""
SLACK = 1_000_000_000
"""Nanoseconds by which a value that stands once on each side may be out of its window: where packets were not captured in order, a
retransmission may be taken for the original."""
MAX_CROWD = 64
"""Exchanges that share a value and a moment; among more than that no assignment means anything."""


@dataclass(slots=True)
class Edges:
    """Which front exchange goes with which back exchange."""

    front: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    likely: list[bool] = field(default_factory=list)
    """Others were possible, or the order decided."""
    doubtful: list[bool] = field(default_factory=list)
    """One of several possible partners."""
    spare: list[bool] = field(default_factory=list)
    """There are more fronts than backs among the doubtful: one of them may have none."""

    def add(self, front: int, back: int, *, likely: bool = False, doubtful: bool = False, spare: bool = False) -> None:
        """One more edge."""
        self.front.append(front)
        self.back.append(back)
        self.likely.append(likely)
        self.doubtful.append(doubtful)
        self.spare.append(spare)

    def frame(self, evidence: str) -> pd.DataFrame:
        """The edges as a table: front, back, likely, doubtful, spare, evidence."""
        columns = {
            "front": np.array(self.front, np.int64),
            "back": np.array(self.back, np.int64),
            "likely": np.array(self.likely, bool),
            "doubtful": np.array(self.doubtful, bool),
            "spare": np.array(self.spare, bool),
        }
        return pd.DataFrame(columns).assign(evidence=evidence)


def match(
    front: pd.DataFrame, back: pd.DataFrame, on: str, evidence: str, clock: Clock, *, strict: bool, unique: bool = False
) -> pd.DataFrame:
    """Edges between the rows that have the same value of `on`.

    `strict`: say where several assignments are possible; otherwise the order decides. `unique`: whatever the time, values
    that stand once on each side, and as likely ones those that stand as often on either side, in their order.
    """
    front, back = _valued(front, on), _valued(back, on)
    back = back[back[on].isin(front[on])]
    if not len(back):
        return Edges().frame(evidence)
    front = _with_window(front[front[on].isin(back[on])], clock)
    once_front, once_back = (~side[on].duplicated(keep=False) for side in (front, back))
    single = front.loc[once_front, [on, "exchange", "earliest", "latest_of_all", "itself"]].merge(
        back.loc[once_back, [on, "exchange", "began", "itself"]], on=on, suffixes=("", "_back")
    )
    if not unique:
        began, slack = single["began"], 0 if strict and evidence == CONTENT else SLACK
        in_time = (began >= single["earliest"] - slack) & (began <= single["latest_of_all"] + slack)
        single = single[in_time | (began == NEVER)]
    single = single[single["itself"] != single["itself_back"]]
    no = [False] * len(single)
    edges = Edges(list(single["exchange"]), list(single["exchange_back"]), no, list(no), list(no))
    several = ~front[on].isin(single[on]) & ~(once_front & front[on].isin(back.loc[once_back, on]))
    shared = front[several]
    if not len(shared):
        return edges.frame(evidence)
    others = back[back[on].isin(shared[on])]
    if unique:
        _rank(shared, others, on, edges)
    else:
        groups = dict(iter(others.groupby(on, sort=False)))
        for value, fronts in shared.groupby(on, sort=False):
            _resolve(fronts, groups[value], edges, strict=strict)
    return edges.frame(evidence)


def _rank(front: pd.DataFrame, back: pd.DataFrame, on: str, edges: Edges) -> None:
    """Take the first for the first and so on, where a value stands as often on either side."""
    ranked = []
    for side in (front, back):
        ordered = side.sort_values(["began", "exchange"])
        groups = ordered.groupby(on)
        ranked.append(ordered.assign(rank=groups.cumcount(), size=groups[on].transform("size")))
    columns = [on, "rank", "size", "exchange", "itself"]
    both = ranked[0][columns].merge(ranked[1][columns], on=[on, "rank", "size"], suffixes=("", "_back"))
    both = both[both["itself"] != both["itself_back"]]
    for ours, theirs in zip(both["exchange"], both["exchange_back"], strict=True):
        edges.add(ours, theirs, likely=True)


def _valued(rows: pd.DataFrame, on: str) -> pd.DataFrame:
    values = rows[on]
    present = values.notna() if values.dtype == object or isinstance(values.dtype, pd.StringDtype) else values != 0
    return rows[present.to_numpy(bool)]


def _with_window(rows: pd.DataFrame, clock: Clock) -> pd.DataFrame:
    """When, on the back's clock, the request may have left the load balancer."""
    began = rows["began"].to_numpy(np.int64)
    known = began != NEVER
    over = rows["over"].to_numpy(np.int64)
    start = np.where(known, began, over)
    low, _ = clock.bounds(start)
    _, high = clock.bounds(over)
    earliest = np.where(known, start + low, NEVER)
    return rows.assign(earliest=earliest, latest=over + high, latest_of_all=rows["reach"].to_numpy(np.int64) + high)


def _resolve(front: pd.DataFrame, back: pd.DataFrame, edges: Edges, *, strict: bool) -> None:
    """Part a group by what else tells its members apart, then by time."""
    for ours, theirs in (("content", "content"), ("peer", "named_peer"), ("client_address", "forwarded")):
        if len(front) == 1 or not len(back):
            break
        if theirs == "forwarded":
            back = back.assign(forwarded=back["x_forwarded_for"].map(last_forwarded))
        rest_front, rest_back = [], []
        parts = dict(iter(back.groupby(theirs, sort=False, dropna=False)))
        common = set(front[ours]) & set(parts)
        if len(set(front[ours])) == 1 and len(parts) == 1:
            continue
        for value, rows in front.groupby(ours, sort=False, dropna=False):
            if value in common and value and not pd.isna(value):
                _resolve_in_time(rows, parts.pop(value), edges, strict=strict)
            else:
                rest_front.append(rows)
        rest_back = list(parts.values())
        front = pd.concat(rest_front) if rest_front else front.iloc[:0]
        back = pd.concat(rest_back) if rest_back else back.iloc[:0]
    if len(front) and len(back):
        _resolve_in_time(front, back, edges, strict=strict)


def _resolve_in_time(front: pd.DataFrame, back: pd.DataFrame, edges: Edges, *, strict: bool) -> None:
    """Assign by the windows of time: until the client's answer, and what is left also afterwards."""
    known = len(edges.back)
    _assign(front, back, "latest", edges, strict=strict)
    front = front[(front["latest_of_all"] > front["latest"]) & ~front["exchange"].isin(edges.front[known:])]
    back = back[~back["exchange"].isin(edges.back[known:])]
    if len(front) and len(back):
        _assign(front, back, "latest_of_all", edges, strict=strict)


def _assign(front: pd.DataFrame, back: pd.DataFrame, latest: str, edges: Edges, *, strict: bool) -> None:
    """Assign within one kind of window; a group of exchanges that overlap is settled together."""
    front = front.sort_values(["earliest", "exchange"])
    back = back.sort_values(["began", "exchange"])
    waiting: deque[tuple[int, int, object]] = deque()
    arriving = deque(zip(front["exchange"], front["earliest"], front[latest], front["itself"], strict=True))
    possible: dict[int, list[int]] = {}
    for number, began, own in zip(back["exchange"], back["began"], back["itself"], strict=True):
        while arriving and arriving[0][1] <= began:
            candidate, _, until, identity = arriving.popleft()
            waiting.append((candidate, until, identity))
        waiting = deque(item for item in waiting if item[1] >= began)
        fits = [candidate for candidate, _, identity in waiting if identity != own]
        if not strict and fits:
            edges.add(fits[0], number, likely=len(fits) > 1)
            waiting = deque(item for item in waiting if item[0] != fits[0])
        elif len(fits) > MAX_CROWD:
            for candidate in fits[:MAX_CROWD]:
                edges.add(candidate, number, doubtful=True, spare=True)
        elif fits:
            possible[number] = fits
    _settle(possible, edges)


def _settle(possible: dict[int, list[int]], edges: Edges) -> None:
    """Give each back that only one front can have sent to that front, which is then no candidate for others; what is left is doubtful."""
    fronts_of = {back: set(fronts) for back, fronts in possible.items()}
    backs_of: dict[int, set[int]] = {}
    for back, fronts in fronts_of.items():
        for front in fronts:
            backs_of.setdefault(front, set()).add(back)
    ready = deque(back for back, fronts in fronts_of.items() if len(fronts) == 1)
    while ready:
        back = ready.popleft()
        (front,) = fronts_of.pop(back)
        edges.add(front, back, likely=len(possible[back]) > 1)
        for other in backs_of[front]:
            options = fronts_of.get(other)
            if options and len(options) > 1:
                options.discard(front)
                if len(options) == 1:
                    ready.append(other)
    contenders = {front for fronts in fronts_of.values() for front in fronts}
    spare = len(contenders) > len(fronts_of)
    for back, fronts in fronts_of.items():
        for front in sorted(fronts):
            edges.add(front, back, doubtful=True, spare=spare)
