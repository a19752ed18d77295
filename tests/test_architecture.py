"""Imports run one way, and no module is left out of the rule."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def contracts(root: Path) -> dict[str, dict[str, Any]]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["name"]: contract for contract in project["tool"]["importlinter"]["contracts"]}


def layers(contracts: dict[str, dict[str, Any]]) -> set[str]:
    """Give the names of all layers that the contract declares."""
    (declared,) = [contract["layers"] for contract in contracts.values() if contract["type"] == "layers"]
    return {name.strip(" ()") for layer in declared for name in layer.split("|")}


def test_imports_run_one_way(root: Path, scripts_path: str) -> None:
    run = subprocess.run(
        ["lint-imports"], cwd=root, env={"PATH": scripts_path}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_every_module_has_its_layer(root: Path, contracts: dict[str, dict[str, Any]]) -> None:
    package = root / "wsanalyze"
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert modules - {"__init__", "__main__"} == layers(contracts)


@pytest.mark.parametrize(
    ("library", "allowed"),
    [("click", {"cli"}), ("rich", {"cli", "report"})],
)
def test_terminal_libraries_stay_at_the_edge(
    contracts: dict[str, dict[str, Any]], library: str, allowed: set[str]
) -> None:
    (forbidden,) = [c for c in contracts.values() if c.get("forbidden_modules") == [library]]
    assert {name.removeprefix("wsanalyze.") for name in forbidden["source_modules"]} == layers(contracts) - allowed
