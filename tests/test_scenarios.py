"""Each folder of captures/ is what captures/README.md says that it is."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios import SCENARIOS, Scenario
from wsanalyze.rules import all_rules

VERDICTS = {"passed-through", "terminated", "stripped", "blocked", "undetermined"}


def test_scenario_is_complete(scenario: Scenario) -> None:
    assert scenario.front.stat().st_size > 24
    assert scenario.back.stat().st_size > 24
    assert (scenario.folder / "config" / "COMMAND").is_file()
    assert scenario.truth["scenario"] == scenario.name
    assert scenario.handshakes
    assert scenario.requests, "ordinary requests belong to every scenario"
    for handshake in scenario.handshakes.values():
        assert handshake["expected"] in VERDICTS
        assert handshake["expected"] in handshake["acceptable"]


def test_encrypted_scenarios_bring_their_keys(scenario: Scenario) -> None:
    assert (scenario.folder / "keylog.txt").is_file() == scenario.front_encrypted
    assert all(path.stat().st_size for path in scenario.key_logs)


def test_the_first_pair_is_the_stripped_scenario(captures_dir: Path) -> None:
    for side in ("front", "back"):
        first = (captures_dir / f"lb-{side}.pcap").read_bytes()
        assert first == (captures_dir / "nginx-default" / f"{side}.pcap").read_bytes()


def test_every_rule_has_its_capture() -> None:
    shown = {finding["rule"] for scenario in SCENARIOS for finding in scenario.truth["findings"]}
    assert {rule.name for rule in all_rules()} - shown == {"capture-incomplete"}, (
        "that one is a matter of the recording"
    )


def test_every_verdict_and_detail_has_its_capture() -> None:
    shown = {(h["expected"], h["expected_detail"]) for scenario in SCENARIOS for h in scenario.handshakes.values()}
    wanted = {
        ("passed-through", None),
        ("passed-through", "http/1.0"),
        *(("terminated", detail) for detail in ("local", "re-originated", "bridged", "early")),
        *(("stripped", detail) for detail in ("upgrade", "connection", "upgrade+connection", "response")),
        *(("blocked", detail) for detail in ("by-policy", "router-unreachable", "silent", "answer-withheld")),
    }
    assert wanted <= shown
