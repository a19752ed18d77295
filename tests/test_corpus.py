"""Every recorded load balancer is judged as its truth says: handshakes, outcomes, ordinary requests, findings."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.corpus_table import END, START, table
from tests.scenarios import CAPTURES, CARRIED, ENCRYPTED, SCENARIOS, Scenario, analysis_of, keyless_analysis_of
from wsanalyze.analysis import Analysis

by_name = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)

OF_NO_REQUEST = {"capture-incomplete", "health-check", "router-unreachable"}
"""Rules whose evidence is of files, connections, or requests that no client sent."""


def known(value: Any) -> Any:
    """A cell, None where it is absent."""
    return None if not isinstance(value, list | tuple) and pd.isna(value) else value


def rows_of(analysis: Analysis, scenario: Scenario) -> dict[str | None, dict[str, Any]]:
    """The judged handshakes by the id of the request that they are."""
    rows = [{str(k): known(v) for k, v in row.items()} for row in analysis.handshakes.to_dict("records")]
    ids = [scenario.id_of(row, analysis) for row in rows]
    recognised = [identity for identity in ids if identity]
    assert len(set(recognised)) == len(recognised), "one row a handshake"
    return dict(zip(ids, rows, strict=True))


@by_name
def test_every_handshake_gets_its_verdict(scenario: Scenario) -> None:
    rows = rows_of(analysis_of(scenario), scenario)
    if not scenario.damaged:
        assert set(rows) == set(scenario.handshakes)
    for identity, row in rows.items():
        truth = scenario.handshakes.get(identity or "")
        if truth is None:
            assert scenario.damaged
            assert row["verdict"] == "undetermined", row["reason"]
            continue
        assert row["verdict"] in truth["acceptable"], (truth["path"], row["reason"])
        if row["client"] is None and row["verdict"] != "undetermined":
            # Only the back could be read.
            assert scenario.front_encrypted
            assert (row["verdict"], row["detail"]) == (truth["expected"], truth["expected_detail"]), row["reason"]
            assert row["confidence"] == "likely"
            assert not truth["decidable"]
        elif row["verdict"] == truth["expected"]:
            assert row["detail"] == truth["expected_detail"], (truth["path"], row["reason"])
            assert row["mode"] == truth["expected_mode"], (truth["path"], row["reason"])
        if truth["decidable"]:
            assert row["outcome"] == truth["expected_outcome"], (truth["path"], row["reason"])
            assert row["ended_by"] == truth["expected_ended_by"], (truth["path"], row["reason"])
            assert row["front_status"] == truth["client_status"]
            assert row["back_status"] == truth.get("router_status")
            assert row["key"] == truth["key"]
            assert row["client"] == truth["client"]
            assert row["lb_front"] == truth["lb_front"]
            assert row["router"] == truth.get("router")
            assert row["lb_back"] == truth.get("router_peer")
            assert row["front_frames"], "a verdict points at frames"
            assert bool(row["back_frames"]) >= truth["router_saw_request"], "a verdict points at frames"


@pytest.mark.parametrize("scenario", ENCRYPTED, ids=lambda scenario: scenario.name)
def test_without_keys_the_back_tells_what_it_can(scenario: Scenario) -> None:
    analysis = keyless_analysis_of(scenario)
    rows = rows_of(analysis, scenario)
    seen = {identity for identity, h in scenario.handshakes.items() if h["router_saw_request"]}
    if scenario.key_logs[1:]:
        assert not rows
    elif all(h["decidable"] is not None for h in scenario.handshakes.values()):
        assert set(rows) == seen
    for identity, row in rows.items():
        assert row["client"] is None
        if identity is None:
            # One of several paths that are all the same, or a target that was cut.
            assert row["verdict"] in {"undetermined", *(h["expected"] for h in scenario.handshakes.values())}
            continue
        if row["verdict"] == "undetermined":
            assert row["detail"] == "encrypted"
            continue
        truth = scenario.handshakes[identity or ""]
        assert (row["verdict"], row["detail"]) == (truth["expected"], truth["expected_detail"]), row["reason"]
        assert row["confidence"] == "likely"
        assert "encrypted" in row["reason"]
    assert any("TLS that cannot be read" in note for note in analysis.notes)


@pytest.mark.parametrize("scenario", CARRIED, ids=lambda scenario: scenario.name)
def test_tls_that_is_only_carried_is_passed_through_without_keys(scenario: Scenario) -> None:
    rows = {row["client"]: row for row in keyless_analysis_of(scenario).handshakes.to_dict("records")}
    clients = {line["client"]: line for line in (scenario.handshakes | scenario.requests).values()}
    assert set(rows) == set(clients)
    for client, row in rows.items():
        truth = clients[client]
        assert (row["verdict"], row["mode"], row["pairing"]) == ("passed-through", "tcp", "bytes"), row["reason"]
        assert truth.get("expected", "passed-through") == "passed-through"
        assert (row["lb_back"], row["router"]) == (truth["router_peer"], truth["router"])
        assert row["front_frames"]
        assert row["back_frames"]


def found_in(scenario: Scenario) -> set[tuple[str, str | None]]:
    """What is said: each rule with the path of the request, None where the evidence is no request of a client."""
    analysis = analysis_of(scenario)
    targets = {
        row["id"]: (known(row["target"]), known(row["back_target"])) for row in analysis.handshakes.to_dict("records")
    }
    paths = {identity: line["path"] for identity, line in (scenario.handshakes | scenario.requests).items()}
    found = {
        (
            finding.rule,
            paths.get(
                scenario.id_in(evidence.target, *targets.get(evidence.handshake or "", ())) or "",
                # Where paths are all the same, a path has no id.
                evidence.target if evidence.target in paths.values() else None,
            ),
        )
        for finding in analysis.findings
        for evidence in finding.evidence
    }
    return {(rule, None if rule in OF_NO_REQUEST else path) for rule, path in found}


@by_name
def test_findings_are_those_of_the_truth(scenario: Scenario) -> None:
    due = {(finding["rule"], finding["path"]) for finding in scenario.truth["findings"]}
    found = found_in(scenario)
    incomplete = {one for one in found if one[0] == "capture-incomplete"}
    # Where targets are cut, only the rule can be compared.
    nameless = {one for one in found if scenario.damaged and one[1] is None and one[0] in {rule for rule, _ in due}}
    assert not found - due - incomplete - nameless, "a finding without cause"
    if not scenario.damaged:
        assert not due - found, "a finding that is missing"
        assert not incomplete or not all(h["decidable"] for h in scenario.handshakes.values())


@by_name
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto"])
def test_missing_forwarded_headers_are_counted(scenario: Scenario, header: str) -> None:
    counts = analysis_of(scenario).requests
    missing = sum(header in request["expected_missing"] for request in scenario.requests.values())
    counted = counts.missing_x_forwarded_for if header.endswith("For") else counts.missing_x_forwarded_proto
    assert counted == missing or (scenario.damaged and counted <= missing)


@by_name
def test_ordinary_requests_are_counted(scenario: Scenario) -> None:
    counts = analysis_of(scenario).requests
    requests = scenario.requests.values()
    reached = sum(request["router_saw_request"] and request.get("back_recorded", True) for request in requests)
    if scenario.damaged:
        # Where heads are cut, handshakes cannot be told from other requests.
        assert counts.judged <= reached
        assert counts.total <= len(requests) + len(scenario.handshakes)
        return
    # What was under way when the recording began may lack the client's side.
    begun = sum(not request.get("start_recorded", True) for request in requests)
    assert (counts.total, counts.judged) == (len(requests), reached)
    assert reached - begun <= counts.paired <= reached


def test_the_table_in_the_readme_is_what_the_analysis_says() -> None:
    readme = (CAPTURES / "README.md").read_text(encoding="utf-8")
    assert readme.partition(START)[2].partition(END)[0] == table(), "write it anew: python -m tests.corpus_table"
