"""What is concluded of the recorded handshakes, against a router that accepts and one that refuses, is what their truth says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from tests.cases.wire import answer
from tests.replay.exchanges import came
from tests.scenarios import SCENARIOS, analysis_of
from wsanalyze.evidence.heads import heads
from wsanalyze.replay.comparison import compare
from wsanalyze.replay.conclusion import conclude
from wsanalyze.replay.fields import parsed
from wsanalyze.replay.model import Captured, Replayed

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
NAMES = (
    "apache-default",
    "apache-websocket",
    "caddy-h2",
    "envoy-default",
    "haproxy-delete-both",
    "haproxy-h2",
    "haproxy-lossy-front",
    "haproxy-router-silent",
    "haproxy-strip-response",
    "haproxy-tls13",
    "haproxy-unreachable",
    "nginx-default",
    "nginx-intercept-errors",
    "nginx-upgrade-map",
    "own-local",
    "own-plain",
    "own-withhold",
)


def known(value: Any) -> Any:
    return None if value is None or pd.isna(value) else value


def exchanges(name: str) -> Iterator[tuple[Captured, str | None]]:
    """The handshakes of a scenario, each with the outcome that its truth tells."""
    scenario = BY_NAME[name]
    analysis = analysis_of(scenario)
    for row in analysis.handshakes.to_dict("records"):
        found = heads(analysis, row)
        one = scenario.id_of({str(key): value for key, value in row.items()}, analysis)
        if found.front_request is None or one not in scenario.handshakes:
            continue
        statuses = [known(row[f"{side}_status"]) for side in ("front", "back")]
        yield (
            Captured(
                id=row["id"], handshake=True, connection=1, version=row["http_version"], head=found.front_request, body=b"",
                body_whole=True, asked=0, answered=None, answer=found.front_response, status=statuses[0],
                outcome=known(row["outcome"]) or "unknown", router_answer=found.back_response, router_status=statuses[1],
                verdict=row["verdict"], detail=known(row["detail"]),
            ),
            scenario.handshakes[one]["expected_outcome"],
        )  # fmt: skip


def again(captured: Captured) -> Replayed:
    """The same answer once more."""
    head = captured.router_answer or captured.answer
    fields = parsed(head).fields if head is not None else ()
    return Replayed(captured.id, captured.outcome, captured.router_status or captured.status, fields)


@pytest.mark.parametrize("name", NAMES)
def test_a_router_that_accepts(name: str) -> None:
    several = [(captured, outcome, compare(captured, came(id_=captured.id))) for captured, outcome in exchanges(name)]
    assert several
    for captured, outcome, found in several:
        assert found.works
        told = conclude([found])
        if outcome == "established" and captured.detail != "response":
            assert found.result != "better"
            assert "is the cause" not in told
        elif outcome == "established" or (
            captured.verdict in {"stripped", "terminated"} and captured.outcome != "unknown"
        ):
            assert found.result == "better"
            assert told.endswith("is the cause.")


@pytest.mark.parametrize("name", NAMES)
def test_a_router_that_refuses(name: str) -> None:
    for captured, outcome in exchanges(name):
        found = compare(captured, came(403, id_=captured.id, headers=answer(403)))
        worked = captured.outcome == "established" and captured.detail != "response"
        assert (found.result == "worse") is worked
        if outcome is not None and outcome != "established" and captured.outcome != "unknown":
            assert "without the LB too" in conclude([found])


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(("websocket", "h2", "tls13", "map"))])
def test_the_same_answer(name: str) -> None:
    for captured, _ in exchanges(name):
        found = compare(captured, again(captured))
        assert found.result == "same", found.why
