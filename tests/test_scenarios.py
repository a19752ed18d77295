"""Each folder of captures/ is what captures/README.md says that it is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.scenarios import Scenario

VERDICTS = {"passed-through", "terminated", "stripped", "blocked", "undetermined"}


def test_scenario_is_complete(scenario: Scenario) -> None:
    assert scenario.front.stat().st_size > 24
    assert scenario.back.stat().st_size > 24
    assert (scenario.folder / "config" / "COMMAND").is_file()
    assert scenario.truth["scenario"] == scenario.name
    assert scenario.handshakes
    assert len(scenario.handshakes) == len(scenario.truth["handshakes"]), "paths have to be unique"
    for handshake in scenario.handshakes.values():
        assert handshake["expected"] in VERDICTS
        assert handshake["expected"] in handshake["acceptable"]


def test_encrypted_scenarios_bring_their_keys(scenario: Scenario) -> None:
    assert (scenario.folder / "keylog.txt").is_file() == scenario.front_encrypted


def test_every_scenario_stands_in_the_table(captures_dir: Path, scenarios: list[Scenario]) -> None:
    readme = (captures_dir / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| (\d+) \| ([\w-]+) \|", readme, re.MULTILINE)
    written = {name: (int(count), verdict) for name, count, verdict in rows}
    found = {s.name: (len(s.handshakes), next(iter(s.handshakes.values()))["expected"]) for s in scenarios}
    assert written == found


def test_the_first_pair_is_the_stripped_scenario(captures_dir: Path) -> None:
    for side in ("front", "back"):
        first = (captures_dir / f"lb-{side}.pcap").read_bytes()
        assert first == (captures_dir / "nginx-default" / f"{side}.pcap").read_bytes()
