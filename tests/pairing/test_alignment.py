"""Clocks of several captures are set alike, and one that was set meanwhile is set right; early answers are neither."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.cases.wire import Story, answer, handshake, request, switching
from tests.pairing.recordings import Packets, moved, recorded
from wsanalyze.analysis import judge
from wsanalyze.pairing import alignment, pair
from wsanalyze.tables import Origin, Tables

KEYS = [f"dGhlIHNhbXBsZSBub{letter}{digit}jZQ==" for letter in "ABCDEFGH" for digit in "AQgw"]
SECOND_ROUTER = "10.244.0.11"


def conversation(story: Story, key: str, router: str = "10.244.0.10", *, early: bool = False) -> None:
    """A handshake and a page, half a second each; `early`: the load balancer answers before the router does."""
    front = story.front().ask(handshake(f"/{key[17:19]}", key=key))
    if early:
        front.reply(switching(key))
        story.wait(0.4)
    back = story.back(router).ask(handshake(f"/{key[17:19]}", key=key)).reply(switching(key))
    if not early:
        front.reply(switching(key))
    back.end()
    front.end()
    story.wait(0.5)
    front, back = story.front(), story.back(router)
    for one in (front, back):
        one.ask(request(target=f"/page/{key[17:19]}"))
    for one in (back, front):
        one.reply(answer(200)).end()
    story.wait(0.5)


def of_router(story: Story, address: str) -> Packets:
    """What one of the routers captured."""
    packed = bytes(map(int, address.split(".")))
    return [(time, data) for time, data in story.records["back"] if packed in data[26:34]]


def set_at(packets: Packets, *steps: tuple[float, float]) -> Packets:
    """The clock is set by so many seconds at these moments."""
    return [(time + sum(by for moment, by in steps if time >= moment), data) for time, data in packets]


def fits(front: Tables, back: Tables) -> tuple[float, float]:
    """The interval that all pairs agree on."""
    clock = pair(front, back).clock
    assert not clock.contradictory
    assert clock.low is not None
    assert clock.high is not None
    assert clock.high - clock.low < 0.01
    return clock.low, clock.high


def left_alone(front: Tables, back: Tables) -> bool:
    """Whether no clock is set, and nothing is said."""
    ours, theirs, said = alignment.align(front, back)
    return ours is front and theirs is back and not said


@pytest.mark.parametrize("clocks", [(3.7, -120.0), (0.0, 0.25), (-86400.0, 5.0)])
def test_three_clocks_are_set_by_the_first_of_each_side(tmp_path: Path, clocks: tuple[float, float]) -> None:
    story = Story()
    for index, key in enumerate(KEYS[:6]):
        conversation(story, key, SECOND_ROUTER if index % 2 else "10.244.0.10")
    first, second = (
        moved(of_router(story, router), clock)
        for router, clock in zip(("10.244.0.10", SECOND_ROUTER), clocks, strict=True)
    )
    front, back = recorded(tmp_path, "front", story.records["front"]), recorded(tmp_path, "back", first, second)
    assert alignment.is_several(front, back)
    ours, theirs, said = alignment.align(front, back)
    low, high = fits(ours, theirs)
    assert low <= clocks[0] <= high
    ((side, sentence),) = said
    assert side == "back"
    differ = float(sentence.split(" differ by up to ")[1].split(" s")[0])
    assert differ == pytest.approx(abs(clocks[1] - clocks[0]), abs=0.01)
    assert ours.captures["first"].equals(front.captures["first"])


def test_captures_of_both_sides_may_be_several(tmp_path: Path) -> None:
    story = Story()
    for index, key in enumerate(KEYS[:8]):
        conversation(story, key, SECOND_ROUTER if index % 2 else "10.244.0.10")
    # Two load balancers take turns: the first half of the connections is one's, the rest the other's.
    middle = story.records["front"][len(story.records["front"]) // 2][0]
    fronts = [
        moved((packet for packet in story.records["front"] if (packet[0] < middle) == half), clock)
        for half, clock in ((True, 0.0), (False, 40.0))
    ]
    backs = [moved(of_router(story, router), clock) for router, clock in (("10.244.0.10", 7.0), (SECOND_ROUTER, -7.0))]
    ours, theirs, said = alignment.align(recorded(tmp_path, "front", *fronts), recorded(tmp_path, "back", *backs))
    low, high = fits(ours, theirs)
    assert low <= 7.0 <= high
    assert {side for side, _ in said} == {"front", "back"}


def test_clocks_that_agree_are_left_alone(tmp_path: Path) -> None:
    story = Story()
    for index, key in enumerate(KEYS[:4]):
        conversation(story, key, SECOND_ROUTER if index % 2 else "10.244.0.10")
    backs = [of_router(story, router) for router in ("10.244.0.10", SECOND_ROUTER)]
    front, back = recorded(tmp_path, "front", story.records["front"]), recorded(tmp_path, "back", *backs)
    assert left_alone(front, back)


def test_nothing_in_common_tells_nothing(tmp_path: Path) -> None:
    one, other = Story(), Story()
    conversation(one, KEYS[0])
    other.back().ask(b"\x00\x01").end()
    front = recorded(tmp_path, "front", one.records["front"])
    back = recorded(tmp_path, "back", other.records["back"], moved(other.records["back"], 5.0), [])
    assert left_alone(front, back)
    assert alignment.align(back, front) == (back, front, ())


@pytest.mark.parametrize(
    "steps",
    [[(4, 60.0)], [(4, -60.0)], [(3, 60.0), (6, -20.0)], [(3, -2.0), (6, -5.0)], [(3, 3600.0), (6, -3600.0)]],
    ids=str,
)
@pytest.mark.parametrize("side", ["front", "back"])
def test_a_clock_that_was_set_is_set_right(tmp_path: Path, side: str, steps: list[tuple[int, float]]) -> None:
    story = Story()
    begins = []
    for key in KEYS[:9]:
        begins.append(story.now)
        conversation(story, key)
    packets = {**story.records}
    packets[side] = set_at(packets[side], *((begins[index], by) for index, by in steps))
    front, back = (recorded(tmp_path, one, packets[one]) for one in ("front", "back"))
    assert pair(front, back).clock.contradictory
    ours, theirs, said = alignment.align(front, back)
    fits(ours, theirs)
    assert [where for where, _ in said] == [side] * len(steps)
    for (_, sentence), (_, by) in zip(said, steps, strict=True):
        assert f"was set {'ahead' if by > 0 else 'back'} by " in sentence
        told = float(sentence.split(" by ")[1].split(" s")[0])
        # A silence of half a second may hide in the step.
        assert told == pytest.approx(abs(by), abs=0.01)


@pytest.mark.parametrize("early", [{3}, {0, 4, 7}, set(range(9))], ids=str)
def test_early_answers_are_no_set_clock(tmp_path: Path, early: set[int]) -> None:
    story = Story(offset=12.0)
    for index, key in enumerate(KEYS[:9]):
        conversation(story, key, early=index in early)
    front, back = (recorded(tmp_path, side, story.records[side]) for side in ("front", "back"))
    assert not alignment.is_several(front, back)
    assert left_alone(front, back)
    assert len(pair(front, back).early) == len(early)


def test_early_answers_are_told_where_clocks_are_several(tmp_path: Path) -> None:
    story = Story()
    for index, key in enumerate(KEYS[:6]):
        conversation(story, key, SECOND_ROUTER if index % 2 else "10.244.0.10", early=index in {0, 3})
    backs = [of_router(story, "10.244.0.10"), moved(of_router(story, SECOND_ROUTER), 30.0)]
    analysis = judge(recorded(tmp_path, "front", story.records["front"]), recorded(tmp_path, "back", *backs))
    assert [detail == "early" for detail in analysis.handshakes["detail"]] == [True, False, False, True, False, False]
    (note,) = analysis.notes
    assert "differ by up to 30.0" in note


@pytest.mark.parametrize("apart", [0.0, 30.0])
def test_early_answers_side_by_side_at_the_end_are_told_where_clocks_are_several(tmp_path: Path, apart: float) -> None:
    story = Story()
    for index, key in enumerate(KEYS[:6]):
        conversation(story, key, SECOND_ROUTER if index % 2 else "10.244.0.10")
    for key in KEYS[6:10]:
        front = story.front().ask(handshake(f"/{key[17:19]}", key=key)).reply(switching(key))
        story.wait(0.4)
        story.back(SECOND_ROUTER).ask(handshake(f"/{key[17:19]}", key=key)).reply(switching(key)).end()
        front.end()
    backs = [of_router(story, "10.244.0.10"), moved(of_router(story, SECOND_ROUTER), apart)]
    analysis = judge(recorded(tmp_path, "front", story.records["front"]), recorded(tmp_path, "back", *backs))
    assert [verdict == "terminated" for verdict in analysis.handshakes["verdict"]] == [False] * 6 + [True] * 4
    assert not any("was set" in note for note in analysis.notes)


def test_early_answers_beside_a_clock_that_was_set(tmp_path: Path) -> None:
    story = Story()
    begins = []
    for index, key in enumerate(KEYS[:9]):
        begins.append(story.now)
        conversation(story, key, early=index in {1, 7})
    front = recorded(tmp_path, "front", story.records["front"])
    back = recorded(tmp_path, "back", set_at(story.records["back"], (begins[4], 60.0)))
    ours, theirs, said = alignment.align(front, back)
    assert len(said) == 1
    assert len(pair(ours, theirs).early) == 2


def test_what_cannot_be_read_again_stays_as_it_was(tmp_path: Path) -> None:
    story = Story()
    begins = []
    for key in KEYS[:8]:
        begins.append(story.now)
        conversation(story, key)
    front = recorded(tmp_path, "front", story.records["front"])
    back = recorded(tmp_path, "back", set_at(story.records["back"], (begins[4], 60.0)))
    (tmp_path / "back-a.pcap").unlink()
    assert left_alone(front, back)


def test_a_clock_that_is_bounded_on_one_side_only_stays_as_it_is() -> None:
    second = 10**9
    rows = pd.DataFrame(
        {
            "front_capture": [0, 0, 0],
            "back_capture": [0, 0, 1],
            "low": [-1000, -1000, -alignment.FAR],
            "high": [1000, 1000, -5 * second],
            "time": [0, second, 2 * second],
        }
    )
    best = alignment._distances(rows, [1, 2])
    assert best is not None
    origins = {"front": 1, "back": 2}
    empty = pd.DataFrame()
    tables = {
        side: Tables(empty, empty, empty, empty, empty, origins=(Origin((), 0, 0),) * count)
        for side, count in origins.items()
    }
    assert alignment._shifts(rows, tables) == {"front": {0: 0}, "back": {0: 0}}
