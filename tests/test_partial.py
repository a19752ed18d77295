"""A capture that lies by omission leads to the right verdict or to `undetermined`, never to a wrong one."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

import wsanalyze
from tests import mutate
from tests.mutate import Mutation
from tests.scenarios import SCENARIOS, Scenario, analysis_of

MUTATIONS: dict[str, Mutation] = {
    "loses 2 %": mutate.losing(0.02),
    "loses 10 %": mutate.losing(0.1),
    "loses 30 %": mutate.losing(0.3),
    "loses bursts": mutate.losing_bursts(3, 12),
    "keeps 96 bytes": mutate.snapped(96),
    "keeps 160 bytes": mutate.snapped(160),
    "keeps 230 bytes": mutate.snapped(230),
    "begins in the middle": mutate.from_share(0.5),
    "begins later": mutate.from_share(0.85),
    "ends in the middle": mutate.until_share(0.5),
    "ends earlier": mutate.until_share(0.85),
}


SIDES = ("front", "back", "front and back")
ONE_OF_EACH_KIND = {
    "haproxy-http-fwd",
    "haproxy-lossy-front",
    "haproxy-tcp",
    "nginx-default",
    "own-local",
    "own-rekey",
    "haproxy-tls13",
    "haproxy-h2",
}
"""Scenarios that are tried with either side partial."""
TRIALS = [
    pytest.param(scenario, name, sides, id=f"{scenario.name}: {sides} {name}")
    for scenario in SCENARIOS
    if scenario.name in ONE_OF_EACH_KIND
    for name in MUTATIONS
    for sides in (("front",) if scenario.front_encrypted else SIDES)
]


@pytest.mark.parametrize(("scenario", "name", "sides"), TRIALS)
def test_never_a_wrong_verdict(scenario: Scenario, name: str, sides: str, tmp_path: Path) -> None:
    chance = random.Random(zlib.crc32(f"{scenario.name} {name} {sides}".encode()))
    files = []
    for side, path in (("front", scenario.front), ("back", scenario.back)):
        header, records = mutate.read(path)
        kept = MUTATIONS[name](records, chance) if side in sides else records
        files.append(mutate.write(tmp_path / f"{side}.pcap", header, kept))
    analysis = wsanalyze.analyze(*files, key_logs=scenario.key_logs)
    wrong = []
    for row in analysis.handshakes.to_dict("records"):
        truth = scenario.handshakes.get(scenario.id_in(row["target"], row["back_target"]) or "")
        if truth is None:
            # Without either request nobody knows which handshake it was; the answer tells that it was one.
            of_all = {verdict for handshake in scenario.handshakes.values() for verdict in handshake["acceptable"]}
            assert row["verdict"] in {*of_all, "undetermined"}, row["reason"]
        elif row["verdict"] not in {*truth["acceptable"], "undetermined"}:
            wrong.append((row["verdict"], row["detail"], truth["acceptable"], row["reason"]))
        elif row["front_status"] is not None and row["front_status"] == row["front_status"]:
            assert row["front_status"] == truth["client_status"], row["reason"]
    assert not wrong
    for finding in analysis.findings:
        for name_of_header in ("X-Forwarded-For", "X-Forwarded-Proto"):
            if finding.rule == f"{name_of_header.lower()}-missing":
                missing = {
                    http["router_path"] for http in scenario.truth["http"] if name_of_header in http["expected_missing"]
                }
                assert {evidence.target for evidence in finding.evidence} <= missing


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_disorder_and_copies_change_nothing(scenario: Scenario, tmp_path: Path) -> None:
    chance = random.Random(zlib.crc32(scenario.name.encode()))
    files = []
    for side, path in (("front", scenario.front), ("back", scenario.back)):
        header, records = mutate.read(path)
        files.append(mutate.write(tmp_path / f"{side}.pcap", header, mutate.disordered(8, 0.1)(records, chance)))
    analysis = wsanalyze.analyze(*files, key_logs=scenario.key_logs)
    plain = analysis_of(scenario)
    columns = [
        "target",
        "verdict",
        "detail",
        "mode",
        "outcome",
        "front_status",
        "back_status",
        "key",
        "client",
        "router",
    ]
    ours, theirs = (one.handshakes.sort_values("target")[columns].reset_index(drop=True) for one in (analysis, plain))
    assert ours.astype("str").equals(theirs.astype("str"))
    assert analysis.requests == plain.requests
