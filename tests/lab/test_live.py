"""A real nginx and a real HAProxy are recorded here and now, and what was recorded is judged as it happened."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from captures.lab.record import Session
from captures.lab.scenarios import SCENARIOS
from tests.scenarios import Scenario
from tests.test_corpus import (
    test_every_handshake_gets_its_verdict,
    test_findings_are_those_of_the_truth,
    test_ordinary_requests_are_counted,
)

NEEDED = ("ip", "ethtool", "tcpdump", "nginx", "haproxy", "ss", "sysctl")
MISSING = [name for name in NEEDED if shutil.which(name) is None]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.mark.parametrize(
    "name", ["haproxy-http-fwd", "haproxy-tcp", "haproxy-deny", "nginx-default", "nginx-upgrade-map"]
)
def test_what_is_recorded_now_is_judged_as_it_happened(name: str, tmp_path: Path) -> None:
    planned = next(scenario for scenario in SCENARIOS if scenario.name == name)
    asyncio.run(Session(planned, tmp_path / name, tmp_path).run())
    recorded = Scenario(tmp_path / name)
    test_every_handshake_gets_its_verdict(recorded)
    test_findings_are_those_of_the_truth(recorded)
    test_ordinary_requests_are_counted(recorded)
    assert {handshake["expected"] for handshake in recorded.handshakes.values()} == EXPECTED[name]


EXPECTED = {
    "haproxy-http-fwd": {"passed-through"},
    "haproxy-tcp": {"passed-through"},
    "haproxy-deny": {"blocked"},
    "nginx-default": {"stripped"},
    "nginx-upgrade-map": {"passed-through"},
}
