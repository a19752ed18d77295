"""Takes scenarios and seeds, gives the mutants that contradict the captures they were made of, each as small as it can be made.

    python -m tests.metamorphic.hunt [SCENARIO …] --seeds 0-500
    python -m tests.metamorphic.hunt SCENARIO --seeds 17 --keep FOLDER

What was found is printed with the edits that are left of it; `--keep` writes the two captures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.metamorphic.edits import Edit
from tests.metamorphic.mutants import Mutant, mutant
from tests.metamorphic.verdicts import Expected, contradictions, expected, judged
from tests.scenarios import SCENARIOS, Scenario


@cache
def known(name: str) -> Expected:
    """What is said of a scenario as it was captured."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    return expected(judged(scenario.front, scenario.back, scenario.key_logs))


def wrong(one: Mutant, folder: Path) -> list[str]:
    """What this mutant contradicts."""
    return contradictions(judged(*one.write(folder), one.scenario.key_logs), known(one.scenario.name))


def smallest(one: Mutant, folder: Path) -> Mutant:
    """The mutant with as few edits as still contradict: leave out halves, quarters … (Zeller's ddmin)."""

    def fails(edits: Sequence[Edit]) -> bool:
        smaller = replace(one, edits=tuple(edits))
        return smaller.left_out(known(one.scenario.name).offset) is None and bool(wrong(smaller, folder))

    straight = replace(one, shift=0)
    if not straight.left_out(known(one.scenario.name).offset) and wrong(straight, folder):
        one = straight
    return replace(one, edits=tuple(_reduced(list(one.edits), fails)))


def _reduced(edits: list[Edit], fails: Callable[[Sequence[Edit]], bool]) -> list[Edit]:
    parts = 2
    while len(edits) > 1:
        size = -(-len(edits) // parts)
        for start in range(0, len(edits), size):
            rest = edits[:start] + edits[start + size :]
            if fails(rest):
                edits, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(len(edits), parts * 2)
    return edits


def hunt(scenarios: Sequence[Scenario], seeds: range, folder: Path) -> Iterator[tuple[Mutant | None, str]]:
    """The mutants that contradict, with what they contradict; and None with the reason for each that was left out."""
    for seed in seeds:
        for scenario in scenarios:
            one = mutant(scenario, seed)
            if why := one.left_out(known(scenario.name).offset):
                yield None, why
                continue
            try:
                found = wrong(one, folder)
            except Exception as error:  # noqa: BLE001 - whatever it is, it has to be repeated
                found = [repr(error)]
            if found:
                yield one, found[0]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.metamorphic.hunt", description=__doc__)
    parser.add_argument("scenario", nargs="*")
    parser.add_argument("--seeds", default="0-50", help="one seed, or first-last")
    parser.add_argument("--keep", type=Path, help="where to write the smallest captures")
    parser.add_argument("--quick", action="store_true", help="do not look for the smallest mutant")
    options = parser.parse_args(arguments)
    first, _, last = options.seeds.partition("-")
    chosen = [scenario for scenario in SCENARIOS if not options.scenario or scenario.name in options.scenario]
    omitted: Counter[str] = Counter()
    count = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for one, told in hunt(chosen, range(int(first), int(last or first) + 1), folder):
            if one is None:
                omitted[told] += 1
                continue
            count += 1
            shown = one if options.quick else smallest(one, folder)
            sys.stdout.write(f"{shown}\n    {told if options.quick else (wrong(shown, folder) or [told])[0]}\n")
            sys.stdout.flush()
            if options.keep:
                target = options.keep / f"{one.scenario.name}-{one.seed}"
                target.mkdir(parents=True, exist_ok=True)
                shown.write(target)
    for why, times in omitted.most_common():
        sys.stdout.write(f"left out {times}: {why}\n")
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
