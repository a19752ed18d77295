"""Takes the logs of a recorded scenario, gives what truth.json says of it."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from captures.lab.asked import Asked
from captures.lab.findings import findings
from captures.lab.programs import Balancer
from captures.lab.proxies import OWN
from captures.lab.scenario import Scenario
from captures.lab.seen import Raw, Seen
from captures.lab.truth import Journey, describe, expected, is_handshake, journeys, undecided


@dataclass(frozen=True, slots=True)
class Logs:
    """What the client and the router know, and what of it was not recorded."""

    asked: Sequence[Asked]
    seen: Sequence[Seen]
    raw: Sequence[Raw]
    unrecorded: Collection[str]
    """Ids of what was asked before the recording began."""
    begun_before: Collection[str]
    """Connections whose beginning, and with it what is needed to read them, was not recorded: TLS and HTTP/2."""
    back_missing: Collection[str]
    """Ids of what was asked after the back's recording had ended."""


def truth(scenario: Scenario, program: Balancer | None, logs: Logs) -> dict[str, Any]:
    """All but the forms."""
    known = [asked for asked in logs.asked if asked.id not in logs.unrecorded]
    judged = [
        (journey, expected(journey, scenario, logs.raw) if is_handshake(journey.asked) else None)
        for journey in journeys(known, logs.seen)
    ]
    mine = {_seen_id(seen) for journey in journeys(logs.asked, logs.seen) for seen in journey.arrivals}
    strangers = [seen for seen in logs.seen if _seen_id(seen) not in mine]
    described = [(journey, describe(journey, verdict), verdict) for journey, verdict in judged]
    for journey, line, verdict in described:
        line["back_recorded"] = journey.asked.id not in logs.back_missing
        line["start_recorded"] = journey.asked.client not in logs.begun_before
        if verdict is not None:
            _doubt(journey, line, scenario, logs)
    return {
        "scenario": scenario.name,
        "shows": scenario.shows,
        "lb": _lb(scenario, program),
        "recording": _said_of(scenario),
        "handshakes": [line for _, line, verdict in described if verdict is not None],
        "http": [line for _, line, verdict in described if verdict is None],
        "findings": findings(scenario, judged, strangers),
        "router_requests_not_from_client": [
            {"method": seen.method, "target": seen.target, "headers": seen.headers} for seen in strangers
        ],
        "not_http": [{"peer": one.peer, "first": one.first.decode("latin-1")} for one in logs.raw],
    }


def _doubt(journey: Journey, line: dict[str, Any], scenario: Scenario, logs: Logs) -> None:
    """Which verdicts are right for what was recorded of a handshake."""
    asked, told = journey.asked, line["expected"]
    line["acceptable"], line["decidable"] = [told], told != "undetermined"
    if asked.id in logs.back_missing:
        line["expected"], line["expected_detail"], line["expected_mode"] = "undetermined", "back-not-captured", None
        line["acceptable"], line["decidable"] = ["undetermined"], False
    elif undecided(scenario) or asked.id not in asked.path or asked.client in logs.begun_before:
        line["acceptable"], line["decidable"] = sorted({told, "undetermined"}), None
    elif asked.gave_up and journey.first and (journey.first.answered or 0) > (asked.ended or 0):
        # What the router answers to a connection that was given up may not leave it.
        line["decidable"] = None


def _lb(scenario: Scenario, program: Balancer | None) -> dict[str, str]:
    if program is None:
        about = (OWN[scenario.program].__doc__ or "").strip(". ")
        return {"product": "own proxy", "version": "", "about": about}
    return {"product": program.product, "version": program.printed_version(), "about": program.about}


def _seen_id(seen: Seen) -> tuple[int, int]:
    """What tells one arrival from another."""
    return seen.connection, seen.position


def _said_of(scenario: Scenario) -> dict[str, Any]:
    how = scenario.recording
    said: dict[str, Any] = {"tool": _first_line(("tcpdump", "--version"))}
    if scenario.router_tls:
        said["router_tls" if scenario.carried else "back_tls"] = True
    if how.snaplen:
        said["snaplen"] = how.snaplen
    if how.any_interface:
        said["interface"] = "any"
    if how.clock_shift:
        said["back_clock_ahead_s"] = how.clock_shift
    if how.loss:
        said["packets_lost_by_the_recording"] = how.loss
    if scenario.impaired:
        said["impaired"] = {
            "link": scenario.impaired,
            **{n: getattr(scenario.impairment, n) for n in ("loss", "duplication", "reordering")},
        }
    return said


def _first_line(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0]
