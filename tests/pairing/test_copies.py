"""A connection that was captured more than once is one, and the best capture of it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import CLIENT, LB_FRONT, Story, Tcp, answer, request, switching
from tests.pairing.recordings import Packets, moved, recorded
from wsanalyze.pairing import copies

DAY = 86400.0


def page(target: str = "/", *, isn: int = 1000) -> Packets:
    """One connection, always of the same ends."""
    story = Story()
    tcp = Tcp(story, "front", (CLIENT, 50_000), (LB_FRONT, 80), {True: isn, False: 900_000 + isn})
    tcp.connect().ask(request(target=target)).reply(answer(200, b"ok")).end()
    return story.records["front"]


WHOLE = page()
NO_SYN = WHOLE[3:]
NO_ANSWER = [*WHOLE[:5], *WHOLE[7:]]


@pytest.mark.parametrize(
    ("captures", "kept"),
    [
        ([WHOLE], [0]),
        ([WHOLE, WHOLE], [0]),
        ([WHOLE, moved(WHOLE, 1.5)], [0]),
        # The initial sequence numbers tell, however far the clocks are apart.
        ([WHOLE, moved(WHOLE, DAY)], [0]),
        ([WHOLE, WHOLE, WHOLE], [0]),
        # What began in the capture, or holds more, is kept.
        ([NO_SYN, WHOLE], [1]),
        ([NO_ANSWER, WHOLE], [1]),
        ([WHOLE, NO_ANSWER], [0]),
        ([WHOLE, NO_SYN], [0]),
        ([NO_ANSWER, NO_SYN, WHOLE], [2]),
        # Without them only times tell.
        ([NO_SYN, moved(NO_SYN, 1.5)], [0]),
        ([NO_SYN, moved(NO_SYN, DAY)], [0, 1]),
        ([WHOLE, moved(NO_SYN, DAY)], [0, 1]),
        # Ports are used again.
        ([WHOLE, page(isn=5000)], [0, 1]),
        ([WHOLE, moved(page(isn=5000), DAY)], [0, 1]),
        ([[*WHOLE, *moved(page(isn=5000), DAY)]], [0, 0]),
        ([[*WHOLE, *moved(page(isn=5000), DAY)], [*WHOLE, *moved(page(isn=5000), DAY)]], [0, 0]),
    ],
)  # fmt: skip
def test_each_connection_is_there_once(tmp_path: Path, captures: list[Packets], kept: list[int]) -> None:
    tables = recorded(tmp_path, "front", *captures)
    once, twice = copies.once(tables)
    assert list(once.connections["capture"]) == kept
    assert twice == len(tables.connections) - len(kept)
    assert len(once.exchanges) == len(kept)
    assert set(once.exchanges["connection"]) == set(once.connections["connection"])


def test_a_merge_that_holds_both_captures_one_after_the_other(tmp_path: Path) -> None:
    once, _ = copies.once(recorded(tmp_path, "front", [*WHOLE, *moved(WHOLE, DAY)]))
    assert len(once.connections) == 1
    assert list(once.exchanges["status"]) == [200]


def test_connections_that_both_sides_hold(tmp_path: Path) -> None:
    story = Story()
    story.page("/one")
    story.front().ask(request(target="/two")).reply(switching())
    front, back = (recorded(tmp_path, side, story.records[side]) for side in ("front", "back"))
    assert copies.shared(front, back) == 0
    both = recorded(tmp_path, "both", sorted(story.records["front"] + story.records["back"]))
    assert copies.shared(front, both) == 2
    assert copies.shared(both, back) == 1
    nothing = recorded(tmp_path, "nothing", [])
    assert copies.shared(nothing, back) == copies.shared(nothing, nothing) == 0
    assert copies.once(nothing)[1] == 0


def test_ports_used_again_and_again_are_other_connections(tmp_path: Path) -> None:
    story = Story()
    for number in range(500):
        sequence = {True: number * 70_000 % 2**32, False: number * 90_000 % 2**32}
        Tcp(story, "front", (CLIENT, 50_000), (LB_FRONT, 80), sequence).connect().ask(request()).reply(
            answer(200)
        ).end()
    records = story.records["front"]
    tables = recorded(tmp_path, "front", records, records)
    once, twice = copies.once(tables)
    assert (len(once.connections), twice) == (500, 500)
