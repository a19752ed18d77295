"""Takes the analyses of a pair of captures and of a mutant, gives what the mutant contradicts.

A verdict may stay or become `undetermined`; where the version was not captured, `http/1.0` is left unsaid.
A handshake of the front is the same where the client's address and port and its
target are; where a target is lost, any handshake of that connection may be it. What only the back shows is compared with what was said of
the handshakes that the load balancer carried on that connection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import wsanalyze
from wsanalyze.analysis import Analysis

Meaning = tuple[str, str | None]
LOWERED: Meaning = ("passed-through", "http/1.0")


@dataclass
class Expected:
    """What was said of the captures as they were."""

    offset: int | None
    """Back minus front in nanoseconds."""
    of_handshake: dict[tuple[Any, ...], set[Meaning]] = field(default_factory=lambda: defaultdict(set))
    lacking: dict[str, set[Any]] = field(default_factory=dict)
    """Targets of the requests that a rule about ordinary requests named."""


def expected(analysis: Analysis) -> Expected:
    """What has to hold of every mutant."""
    clock = analysis.clock_offset
    known = [bound for bound in (clock.low, clock.high) if bound is not None]
    result = Expected(round(sum(known) / len(known) * 1e9) if known else None)
    for row in _rows(analysis):
        meaning = (row["verdict"], row["detail"])
        for name in (*_names(row), ("any",)):
            result.of_handshake[name].add(meaning)
    result.lacking = _lacking(analysis)
    return result


def contradictions(analysis: Analysis, known: Expected) -> list[str]:
    """What this analysis says that the first one does not allow."""
    found = []
    for row in _rows(analysis):
        meaning = (row["verdict"], row["detail"])
        name = next((name for name in (*_names(row), ("any",)) if name in known.of_handshake), None)
        allowed = known.of_handshake[name] if name else set()
        if LOWERED in allowed:
            allowed = allowed | {(LOWERED[0], None)}
        if row["verdict"] != "undetermined" and meaning not in allowed:
            found.append(
                f"{row['client'] or row['lb_back']} {row['target'] or row['back_target']}: {meaning} instead of {sorted(map(str, allowed))} "
                f"(by {name and name[0]}): {row['reason']}"
            )
    for rule, targets in _lacking(analysis).items():
        if wrong := targets - known.lacking.get(rule, set()):
            found.append(f"{rule} names {sorted(map(str, wrong))}, which had the header")
    return found


def judged(front: Path, back: Path, key_logs: Sequence[Path]) -> Analysis:
    """The analysis of two captures."""
    return wsanalyze.analyze(front, back, key_logs=key_logs)


def _rows(analysis: Analysis) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in analysis.handshakes.to_dict("records")]


def _names(row: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a handshake can be found by, the surest first."""
    names: list[tuple[Any, ...]] = []
    if row["client"]:
        if row["target"]:
            names.append(("client and target", row["client"], row["target"]))
        # A capture that holds no SYN may take the two ends for each other.
        names += [("client", row["client"]), ("client", row["lb_front"])]
    elif row["lb_back"]:
        if row["back_target"]:
            names.append(("back leg and target", row["lb_back"], row["back_target"]))
        names += [("back leg", row["lb_back"]), ("back leg", row["router"])]
    if row["client"] and row["lb_back"]:
        names += [("back leg and target", row["lb_back"], row["back_target"]), ("back leg", row["lb_back"])]
    return names


def _lacking(analysis: Analysis) -> dict[str, set[Any]]:
    return {
        finding.rule: {evidence.target for evidence in finding.evidence}
        for finding in analysis.findings
        if finding.rule in {"x-forwarded-for-missing", "x-forwarded-proto-missing"}
    }
