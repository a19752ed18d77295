"""Takes both sides' tables, gives them by one clock a side: captures of several machines, and clocks that were set meanwhile.

Each capture has its own clock. What joins two exchanges without regard to time (keys, bytes, ids) bounds how far the clocks of
their captures are apart, as `clock` does for two captures: difference constraints, whose solution sets every clock. Where no
offset fits the pairs of two captures, one of the clocks was set; where, the steps from packet to packet tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from wsanalyze import capture
from wsanalyze.pairing import sure_bounds
from wsanalyze.pairing.clock import DRIFT, NEVER, TOLERANCE, Times
from wsanalyze.tables import Tables, arrow

MAX_JUMPS = 8
"""How often clocks are corrected; one that is set more often is broken."""
MIN_JUMP = 10_000_000
"""Nanoseconds; clocks are slewed over less, and what looks like it is something else."""
MAX_CAPTURES = 500
"""Captures whose clocks are compared: each with each, over each."""
FAR = 1 << 60
"""Nanoseconds; stands for no bound, and twice of it stays within 64 bits."""
SILENCE = 1_000_000_000
"""Nanoseconds between two packets that may hide in the step of a clock that was set; of several steps the closest is taken."""

NEIGHBOURS = 3
"""Pairs before and after one that its answer is compared with: some of them may be early as well."""

SIDES = ("front", "back")
Said = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Jump:
    """A clock was set."""

    side: str
    capture: int
    frame: int
    """From which frame of that capture on."""
    by: int
    """Nanoseconds that its times have to be moved from there on."""
    unsure: int
    """How far the step between the packets is from that."""


def is_several(front: Tables, back: Tables) -> bool:
    """Whether there are more clocks than two."""
    return len(front.origins) > 1 or len(back.origins) > 1


def align(front: Tables, back: Tables) -> tuple[Tables, Tables, Said]:
    """Both sides, their times by the clock of each side's first capture; and what there is to say of it."""
    tables = {"front": front, "back": back}
    said: list[tuple[str, str]] = []
    set_: dict[tuple[str, int], list[tuple[int, int]]] = {}
    rows = _rows(tables)
    while len(said) < MAX_JUMPS and (jump := _jump(rows, tables)) is not None:
        steps = set_.setdefault((jump.side, jump.capture), [])
        steps.append((jump.frame, jump.by))
        mended = _corrected(tables[jump.side], jump, steps)
        if mended is None:
            break
        tables[jump.side] = mended
        where = mended.frames.number(jump.frame + mended.origins[jump.capture].first_frame)
        direction = "back" if jump.by > 0 else "ahead"
        text = (
            f"The clock of the {jump.side} was set {direction} by {abs(jump.by) / 1e9:.3f} s at frame {where}: "
            "what came later was moved to fit what came before."
        )
        said.append((jump.side, text))
        rows = _rows(tables)
    shifts = _shifts(rows, tables)
    for side in SIDES:
        if any(shifts[side].values()):
            most = max(abs(by) for by in shifts[side].values()) / 1e9
            said.append(
                (
                    side,
                    f"The captures of the {side} have clocks that differ by up to {most:.6f} s: they were set alike.",
                )
            )
    return tables["front"].shifted(shifts["front"]), tables["back"].shifted(shifts["back"]), tuple(said)


def _corrected(tables: Tables, jump: _Jump, steps: list[tuple[int, int]]) -> Tables | None:
    """The side with this clock set right, without the connections that were left out of it before."""
    total, shifts = 0, []
    for frame, by in sorted(steps):
        total += by
        shifts.append((frame, total))
    read = capture.corrected(tables, jump.capture, shifts)
    return read and read.only(read.connections["connection"].isin(tables.connections["connection"]).to_numpy(bool))


def _rows(tables: Mapping[str, Tables]) -> pd.DataFrame:
    """What the pairs say, each with its captures, and its first and last frames there."""
    rows = sure_bounds(tables["front"], tables["back"])
    for side, table in tables.items():
        exchanges = table.exchanges.set_index("exchange").loc[rows[side]]
        of = table.connections.set_index("connection")["capture"].loc[exchanges["connection"]].to_numpy(np.int64)
        before = np.array([origin.first_frame for origin in table.origins] or [0], np.int64)[of]
        asked, answered = (_ends(exchanges[f"{message}_frames"]) for message in ("request", "response"))
        rows[f"{side}_capture"] = of
        rows[f"{side}_from"] = np.where(asked[0] > 0, asked[0], answered[0]) - before
        rows[f"{side}_until"] = np.maximum(asked[1], answered[1]) - before
    rows["low"] = np.where(rows["below"] == NEVER, -FAR, rows["below"])
    rows["high"] = np.where(rows["above"] == NEVER, FAR, rows["above"])
    # A 101 that came too early says nothing of the clocks.
    rows.loc[(rows["low"] > rows["high"] + TOLERANCE).to_numpy(bool) & rows["switching"].to_numpy(bool), "low"] = -FAR
    for _, group in _by_captures(rows):
        rows.loc[group.index[_stands_out(group) & group["switching"].to_numpy(bool)], "low"] = -FAR
    return rows


def _stands_out(group: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which answers contradict both the requests before and those after them: a clock that was set fits one of these."""
    ordered = group.sort_values("time", kind="stable")
    limits = []
    for direction in (1, -1):
        near = [
            ordered["high"].shift(direction * step, fill_value=FAR)
            + (ordered["time"] - ordered["time"].shift(direction * step)).abs().fillna(0) * DRIFT
            for step in range(1, NEIGHBOURS + 1)
        ]
        limits.append(pd.concat(near, axis=1).min(axis=1))
    # Before the first and after the last there is nothing to fit.
    limit = pd.concat([one.where(one < FAR) for one in limits], axis=1).max(axis=1).fillna(FAR)
    beyond = ordered["low"] > limit + TOLERANCE
    result: npt.NDArray[np.bool_] = beyond.reindex(group.index).to_numpy(bool)
    return result


def _ends(lists: pd.Series) -> tuple[Times, Times]:
    """The first and the last of each list of frames; 0 where it is absent or empty."""
    array = arrow(lists)
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    values = np.append(pc.list_flatten(array).to_numpy(zero_copy_only=False).astype(np.int64), 0)
    until = np.cumsum(counts)
    there = counts > 0
    return np.where(there, values[np.where(there, until - counts, -1)], 0), np.where(there, values[until - 1], 0)


def _jump(rows: pd.DataFrame, tables: Mapping[str, Tables]) -> _Jump | None:
    """The first time that a clock was set."""
    several = is_several(tables["front"], tables["back"])
    for captures, group in _by_captures(rows):
        if _fits(group):
            continue
        found = [
            jump
            for side, number in zip(SIDES, captures, strict=True)
            for jump in _candidates(group, side, number, tables[side].origins[number].steps, several=several)
        ]
        if found:
            return min(found, key=lambda jump: jump.unsure)
    return None


def _by_captures(rows: pd.DataFrame) -> Iterator[tuple[tuple[int, int], pd.DataFrame]]:
    """The pairs of each two captures."""
    for _, group in rows.groupby(["front_capture", "back_capture"], sort=True):
        front, back = (int(group[f"{side}_capture"].iloc[0]) for side in SIDES)
        yield (front, back), group


def _fits(group: pd.DataFrame) -> bool:
    """Whether one offset fits them all, as far as clocks drift meanwhile."""
    times = group["time"][(group["time"] != NEVER).to_numpy(bool)]
    drift = (times.max() - times.min()) * DRIFT if len(times) else 0
    return bool(group["low"].max() <= group["high"].min() + TOLERANCE + drift)


def _candidates(
    group: pd.DataFrame, side: str, number: int, steps: tuple[tuple[int, int], ...], *, several: bool
) -> Iterator[_Jump]:
    """The steps between packets that may be the clock being set: what comes before fits together, what follows fits after a move."""
    ordered = group.sort_values(f"{side}_from", kind="stable")
    first, last = (ordered[f"{side}_{end}"].to_numpy(np.int64) for end in ("from", "until"))
    low, high = (ordered[name].to_numpy(np.int64) for name in ("low", "high"))
    # A load balancer that answers 101 by itself and asks the router later looks as if a clock had been set; other answers do not.
    # Of two captures it is known by now that it is not so: their other pairs contradict each other, too.
    telling = ~ordered["switching"].to_numpy(bool) & (low > -FAR) if several else np.ones(len(ordered), bool)
    sign = 1 if side == "back" else -1
    for frame, step in steps:
        before, after = last < frame, first >= frame
        if not (before & telling).any() or not (after & telling).any():
            continue
        ours, theirs = _interval(low[before], high[before]), _run(low[after], high[after])
        if ours is None or theirs is None or (theirs[0] <= ours[1] and ours[0] <= theirs[1]):
            continue
        by = sign * ((ours[0] + ours[1]) // 2 - (theirs[0] + theirs[1]) // 2)
        loose = (ours[1] - ours[0] + theirs[1] - theirs[0]) // 2
        elapsed = step + by
        if abs(by) >= MIN_JUMP and -loose - TOLERANCE <= elapsed <= SILENCE + loose:
            yield _Jump(side, number, frame, by, abs(elapsed))


def _interval(low: Times, high: Times) -> tuple[int, int] | None:
    """What all of them allow; None where they contradict each other, or leave an end open."""
    bounds = int(low.max()), int(high.min())
    return (
        (min(bounds), max(bounds))
        if bounds[0] <= bounds[1] + TOLERANCE and bounds[0] > -FAR and bounds[1] < FAR
        else None
    )


def _run(low: Times, high: Times) -> tuple[int, int] | None:
    """What the first of them allow, until one contradicts: the clock may have been set again."""
    lows, highs = np.maximum.accumulate(low), np.minimum.accumulate(high)
    count = int(np.argmax(np.append(lows > highs + TOLERANCE, [True])))
    return _interval(low[:count], high[:count]) if count else None


def _shifts(rows: pd.DataFrame, tables: Mapping[str, Tables]) -> dict[str, dict[int, int]]:
    """How far each capture's clock has to be set ahead."""
    counts = [len(tables[side].origins) for side in SIDES]
    nothing: dict[str, dict[int, int]] = {side: {} for side in SIDES}
    if not 2 < sum(counts) <= MAX_CAPTURES or not len(rows) or _fits(rows):
        return nothing
    best = _distances(rows, counts)
    if best is None:
        return nothing
    # From the clock that most pairs know: as far ahead and as far behind as can be; halfway is possible, too. What is bounded on
    # one side only stays as it is.
    reference = int(rows["front_capture"].mode().iloc[0])
    ahead = [
        (int(most) - int(least)) // 2 if max(most, least) < FAR else None
        for most, least in zip(best[reference], best[:, reference], strict=True)
    ]
    shifts = nothing
    backs = [offset for offset in ahead[counts[0] :] if offset is not None]
    for node, offset in enumerate(ahead):
        side = "front" if node < counts[0] else "back"
        if offset is not None:
            number = node if side == "front" else node - counts[0]
            shifts[side][number] = -offset if side == "front" else backs[0] - offset
    return shifts


def _distances(rows: pd.DataFrame, counts: list[int]) -> npt.NDArray[np.int64] | None:
    """How much later one clock may be than another, at most: all shortest paths (Floyd, Warshall); None where bounds contradict."""
    nodes = sum(counts)
    most = np.full((nodes, nodes), FAR, np.int64)
    np.fill_diagonal(most, 0)
    for (front, back), group in _by_captures(rows):
        behind = counts[0] + back
        low, high = int(group["low"].max()), int(group["high"].min())
        if low > high:
            # 101s that came too early contradict what the others say, and nothing else.
            low = int(group["low"].where(~group["switching"].to_numpy(bool), -FAR).max())
        if low > high:
            low = high = (low + high) // 2
        most[front, behind] = high
        most[behind, front] = FAR if low == -FAR else -low
    for over in range(nodes):
        through = most[:, over, None] + most[None, over, :]
        most = np.minimum(most, np.minimum(through, FAR))
    return most if (np.diag(most) >= 0).all() else None
