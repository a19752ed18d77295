"""Forwarded does not stand in for X-Forwarded-For and X-Forwarded-Proto."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.wire import CLIENT, handshake, request
from tests.rules.exchanges import found, instances, went_by

RULE = "forwarded-only"
VALUE = f"for={CLIENT};proto=http"


@pytest.mark.parametrize("others", [{}, {"X_Forwarded_For": " ", "X_Forwarded_Proto": ","}])
def test_forwarded_alone(tmp_path: Path, others: dict[str, Any]) -> None:
    analysis = went_by(tmp_path, request(target="/a"), request(target="/a", Forwarded=VALUE, **others))
    (instance,) = instances(analysis, RULE)
    assert (instance.side, instance.target, instance.note) == ("back", "/a", VALUE)
    assert found(analysis, RULE)[0].severity == "warning"
    assert found(analysis, "x-forwarded-for-missing")


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": CLIENT},
        {"X_Forwarded_Proto": "http"},
        {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "http"},
        {"Forwarded": None},
        {"Forwarded": ""},
        {"Forwarded": " , "},
    ],
)
def test_not_alone(tmp_path: Path, headers: dict[str, Any]) -> None:
    got = request(target="/a", **{"Forwarded": VALUE, **headers})
    assert not found(went_by(tmp_path, request(target="/a"), got), RULE)


def test_handshakes_are_not_looked_at(tmp_path: Path) -> None:
    assert not found(went_by(tmp_path, handshake(), handshake(Forwarded=VALUE)), RULE)
