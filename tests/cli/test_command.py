"""The command as users run it: exit codes, errors in one line, files that are written whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios import CAPTURES

FRONT, BACK = str(CAPTURES / "lb-front.pcap"), str(CAPTURES / "lb-back.pcap")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(wsanalyze: str, tmp_path: Path) -> Run:
    """Run the command in an empty folder."""

    def call(*arguments: str, stdin: bytes | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        done = subprocess.run(
            [wsanalyze, *arguments],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            env={**os.environ, "COLUMNS": "100", **environment},
            **given,
        )
        assert b"Traceback" not in done.stderr, done.stderr
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


def test_exit_codes(run: Run) -> None:
    assert run("pcap", FRONT, BACK).returncode == 1
    assert run("pcap", FRONT, BACK, "--fail-on", "never").returncode == 0
    terminated = [str(CAPTURES / "own-local" / f"{side}.pcap") for side in ("front", "back")]
    assert run("pcap", *terminated, "--fail-on", "never").returncode == 0
    warned = [str(CAPTURES / "haproxy-deny" / f"{side}.pcap") for side in ("front", "back")]
    assert run("pcap", *warned).returncode == 0
    assert run("pcap", *warned, "--fail-on", "warning").returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["nonsense"], ["pcap"], ["pcap", FRONT], ["pcap", FRONT, BACK, "--format", "xml"], ["pcap", FRONT, BACK, "--keylog", "x"],
        ["pcap", FRONT, BACK, "--web-port", "80,x"], ["pcap", FRONT, BACK, "--web-port", "99999"], ["pcap", FRONT, BACK, "--clock-offset", "soon"],
        ["pcap", "-", "-"], ["pcap", "nowhere.pcap", BACK], ["pcap", FRONT, "."], ["pcap", "empty", BACK], ["pcap", FRONT, "text"],
        ["show", FRONT, BACK, "h99"], ["show", FRONT, BACK], ["show", "nowhere.pcap", BACK, "h1"], ["explain", "strpped"],
        ["extract", FRONT, BACK, "h1"], ["replay"], ["replay", FRONT, "--target", "x"], ["replay", FRONT, "--set-header", "x"],
        ["replay", FRONT, "--speed", "fast"], ["replay", "nowhere.pcap"], ["replay", FRONT, "--cafile", "x"], ["replay", FRONT, "--write", FRONT],
    ],
    ids=lambda arguments: " ".join(Path(argument).name for argument in arguments) or "nothing",
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_one_line(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_text("08:33:09.734 IP 1.2.3.4 > 5.6.7.8: Flags [S]\n")
    done = run(*arguments)
    assert done.returncode == 2
    if arguments:
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("wsanalyze: error: ")


@pytest.mark.parametrize("arguments", [["nowhere.pcap", BACK], [FRONT], [FRONT, BACK, "--keylog", "x"], ["-", "-"]])
def test_errors_are_json_where_that_was_asked_for(run: Run, arguments: list[str]) -> None:
    for option in (["--format", "json"], ["--format=json"]):
        done = run("pcap", *arguments, *option)
        assert done.returncode == 2
        document = json.loads(done.stdout)
        assert set(document) == {"wsanalyze", "error"}
        assert set(document["error"]) == {"file", "message", "hint"}
        assert document["error"]["message"]


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(run: Run, tmp_path: Path) -> None:
    whole = Path(FRONT).read_bytes()
    (tmp_path / "cut.pcap").write_bytes(whole[: len(whole) - 7])
    (tmp_path / "nothing.pcap").write_bytes(whole[:24])
    done = run("pcap", "cut.pcap", BACK, "--format", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["captures"]["front"][0]["packets"] == 155
    assert document["captures"]["front"][0]["problems"]
    assert len(document["handshakes"]) == 12
    done = run("pcap", "nothing.pcap", "nothing.pcap", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["handshakes"] == []


def test_standard_input(run: Run) -> None:
    piped = run("pcap", "-", BACK, "--format", "json", stdin=Path(FRONT).read_bytes())
    named = run("pcap", FRONT, BACK, "--format", "json")
    assert piped.stdout.replace('"-"', json.dumps(FRONT)) == named.stdout


def test_output_is_written_whole_and_never_over_an_input(run: Run, tmp_path: Path) -> None:
    (tmp_path / "front.pcap").write_bytes(Path(FRONT).read_bytes())
    (tmp_path / "link").symlink_to("front.pcap")
    os.link(tmp_path / "front.pcap", tmp_path / "hard")
    for name in ("front.pcap", "link", "hard"):
        done = run("pcap", "front.pcap", BACK, "-o", name)
        assert done.returncode == 2
        assert "captures" in done.stderr
    assert (tmp_path / "front.pcap").read_bytes() == Path(FRONT).read_bytes()
    done = run("pcap", "front.pcap", BACK, "-o", "result.json", "--format", "json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(json.loads((tmp_path / "result.json").read_text())["handshakes"]) == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["front.pcap", "hard", "link", "result.json"]
    assert run("pcap", "front.pcap", BACK, "-o", "no/such/folder").returncode == 2


def test_a_reader_that_goes_away(wsanalyze: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{wsanalyze} pcap {FRONT} {BACK} | head -1"], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("The load balancer")
    assert done.stderr == ""


def test_as_a_module_and_its_version(run: Run) -> None:
    done = subprocess.run([sys.executable, "-m", "wsanalyze", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == run("--version").stdout
    assert done.stdout.startswith("wsanalyze, version ")


def test_help_does_not_load_what_it_does_not_need() -> None:
    script = (
        "import sys, wsanalyze.cli\n"
        "try: wsanalyze.cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'pandas', 'pyarrow', 'numpy', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for command in ("pcap", "show", "explain"):
        assert f"  {command}" in done.stdout


@pytest.mark.parametrize("number", [1, 12])
def test_a_handshake_can_be_shown(run: Run, number: int) -> None:
    done = run("show", FRONT, BACK, f"h{number}")
    assert done.returncode == 0
    assert f"h{number}  stripped (upgrade+connection)" in done.stdout
    assert "- upgrade: websocket" in done.stdout.lower()
    assert "~ connection: " in done.stdout.lower()


def test_show_reads_heads_again_that_no_longer_speak_of_websocket(run: Run, tmp_path: Path) -> None:
    from tests.cases.wire import Story, answer, handshake, request

    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake("/ws?token=s3cret", Cookie="id=s3cret"))
    back.ask(request(target="/ws?token=s3cret", X_Only_Behind="1", Cookie="id=s3cret")).reply(answer(200))
    front.reply(answer(200))
    files = [str(path) for path in story.files(tmp_path)]
    done = run("show", *files, "h1")
    assert done.returncode == 0
    assert "X-Only-Behind: 1" in done.stdout
    assert "s3cret" not in done.stdout
    assert "s3cret" in run("show", *files, "h1", "--show-secrets").stdout


def test_everything_is_explained_and_mistakes_are_helped(run: Run) -> None:
    overview = run("explain").stdout
    for name in ("stripped", "re-originated", "x-forwarded-for-missing", "http/1.0", "answer-withheld"):
        assert name in overview or run("explain", name).returncode == 0
        assert name in run("explain", name).stdout
    assert "stripped" in run("explain", "strpped").stderr


def test_no_colour_when_piped(run: Run) -> None:
    assert "\x1b" not in run("pcap", FRONT, BACK, FORCE_COLOR="1").stdout


def test_the_judged_box_can_be_named(run: Run) -> None:
    for said, judged in (("auto", "load-balancer"), ("gorouter", "gorouter")):
        done = run("pcap", FRONT, BACK, "--judged", said, "--format", "json")
        assert json.loads(done.stdout)["judged"] == judged
    assert "↔ Gorouter 203.0.113.1:80" in run("show", FRONT, BACK, "h1", "--judged", "gorouter").stdout
    assert run("pcap", FRONT, BACK, "--judged", "router").returncode == 2
