"""Takes a scenario and a seed, gives a mutant: the same traffic, captured worse.

What goes wrong is drawn from `RECIPES`, one to three of them, on one side or on both.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests import mutate
from tests.metamorphic.edits import Edit, Side, apply, direction, left_out, payload, shifted
from tests.mutate import Record
from tests.scenarios import Scenario

Recipe = Callable[[Side, Sequence[Record], random.Random], list[Edit]]
SIDES: tuple[Side, ...] = ("front", "back")


def _losing(share: float) -> Recipe:
    """Each packet is lost with this probability."""
    return lambda side, records, chance: [
        Edit(side, "drop", at) for at in range(len(records)) if chance.random() < share
    ]


def _losing_some(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """One to four packets that carry bytes are lost."""
    speaking = [at for at, record in enumerate(records) if payload(record[2])] or list(range(len(records)))
    return [Edit(side, "drop", at) for at in chance.sample(speaking, min(len(speaking), chance.randint(1, 4)))]


def _losing_bursts(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """Up to three times, up to twenty packets in a row are lost."""
    gone: set[int] = set()
    for _ in range(chance.randint(1, 3)):
        start, length = chance.randrange(len(records)), chance.randint(2, 20)
        gone.update(range(start, min(len(records), start + length)))
    return [Edit(side, "drop", at) for at in sorted(gone)]


def _one_way(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """Of some connections only one direction is captured."""
    names = sorted({name for record in records if (name := direction(record[2]))})
    deaf = set(chance.sample(names, max(1, len(names) // chance.choice((4, 12, 40)))))
    return [Edit(side, "drop", at) for at, record in enumerate(records) if direction(record[2]) in deaf]


def _duplicated(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """Some packets are there twice, or are sent again a little later."""
    share = chance.choice((0.02, 0.1, 0.5))
    return [
        Edit(side, chance.choice(("copy", "repeat")), at, chance.randrange(min(8, len(records) - at)))
        for at in range(len(records))
        if chance.random() < share
    ]


def _moved(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """Some packets stand a few places later in the file than their time says."""
    share = chance.choice((0.02, 0.1, 0.5))
    return [Edit(side, "move", at, chance.randint(1, 8)) for at in range(len(records) - 8) if chance.random() < share]


def _traded(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """A few packets overtake one that was sent just before."""
    places = chance.sample(range(len(records) - 3), min(len(records) - 3, chance.randint(1, 4)))
    return [Edit(side, "trade", at, chance.randint(1, 2)) for at in sorted(places)]


def _snapped(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """No more than so many bytes are kept of each packet."""
    kept = chance.choice((60, 68, 96, 128, 160, 200, 230, 256, 300, 400))
    return [Edit(side, "snap", at, kept) for at, record in enumerate(records) if len(record[2]) > kept]


def _snapped_some(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """Of a few packets the end is cut off."""
    long = [at for at, record in enumerate(records) if len(record[2]) > 80]
    chosen = chance.sample(long, min(len(long), chance.randint(1, 5)))
    return [Edit(side, "snap", at, chance.randrange(54, len(records[at][2]))) for at in sorted(chosen)]


def _begins_late(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """The capture begins late."""
    return [Edit(side, "begin", chance.randrange(1, len(records)))]


def _ends_early(side: Side, records: Sequence[Record], chance: random.Random) -> list[Edit]:
    """The capture ends early."""
    return [Edit(side, "end", chance.randrange(1, len(records)))]


RECIPES: dict[str, Recipe] = {
    "loses some": _losing_some,
    "loses 1 %": _losing(0.01),
    "loses 5 %": _losing(0.05),
    "loses 20 %": _losing(0.2),
    "loses bursts": _losing_bursts,
    "one way": _one_way,
    "duplicates": _duplicated,
    "out of order": _moved,
    "overtaken": _traded,
    "snaplen": _snapped,
    "some cut short": _snapped_some,
    "begins late": _begins_late,
    "ends early": _ends_early,
}


@dataclass(frozen=True)
class Mutant:
    """A pair of captures of the same traffic with what went wrong."""

    scenario: Scenario
    seed: int
    recipes: tuple[str, ...]
    edits: tuple[Edit, ...]
    shift: int
    """Nanoseconds by which the back's clock is put forward."""

    def __str__(self) -> str:
        told = ", ".join(str(edit) for edit in self.edits[:12]) + (" …" if len(self.edits) > 12 else "")
        return (
            f"{self.scenario.name} seed {self.seed} ({', '.join(self.recipes)}; back {self.shift / 1e9:+.3f} s): {told}"
        )

    def left_out(self, offset: int | None) -> str | None:
        """Why this mutant tells another story than the captures that it was made of; None where it does not."""
        sides = originals(self.scenario).records
        for side in SIDES:
            if why := left_out(side, sides, self.edits, offset):
                return why
        return None

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Its two captures."""
        original = originals(self.scenario)
        written = []
        for side in SIDES:
            records = apply(original.records[side], (edit for edit in self.edits if edit.side == side))
            if side == "back" and self.shift:
                records = shifted(records, self.shift, original.unit(side))
            written.append(mutate.write(folder / f"{side}.pcap", original.headers[side], records))
        return written[0], written[1]


@dataclass(frozen=True)
class Originals:
    """Both captures of a scenario."""

    scenario: Scenario

    @cached_property
    def _both(self) -> dict[Side, tuple[bytes, list[Record]]]:
        return {"front": mutate.read(self.scenario.front), "back": mutate.read(self.scenario.back)}

    @property
    def headers(self) -> dict[Side, bytes]:
        """The file headers."""
        return {side: header for side, (header, _) in self._both.items()}

    @property
    def records(self) -> dict[Side, Sequence[Record]]:
        """The records."""
        return {side: records for side, (_, records) in self._both.items()}

    def unit(self, side: Side) -> int:
        """Nanoseconds that a record's fraction of a second counts."""
        return 1 if self.headers[side].startswith(b"\x4d") else 1000


_READ: dict[str, Originals] = {}


def originals(scenario: Scenario) -> Originals:
    """The captures of a scenario, read once."""
    return _READ.setdefault(scenario.name, Originals(scenario))


def mutant(scenario: Scenario, seed: int) -> Mutant:
    """The mutant that this seed stands for."""
    chance = random.Random(zlib.crc32(f"{scenario.name} {seed}".encode()))
    choices: tuple[tuple[Side, ...], ...] = (("front",), ("back",), ("front", "back"))
    sides = chance.choice(choices)
    recipes = tuple(chance.choice(tuple(RECIPES)) for _ in range(chance.choice((1, 1, 1, 2, 3))))
    records = originals(scenario).records
    edits: dict[Edit, None] = {}
    for name in recipes:
        for side in sides:
            if len(records[side]) > 20:
                edits.update(dict.fromkeys(RECIPES[name](side, records[side], chance)))
    shift = chance.choice((0, 0, 0, 3600 * 10**9, -3600 * 10**9, chance.randrange(-(10**11), 10**11) // 1000 * 1000))
    return Mutant(scenario, seed, recipes, tuple(edits), shift)
