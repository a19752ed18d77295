"""What all tests share: the recorded scenarios, and the command as users run it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.scenarios import CAPTURES, ROOT, SCENARIOS, Scenario

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start what they run in the background so, and programs that tests start would not hear Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def captures_dir() -> Path:
    """The folder of the recorded captures."""
    return CAPTURES


@pytest.fixture(scope="session")
def scenarios() -> list[Scenario]:
    """All recorded scenarios."""
    return SCENARIOS


@pytest.fixture(scope="session", params=SCENARIOS, ids=lambda scenario: scenario.name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Each recorded scenario in turn."""
    chosen: Scenario = request.param
    return chosen


@pytest.fixture(scope="session")
def scripts_path() -> str:
    """A PATH on which the commands of this environment come first, as in an activated one."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


@pytest.fixture(scope="session")
def wsanalyze(scripts_path: str) -> str:
    """The installed command."""
    command = shutil.which("wsanalyze", path=scripts_path)
    assert command, "the command is not installed here: pip install -e '.[test]'"
    return command


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a scenario on one worker, so that it is judged once: see `--dist=loadgroup` in pyproject.toml."""
    for item in items:
        chosen = getattr(item, "callspec", None)
        scenario = chosen.params.get("scenario") if chosen else None
        if isinstance(scenario, Scenario):
            item.add_marker(pytest.mark.xdist_group(scenario.name))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the mutants that the metamorphic tests left out, with the reasons."""
    told = [
        (name, value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
    ]
    total = sum(value for name, value in told if name == "mutants" and isinstance(value, int))
    if total:
        terminalreporter.section("mutants left out")
        for why, count in Counter(value for name, value in told if name == "left out").most_common():
            terminalreporter.write_line(f"{count} of {total}: {why}")
