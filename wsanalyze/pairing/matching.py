"""Takes exchanges of both sides that share a value, gives who belongs to whom, as far as order and time can tell.

One front exchange may have several on the back (the load balancer tried again). Where more than one assignment is
possible, that is said: a doubtful edge, not a coin toss.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.pairing.clock import NEVER, Clock, Times
from wsanalyze.pairing.prepare import last_forwarded
from wsanalyze.tables import Flags, taken

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

    def __len__(self) -> int:
        return len(self.front)

    def frame(self, evidence: str) -> pd.DataFrame:
        """The edges as a table: front, back, likely, doubtful, spare, evidence."""
        return pd.DataFrame(
            {
                "front": np.array(self.front, np.int64),
                "back": np.array(self.back, np.int64),
                "likely": np.array(self.likely, bool),
                "doubtful": np.array(self.doubtful, bool),
                "spare": np.array(self.spare, bool),
                "evidence": pd.Series([evidence] * len(self), dtype="str"),
            }
        )


@dataclass(frozen=True, slots=True)
class Candidates:
    """Exchanges of one side that look for a partner."""

    rows: pd.DataFrame
    """All of the side's, as `prepare` gives them."""
    places: npt.NDArray[np.intp]
    """Which of them."""
    values: npt.NDArray[np.intp]
    """What each is joined by, as a number that stands for the same on both sides; -1 where it has no value."""

    def of(self, name: str, which: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The cells of a column for those of the candidates."""
        return np.asarray(self.rows[name].array.take(self.places[which]))

    def shown(self, which: Flags) -> pd.DataFrame:
        """Those of the candidates with all that may tell them apart, and their `value`."""
        return taken(self.rows, self.places[which], *_TELLING).assign(value=self.values[which])


_TELLING = (
    *("exchange", "began", "over", "reach", "itself", "content"),
    *("peer", "named_peer", "client_address", "x_forwarded_for"),
)


def match(front: Candidates, back: Candidates, evidence: str, clock: Clock, *, strict: bool, unique: bool) -> Edges:
    """Edges between those that have the same value.

    `strict`: say where several assignments are possible; otherwise the order decides. `unique`: whatever the time, values
    that stand once on each side, and as likely ones those that stand as often on either side, in their order.
    """
    size = 1 + int(max(front.values.max(), back.values.max()))
    if not size:
        return Edges()
    counts = [np.bincount(side.values[side.values >= 0], minlength=size) for side in (front, back)]
    common = (counts[0] > 0) & (counts[1] > 0)
    alone = common & (counts[0] == 1) & (counts[1] == 1)
    edges = _single(front, back, alone, clock, unique=unique, slack=0 if strict and evidence == CONTENT else SLACK)
    crowded = common & ~alone
    if not crowded.any():
        return edges
    shared, others = (side.shown((side.values >= 0) & crowded[side.values]) for side in (front, back))
    if unique:
        _rank(shared, others, edges)
    else:
        groups = dict(iter(others.groupby("value", sort=False)))
        for value, fronts in _with_window(shared, clock).groupby("value", sort=False):
            _resolve(fronts, groups[value], edges, strict=strict)
    return edges


def _single(front: Candidates, back: Candidates, alone: Flags, clock: Clock, *, unique: bool, slack: int) -> Edges:
    """Edges between those whose value stands once on either side; unless `unique`, as far as the times allow."""
    ours, theirs = (np.flatnonzero((side.values >= 0) & alone[side.values]) for side in (front, back))
    # In the order of the front.
    places = np.empty(len(alone), np.intp)
    places[back.values[theirs]] = theirs
    theirs = places[front.values[ours]]
    fits = (front.of("itself", ours) != back.of("itself", theirs)).astype(bool)
    if not unique:
        earliest, _, latest = _window(clock, *(front.of(name, ours) for name in ("began", "over", "reach")))
        began = back.of("began", theirs)
        fits &= (began == NEVER) | (began >= earliest - slack) & (began <= latest + slack)
    numbers = [side.of("exchange", which[fits]).tolist() for side, which in ((front, ours), (back, theirs))]
    no = [False] * len(numbers[0])
    return Edges(numbers[0], numbers[1], no, list(no), list(no))


def _rank(front: pd.DataFrame, back: pd.DataFrame, edges: Edges) -> None:
    """Take the first for the first and so on, where a value stands as often on either side."""
    ranked = []
    for side in (front, back):
        ordered = side.sort_values(["began", "exchange"])
        groups = ordered.groupby("value")
        ranked.append(ordered.assign(rank=groups.cumcount(), size=groups["value"].transform("size")))
    by = ["value", "rank", "size"]
    ours, theirs = (side[[*by, "exchange", "itself"]] for side in ranked)
    both = ours.merge(theirs, on=by, suffixes=("", "_back"))
    both = both[both["itself"] != both["itself_back"]]
    for ours, theirs in zip(both["exchange"], both["exchange_back"], strict=True):
        edges.add(ours, theirs, likely=True)


def _with_window(rows: pd.DataFrame, clock: Clock) -> pd.DataFrame:
    """When, on the back's clock, the request may have left the load balancer."""
    moments = (rows[name].to_numpy(np.int64) for name in ("began", "over", "reach"))
    earliest, latest, latest_of_all = _window(clock, *moments)
    return rows.assign(earliest=earliest, latest=latest, latest_of_all=latest_of_all)


def _window(clock: Clock, began: Times, over: Times, reach: Times) -> tuple[Times, Times, Times]:
    """At the earliest; at the latest, until the client's answer; and until a load balancer that answers by itself may turn to the router."""
    known = began != NEVER
    start = np.where(known, began, over)
    low, _ = clock.bounds(start)
    _, high = clock.bounds(over)
    return np.where(known, start + low, NEVER), over + high, reach + high


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
