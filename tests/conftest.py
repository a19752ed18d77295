"""What all tests share: the recorded scenarios, and the command as users run it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.scenarios import CAPTURES, ROOT, SCENARIOS, Scenario


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
