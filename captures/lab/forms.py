"""Takes nothing, gives the words in which a form is told: the same traffic as the clean pair, captured as operators capture it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captures.lab.making import Step

FOLDER = "forms"
LOAD_BALANCER, GOROUTER = "load balancer", "gorouter"


@dataclass(frozen=True, slots=True)
class Tap:
    """A recorder that runs beside those of the clean pair."""

    file: str
    """Relative to the scenario's folder."""
    at: str
    """The namespace."""
    interface: str = "any"
    only: str = "tcp"
    packets: int = 0
    """So many packets a file; dumpcap then numbers and dates the names of the files. 0: one file, by tcpdump."""

    def told(self) -> str:
        """How it is recorded, in one line."""
        by = f"dumpcap -b packets:{self.packets}" if self.packets else "tcpdump"
        return f"{self.at}: {by} -i {self.interface} -w {self.file} '{self.only}'"


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which the traffic was captured: which files there are, and how they came about."""

    name: str
    shows: str
    """What it shows, in one line."""
    front: tuple[str, ...] = ()
    """Files that hold the client's side of the judged box, relative to the scenario's folder; patterns stand for the files of a series."""
    back: tuple[str, ...] = ()
    both: tuple[str, ...] = ()
    """Files that hold both of its legs."""
    lb: tuple[str, ...] = ()
    """Addresses of the judged box, where they have to be given."""
    judged: str = LOAD_BALANCER
    clock_shift: float | None = 0.0
    """Seconds by which the second clock (the back's, or in `both` the router's) is ahead; None where that is no single number."""
    clocks: tuple[tuple[str, float], ...] = ()
    """Files whose clocks are ahead, where that is not the back's alone."""
    taps: tuple[Tap, ...] = ()
    made: tuple[Step, ...] = ()
    """What is made of recordings afterwards, in this order."""


def taps_of(forms: Sequence[Form]) -> Iterator[Tap]:
    """Every recorder that the forms need."""
    for form in forms:
        yield from form.taps


def make(forms: Sequence[Form], folder: Path) -> dict[str, list[str]]:
    """Make what is made of recordings; gives what was done, by the form's name."""
    return {
        form.name: [*(tap.told() for tap in form.taps), *(line for step in form.made for line in step.make(folder))]
        for form in forms
    }


def told(form: Form, folder: Path, made: Sequence[str]) -> dict[str, Any]:
    """A form as truth.json tells it."""
    files = {side: _series(folder, patterns) for side, patterns in _sides(form).items() if patterns}
    return {
        "name": form.name,
        "shows": form.shows,
        **files,
        **({"lb": list(form.lb)} if form.lb else {}),
        "judged": form.judged,
        "clock_shift": form.clock_shift,
        **({"clocks": dict(form.clocks)} if form.clocks else {}),
        "made": list(made),
    }


def _sides(form: Form) -> dict[str, tuple[str, ...]]:
    return {"front": form.front, "back": form.back, "both": form.both}


def _series(folder: Path, patterns: Sequence[str]) -> list[str]:
    """The files of each pattern in the order in which they were written: x.pcap2 comes before x.pcap10."""
    found = []
    for pattern in patterns:
        names = sorted((str(p.relative_to(folder)) for p in folder.glob(pattern)), key=lambda name: (len(name), name))
        if not names:
            raise RuntimeError(f"no {pattern} in {folder}")
        found.extend(names)
    return found
