"""The documentation is true: its commands run, its options exist, its tables are complete."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scenarios import ROOT
from wsanalyze.rules import all_rules

README = (ROOT / "README.md").read_text(encoding="utf-8")
SETUP = "python3 -m venv .venv && .venv/bin/pip install -q "
MAIN_JOB = "wsanalyze pcap captures/lb-front.pcap captures/lb-back.pcap"
VERDICTS = ("passed-through", "terminated", "stripped", "blocked", "undetermined")


@dataclass(frozen=True)
class Block:
    """A fenced block of the README."""

    kind: str
    text: str


BLOCKS = [Block(kind, text) for kind, text in re.findall(r"^```([^\n]*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)]
SHELL_LINES = [line for block in BLOCKS if block.kind == "sh" for line in block.text.splitlines()]
COMMANDS = [line for line in SHELL_LINES if line.startswith("wsanalyze ")]
SERVERS = [line for line in COMMANDS if line.startswith("wsanalyze router")]
"""They run until they are ended."""


def section(title: str) -> str:
    """Give the text under one heading of the README."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def named_in_table(title: str) -> set[str]:
    """Give the names in the first column of a section's table."""
    return set(re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE))


def run(command: list[str], path: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would who has activated the environment, in a terminal 120 columns wide."""
    environment = {**os.environ, "PATH": path, "COLUMNS": "120", "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder to run examples in: what they write stays out of the project."""
    (tmp_path / "captures").symlink_to(ROOT / "captures", target_is_directory=True)
    return tmp_path


def test_the_two_commands_stand_at_the_top() -> None:
    first, second = [line for line in SHELL_LINES if line][:2]
    assert first.startswith(SETUP)
    assert first.endswith(MAIN_JOB)
    assert second.startswith(SETUP)
    assert ".venv/bin/pytest" in second
    assert README.index(second) < README.index("\n## ")


def test_ci_finds_the_two_commands() -> None:
    # .ci/run takes both commands from the README by these patterns.
    assert len(re.findall(r"^python3 -m venv .*wsanalyze pcap .*$", README, re.MULTILINE)) == 1
    assert len(re.findall(r"^python3 -m venv .*pytest.*$", README, re.MULTILINE)) == 1


def test_requirements_are_those_of_the_manifests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    crate = tomllib.loads((ROOT / "engine" / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]
    python = project["requires-python"].removeprefix(">=")
    for document in (README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        assert re.findall(r"Python (\d[\d.]*\d)", document) == [python]
        assert re.findall(r"Rust (\d[\d.]*\d)", document) == [crate["rust-version"]]


def test_the_first_screen_is_real(wsanalyze: str, scripts_path: str) -> None:
    (shown,) = [block.text for block in BLOCKS if block.kind == "text first-screen"]
    printed = run([wsanalyze, *shlex.split(MAIN_JOB)[1:]], scripts_path, ROOT)
    assert printed.returncode == 1, printed.stderr
    remaining = iter([line.rstrip() for line in printed.stdout.splitlines()])
    for line in shown.splitlines():
        if line.strip() != "…":
            assert line.rstrip() in remaining, f"the command does not print, or not in this order: {line!r}"


@pytest.mark.parametrize("line", [line for line in COMMANDS if line not in SERVERS])
def test_examples_run(line: str, scripts_path: str, workplace: Path) -> None:
    done = run(["bash", "-o", "pipefail", "-c", line], scripts_path, workplace)
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("line", SERVERS)
def test_servers_listen_until_they_are_ended(line: str, wsanalyze: str, scripts_path: str, workplace: Path) -> None:
    command = [wsanalyze, *shlex.split(line)[1:], "--port", "0"]
    environment = {**os.environ, "PATH": scripts_path}
    with subprocess.Popen(command, cwd=workplace, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            assert process.stderr.readline().startswith("wsanalyze: listening at http")
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_every_option_shown_exists(wsanalyze: str, scripts_path: str) -> None:
    texts = [*COMMANDS, *re.findall(r"`(--[a-z-]+)[^`]*`", README)]
    helps = {
        command: run([wsanalyze, *command, "--help"], scripts_path, ROOT).stdout
        for command in ((), ("pcap",), ("show",), ("explain",), ("replay",), ("router",))
    }
    tcpdump = {"--immediate-mode"}
    for text in texts:
        options = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", text)) - tcpdump
        subcommand = re.match(r"wsanalyze (\w+)", text)
        where = [helps[(subcommand[1],)]] if subcommand else helps.values()
        for option in options:
            assert any(re.search(rf"(?<![\w-]){option}(?![\w-])", page) for page in where), f"{option} in {text!r}"


def test_every_command_stands_in_the_readme(wsanalyze: str, scripts_path: str) -> None:
    page = run([wsanalyze, "--help"], scripts_path, ROOT).stdout
    listed = re.search(r"^\W*Commands\W*$(.*)", page, re.MULTILINE | re.DOTALL)
    assert listed, page
    commands = set(re.findall(r"^\W*([a-z]+)\s{2,}", listed[1], re.MULTILINE))
    assert commands == {line.split()[1] for line in COMMANDS if not line.split()[1].startswith("-")}


def test_every_verdict_stands_in_the_table() -> None:
    assert named_in_table("Verdicts") == set(VERDICTS)


def test_every_rule_stands_in_the_table() -> None:
    assert {rule.name for rule in all_rules()} == named_in_table("Findings")


@pytest.mark.parametrize("name", sorted({*VERDICTS, *named_in_table("Findings")}))
def test_everything_in_the_tables_is_explained(name: str, wsanalyze: str, scripts_path: str) -> None:
    done = run([wsanalyze, "explain", name], scripts_path, ROOT)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


@pytest.mark.parametrize("source", [block.text for block in BLOCKS if block.kind == "python"])
def test_python_examples_run(source: str, scripts_path: str, workplace: Path) -> None:
    done = run([sys.executable, "-c", source], scripts_path, workplace)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_links_lead_somewhere() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "captures/README.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
            assert ((ROOT / document).parent / target).exists(), f"{target} in {document}"


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: no list of tracked files")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # In two parts, so that this line is not one of them.
    machine = re.compile(rb"(?<![\w.~-])/" + rb"(?:work|root|home/\w+|Users/\w+|tmp/[a-z]*(?:venv|target|spec))/")
    guilty = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content[:8192] and machine.search(content):
            guilty.append(name)
    assert guilty == []
