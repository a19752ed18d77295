"""Whatever a capture loses, repeats, disorders or cuts, a verdict stays or becomes `undetermined`; it never becomes another one.

A failure names the scenario and the seed; `python -m tests.metamorphic.hunt SCENARIO --seeds SEED` repeats it and finds the few
edits that matter. The seeds are the same in every run; WSANALYZE_MUTANTS says how many each scenario gets. What was left out, and
why, stands at the end of pytest's report.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import wsanalyze
from tests import mutate
from tests.metamorphic.edits import shifted
from tests.metamorphic.hunt import hunt
from tests.metamorphic.mutants import Mutant, mutant, originals
from tests.scenarios import CAPTURES, SCENARIOS, Scenario, analysis_of

IN_ALL = 450
"""Mutants of all scenarios together: what two cores judge in a few minutes."""
EACH = int(os.environ.get("WSANALYZE_MUTANTS", "0")) or max(3, -(-IN_ALL // max(1, len(SCENARIOS))))
AT_ONCE = 10
"""Mutants of one test: few enough to share the work among the cores."""
SHIFTS = ("an hour ahead", "an hour behind", "by chance")
"""Clock shifts; each scenario gets one of them, in turn."""
BLOCKS = [
    pytest.param(scenario, range(first, min(first + AT_ONCE, EACH)), id=f"{scenario.name}: seeds from {first}")
    for scenario in SCENARIOS
    for first in range(0, EACH, AT_ONCE)
]


@pytest.mark.parametrize(("scenario", "seeds"), BLOCKS)
def test_a_verdict_stays_or_becomes_undetermined(
    scenario: Scenario, seeds: range, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = list(hunt([scenario], seeds, tmp_path))
    for one, why in found:
        if one is None:
            record_property("left out", why)
    record_property("mutants", len(seeds))
    assert not [f"{one}\n    {told}" for one, told in found if one is not None]


@pytest.mark.parametrize(
    ("scenario", "number"),
    [
        pytest.param(scenario, place % len(SHIFTS), id=f"{scenario.name}: {SHIFTS[place % len(SHIFTS)]}")
        for place, scenario in enumerate(SCENARIOS)
    ],
)
def test_nothing_depends_on_the_clocks(scenario: Scenario, number: int, tmp_path: Path) -> None:
    chance = random.Random(zlib.crc32(scenario.name.encode()))
    seconds = (3600.0, -3600.0, chance.randrange(-(10**9), 10**9) / 1e6)[number]
    original = originals(scenario)
    later = shifted(original.records["back"], round(seconds * 1e9), original.unit("back"))
    back = mutate.write(tmp_path / "back.pcap", original.headers["back"], later)
    plain, keys = analysis_of(scenario), scenario.key_logs
    if plain.clock_offset.pairs:
        analysis = wsanalyze.analyze(scenario.front, back, key_logs=keys)
    else:  # Nothing in such captures tells the clocks: the operator does.
        plain = wsanalyze.analyze(scenario.front, scenario.back, clock_offset=0.0, key_logs=keys)
        analysis = wsanalyze.analyze(scenario.front, back, clock_offset=seconds, key_logs=keys)
    for before, after in (
        (plain.clock_offset.low, analysis.clock_offset.low),
        (plain.clock_offset.high, analysis.clock_offset.high),
    ):
        assert after == (None if before is None else pytest.approx(before + seconds, abs=2e-6))
    assert analysis.clock_offset.pairs == plain.clock_offset.pairs
    # What only the back shows has no other time than the back's.
    ours, theirs = (_without_times(one.handshakes) for one in (analysis, plain))
    pd.testing.assert_frame_equal(ours, theirs)
    assert analysis.requests == plain.requests
    assert analysis.unpaired == plain.unpaired
    assert [(f.rule, f.count) for f in analysis.findings] == [(f.rule, f.count) for f in plain.findings]


def _without_times(handshakes: pd.DataFrame) -> pd.DataFrame:
    return handshakes.drop(columns=["time", "back_file"])


@pytest.mark.parametrize(("name", "seed"), [("haproxy-h2c", 100), ("haproxy-shared-key", 101)])
def test_what_is_missing_is_said_in_words(name: str, seed: int, tmp_path: Path) -> None:
    scenario = Scenario(CAPTURES / name)
    analysis = wsanalyze.analyze(*mutant(scenario, seed).write(tmp_path), key_logs=scenario.key_logs)
    lacking = [reason for reason in analysis.handshakes["reason"] if "cannot be told: the" in reason]
    assert any("capture lacks packets that would tell." in reason for reason in lacking)
    assert not any(reason.endswith("nan.") for reason in lacking)


def test_a_seed_stands_for_one_mutant(tmp_path: Path) -> None:
    one, again = (mutant(SCENARIOS[0], 7) for _ in range(2))
    assert one == again
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    files: list[tuple[Path, Path]] = [made.write(tmp_path / folder) for made, folder in ((one, "a"), (again, "b"))]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_a_mutant_without_edits_is_the_capture_itself(tmp_path: Path) -> None:
    for scenario in SCENARIOS:
        files = Mutant(scenario, 0, (), (), 0).write(tmp_path)
        assert [path.read_bytes() for path in files] == [scenario.front.read_bytes(), scenario.back.read_bytes()]
