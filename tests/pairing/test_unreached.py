"""Connections that no router took tell the clocks' offset where nothing else does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wsanalyze.pairing import unreached
from wsanalyze.tables import Tables

SECOND = 1_000_000_000
BEGAN = np.array([1, 4, 9, 30]) * SECOND


def front(statuses: list[int], lasting: int = 10_000_000) -> pd.DataFrame:
    """Requests at BEGAN, each answered after so many nanoseconds."""
    return pd.DataFrame({"status": statuses, "began": BEGAN, "over": BEGAN + lasting})


def back(moments: np.ndarray, opened: str = "refused", exchanges: int = 0) -> Tables:
    """Connections that began at these times."""
    connections = pd.DataFrame({"opened": opened, "first": pd.to_datetime(moments, utc=True)})
    empty = pd.DataFrame()
    return Tables(empty, connections, pd.DataFrame(index=range(exchanges)), empty, empty)


@pytest.mark.parametrize("offset", [0, 3600 * SECOND, -3600 * SECOND, 12_345_678])
def test_the_offset_fits_every_failure(offset: int) -> None:
    clock = unreached.estimate(front([502, 503, 0, 504]), back(BEGAN + offset + 1_000_000))
    assert clock is not None
    assert clock.low is not None
    assert clock.high is not None
    assert clock.low <= offset / 1e9 <= clock.high
    assert clock.high - clock.low < 0.02


def test_retries_and_requests_that_were_answered_do_not_matter() -> None:
    retried = np.concatenate([BEGAN[1:], BEGAN[1:] + 2_000_000])
    assert unreached.estimate(front([200, 503, 503, 503]), back(retried)) is not None


@pytest.mark.parametrize(
    ("statuses", "tables"),
    [
        ([503, 503, 503, 503], back(BEGAN[:0])),
        ([503, 503, 200, 404], back(BEGAN)),
        ([503, 503, 503, 503], back(BEGAN, opened="established")),
        ([503, 503, 503, 503], back(BEGAN, exchanges=1)),
        ([503, 503, 503, 503], back(BEGAN * 3)),
    ],
)
def test_nothing_is_told_where_nothing_fits(statuses: list[int], tables: Tables) -> None:
    assert unreached.estimate(front(statuses), tables) is None
