"""Every recorded load balancer is judged as its truth says: handshakes, outcomes, ordinary requests, findings."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import wsanalyze
from tests.scenarios import SCENARIOS, Scenario
from wsanalyze.analysis import Analysis

PLAIN = [scenario for scenario in SCENARIOS if not scenario.front_encrypted]
ENCRYPTED = [scenario for scenario in SCENARIOS if scenario.front_encrypted]


@cache
def analysis_of(name: str) -> Analysis:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    return wsanalyze.analyze(scenario.front, scenario.back)


def outcome_of(handshake: dict[str, Any]) -> str:
    status = handshake["client_status"]
    if status is None:
        return "reset" if handshake["client_aborted"] else "no-answer"
    return "established" if status == 101 else "refused"


@pytest.mark.parametrize("scenario", PLAIN, ids=lambda scenario: scenario.name)
def test_every_handshake_gets_its_verdict(scenario: Scenario) -> None:
    handshakes = analysis_of(scenario.name).handshakes.set_index("target")
    assert set(handshakes.index) == set(scenario.handshakes)
    for path, truth in scenario.handshakes.items():
        row = handshakes.loc[path]
        assert row["verdict"] in truth["acceptable"], (path, row["reason"])
        if truth["decidable"]:
            assert row["verdict"] != "undetermined", (path, row["reason"])
        assert row["outcome"] == outcome_of(truth), (path, row["reason"])
        assert row["front_status"] == truth["client_status"]
        assert truth["key"] is None or row["key"] == truth["key"]
        assert row["client"] == ":".join(map(str, truth["client"]))
        assert row["front_frames"], "a verdict points at frames"
        if truth["router_saw_request"]:
            assert row["back_status"] == truth["router_status"]
            assert row["back_frames"], "a verdict points at frames"


@pytest.mark.parametrize("scenario", ENCRYPTED, ids=lambda scenario: scenario.name)
def test_what_is_encrypted_is_not_guessed(scenario: Scenario) -> None:
    analysis = analysis_of(scenario.name)
    handshakes = analysis.handshakes.set_index("back_target")
    assert set(handshakes.index) == {h["path"] for h in scenario.handshakes.values() if h["router_saw_request"]}
    assert set(handshakes["verdict"]) == {"undetermined"}
    assert set(handshakes["detail"]) == {"encrypted"}
    assert handshakes["client"].isna().all()
    assert any("TLS" in note for note in analysis.notes)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto"])
def test_missing_forwarded_headers_are_found(scenario: Scenario, header: str) -> None:
    analysis = analysis_of(scenario.name)
    rule = f"{header.lower()}-missing"
    found = sorted(str(e.target) for finding in analysis.findings if finding.rule == rule for e in finding.evidence)
    missing = sorted(http["router_path"] for http in scenario.truth["http"] if header in http["expected_missing"])
    assert found == missing
    count = (
        analysis.requests.missing_x_forwarded_for
        if header.endswith("For")
        else analysis.requests.missing_x_forwarded_proto
    )
    assert count == len(missing)


@pytest.mark.parametrize("scenario", PLAIN, ids=lambda scenario: scenario.name)
def test_ordinary_requests_are_counted(scenario: Scenario) -> None:
    analysis = analysis_of(scenario.name)
    reached = [http for http in scenario.truth["http"] if http["router_saw_request"]]
    assert analysis.requests.total == len(scenario.truth["http"])
    assert analysis.requests.judged == len(reached)
    assert analysis.requests.paired == len(reached)


RULES_OF_VERDICTS = {
    "stripped": {"upgrade-stripped"},
    "terminated": {"websocket-terminated", "upgrade-stripped"},
    "blocked": {"handshake-blocked"},
    "passed-through": set(),
    "undetermined": set(),
}


def sent(headers: list[list[str]], name: str) -> list[str]:
    """The values that somebody logged of a header."""
    return [value for key, value in headers if key.lower() == name]


def changed(handshake: dict[str, Any], name: str) -> bool:
    """Whether a header of the client's own handshake was logged otherwise by the router."""
    own = handshake["router_key"] in {handshake["key"], None}
    return own and sent(handshake["client_sent"], name) != sent(handshake["router_headers"], name)


def caused_by_changes(scenario: Scenario) -> set[str]:
    """The rules on what the load balancer changed that the logs of the client and the router give a cause for."""
    asked = [handshake for handshake in scenario.handshakes.values() if handshake["router_saw_request"]]
    everything = [*asked, *(http for http in scenario.truth["http"] if http["router_saw_request"])]
    plain = [] if scenario.front_encrypted else everything
    # A client library that was refused logged no headers of its own.
    legible = [h for h in scenario.handshakes.values() if "client_sent" in h and not scenario.front_encrypted]
    ordinary = [http for http in scenario.truth["http"] if http["router_saw_request"]]
    causes = {
        "host-altered": any(request["router_host"] != request["host"] for request in everything),
        "http10-upstream": any(handshake["router_version"] == "HTTP/1.0" for handshake in asked),
        "extension-altered": any(changed(h, "sec-websocket-extensions") for h in legible if h["router_saw_request"]),
        "subprotocol-altered": any(changed(h, "sec-websocket-protocol") for h in legible if h["router_saw_request"]),
        "handshake-invalid": any(
            len(sent(headers, name)) != 1
            for h in legible
            for headers in (h["client_sent"], *([h["router_headers"]] if h["router_saw_request"] else []))
            for name in ("host", "sec-websocket-key", "sec-websocket-version")
        ),
        "answer-altered": any(
            101 not in (h["router_status"], h["client_status"]) and h["router_status"] != h["client_status"]
            for h in asked
        ),
        "x-forwarded-for-wrong": any(
            request["router_xff"] and request["client"][0] not in ", ".join(request["router_xff"]).split(", ")
            for request in plain
        ),
        "x-forwarded-proto-wrong": any(
            request["router_xfp"] and request["router_xfp"] not in (["https"], [None if request["tls"] else "http"])
            for request in everything
        ),
        "forwarded-only": any(
            not request["router_xff"]
            and not request["router_xfp"]
            and any(name.lower() == "forwarded" for name, _ in request["router_headers"])
            for request in ordinary
        ),
    }
    return {rule for rule, there in causes.items() if there}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_finding_without_cause(scenario: Scenario) -> None:
    analysis = analysis_of(scenario.name)
    expected: set[str] = set()
    for verdict in analysis.handshakes["verdict"]:
        expected |= RULES_OF_VERDICTS[verdict]
    for header in ("X-Forwarded-For", "X-Forwarded-Proto"):
        if any(header in http["expected_missing"] for http in scenario.truth["http"]):
            expected.add(f"{header.lower()}-missing")
    expected |= caused_by_changes(scenario)
    found = {finding.rule for finding in analysis.findings}
    assert found - expected <= {"router-error", "route-service-unsupported"}
    assert caused_by_changes(scenario) <= found
    refused = {h["path"] for h in scenario.handshakes.values() if h["router_status"] == 503}
    named = {
        e.target
        for f in analysis.findings
        if f.rule in {"router-error", "route-service-unsupported"}
        for e in f.evidence
    }
    assert not named or named <= refused | {
        h["path"] for h in scenario.handshakes.values() if h["router_status"] == 404
    }
