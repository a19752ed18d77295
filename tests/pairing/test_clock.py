"""What pairs tell of the offset between two clocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.pairing import clock
from wsanalyze.pairing.clock import NEVER, TOLERANCE, Clock

SECOND = 1_000_000_000


def pairs(rows: list[tuple[int, int, int, bool]]) -> pd.DataFrame:
    """Pairs as (time of the request in front, bound from above, bound from below, whether the answer is a 101)."""
    return pd.DataFrame(rows, columns=["time", "above", "below", "switching"])


def at(one: Clock, moment: int) -> tuple[int, int]:
    low, high = one.bounds(np.array([moment], np.int64))
    return int(low[0]), int(high[0])


def test_requests_bound_from_above_and_answers_from_below() -> None:
    one, against = clock.estimate(
        pairs([(0, 3_700_200_000, 3_699_800_000, False), (SECOND, 3_700_100_000, 3_699_900_000, False)])
    )
    assert (one.low, one.high, one.pairs) == (3.6999, 3.7001, 2)
    assert not against.any()
    assert not one.contradictory
    low, high = at(one, 0)
    assert low <= 3_700_000_000 <= high


def test_nothing_is_known_without_pairs() -> None:
    one, against = clock.estimate(pairs([]))
    assert (one.low, one.high, one.pairs) == (None, None, 0)
    assert not len(against)
    assert at(one, 5) == (-clock.UNBOUNDED, clock.UNBOUNDED)
    low, high = at(clock.assumed(), 5)
    assert low == -clock.ASSUMED
    assert high == clock.ASSUMED


def test_an_answer_that_contradicts_the_others_is_named_and_does_not_bound() -> None:
    rows = [(n * SECOND, 200_000, -200_000, False) for n in range(5)]
    one, against = clock.estimate(pairs([*rows, (5 * SECOND, 300_000, 40_000_000, True)]))
    assert list(against) == [False] * 5 + [True]
    assert (one.low, one.high) == (-0.0002, 0.0002)


def test_where_every_answer_contradicts_the_requests_alone_bound() -> None:
    one, against = clock.estimate(pairs([(n * SECOND, 500_000, 30_000_000, True) for n in range(3)]))
    assert against.all()
    assert (one.low, one.high) == (None, 0.0005)
    assert not one.contradictory


def test_a_clock_that_jumped_gives_no_interval_and_blames_nobody() -> None:
    before = [(n * SECOND, 200_000, -200_000, n % 2 == 0) for n in range(6)]
    after = [(n * SECOND, SECOND + 200_000, SECOND - 200_000, n % 2 == 0) for n in range(6, 12)]
    one, against = clock.estimate(pairs([*before, *after]))
    assert one.contradictory
    assert (one.low, one.high) == (None, None)
    assert not against.any()
    for moment, true in ((2 * SECOND, 0), (9 * SECOND, SECOND)):
        low, high = at(one, moment)
        assert low <= true <= high


def test_clocks_that_drift_apart_blame_nobody() -> None:
    rows = []
    for n in range(0, 3600, 10):
        offset = int(n * SECOND * 50e-6)
        rows.append((n * SECOND, offset + 200_000, offset - 200_000, n % 20 == 0))
    one, against = clock.estimate(pairs(rows))
    assert one.contradictory, "no single offset fits"
    assert not against.any()
    low, high = at(one, 1800 * SECOND)
    assert low <= 90_000_000 <= high
    assert high - low < 10_000_000


def test_what_a_user_says_holds_within_a_millisecond() -> None:
    low, high = at(clock.fixed(3.7), 0)
    assert low <= 3_699_500_000
    assert high >= 3_700_500_000
    assert clock.fixed(3.7).low == clock.fixed(3.7).high == 3.7


@given(
    offset=st.integers(-(10**13), 10**13),
    times=st.lists(st.integers(0, 10**12), min_size=1, max_size=30),
    delays=st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**8)), min_size=30, max_size=30),
    switching=st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_the_true_offset_is_always_within_the_bounds(
    offset: int, times: list[int], delays: list[tuple[int, int]], switching: list[bool]
) -> None:
    rows = [
        (t, offset + there, offset - back, is_101)
        for t, (there, back), is_101 in zip(times, delays, switching, strict=False)
    ]
    one, against = clock.estimate(pairs(rows))
    assert not against.any(), "no answer was early"
    for moment in (*times, 0, 2 * 10**12):
        low, high = at(one, moment)
        assert low - 1 <= offset <= high + 1
    assert one.low is None or round(one.low * 1e9) <= offset + TOLERANCE
    assert one.high is None or round(one.high * 1e9) >= offset - TOLERANCE


def test_pairs_without_an_answer_bound_only_from_above() -> None:
    one, _ = clock.estimate(pairs([(0, 100_000, NEVER, False)]))
    assert (one.low, one.high) == (None, 0.0001)
