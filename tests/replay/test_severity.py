"""What an exit status is made of."""

from __future__ import annotations

import pytest

from tests.replay.exchanges import came, captured, got, page
from wsanalyze.replay.comparison import compare
from wsanalyze.replay.model import Captured, NotSent, Replayed
from wsanalyze.replay.severity import worst


@pytest.mark.parametrize(
    ("then", "now", "level"),
    [
        (captured(101), came(101), "none"),
        (captured(400), came(101), "none"),
        (captured(None, outcome="unknown"), came(101), "none"),
        (page(404), got(404), "none"),
        (page(200), NotSent(page(), "POST"), "none"),
        (captured(101), Replayed("h1"), "none"),
        (captured(101), came(None, error="interrupted", interrupted=True), "none"),
        (captured(400), came(400), "warning"),
        (captured(400), came(403), "warning"),
        (captured(None, outcome="unknown"), came(400), "warning"),
        (captured(101, close_code=1000), came(101, close_code=1001), "warning"),
        (page(200), got(302), "warning"),
        (captured(101), came(400), "error"),
        (page(200), got(500), "error"),
        (captured(400), Replayed("h1", error="connection refused"), "error"),
        (captured(None), came(None, error="no answer within 10 s"), "error"),
    ],
)
def test_levels(then: Captured, now: Replayed | NotSent, level: str) -> None:
    assert worst([compare(then, now)]) == level


def test_the_worst_counts() -> None:
    same, other, worse = compare(captured(), came()), compare(captured(400), came(403)), compare(captured(), came(400))
    assert worst([]) == "none"
    assert worst([same, other]) == "warning"
    assert worst([worse, same, other]) == "error"
