"""What the command does where its streams or its terminal misbehave, or it is interrupted."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.scenarios import CAPTURES
from wsanalyze.cli import output, progress
from wsanalyze.cli.errors import Failure

FRONT, BACK = str(CAPTURES / "lb-front.pcap"), str(CAPTURES / "lb-back.pcap")


def shell(command: str, wsanalyze: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which $W is the command, $F and $B are the captures."""
    known = {"W": wsanalyze, "F": FRONT, "B": BACK, "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, **known, **environment}, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ['pcap "$F" "$B"', "explain", "--help"])
def test_a_full_disk(wsanalyze: str, arguments: str) -> None:
    done = shell(f'"$W" {arguments} > /dev/full', wsanalyze)
    assert done.returncode == 2
    assert done.stderr == "wsanalyze: error: standard output cannot be written: No space left on device.\n"


def test_standard_output_that_is_closed(wsanalyze: str) -> None:
    done = shell('"$W" pcap "$F" "$B" >&-', wsanalyze)
    assert done.returncode == 2
    assert "standard output is closed" in done.stderr
    assert shell('"$W" pcap nowhere "$B" 2>&-', wsanalyze).returncode == 2


def test_the_exit_status_does_not_depend_on_who_reads(wsanalyze: str) -> None:
    for format_ in ("table", "json"):
        done = shell(f'"$W" pcap "$F" "$B" --format {format_} | true; exit ${{PIPESTATUS[0]}}', wsanalyze)
        assert done.returncode == 1
        assert done.stderr == ""


def test_a_terminal_that_knows_no_arrows(wsanalyze: str) -> None:
    done = shell('"$W" pcap "$F" "$B"', wsanalyze, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert done.stdout.isascii()
    assert "400\\u2192400" in done.stdout


def test_file_names_that_are_not_text_or_act_on_terminals(wsanalyze: str, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff.pcap"
    done = subprocess.run([wsanalyze, "pcap", odd, BACK], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"wsanalyze: error: ")
    assert b"\xff" not in done.stderr
    evil = tmp_path / "a\x1b[31m\nb.pcap"
    evil.write_bytes(Path(FRONT).read_bytes())
    for arguments in (["pcap", str(evil), BACK], ["show", str(evil), BACK, "h1"], ["pcap", str(evil) + "x", BACK]):
        done = subprocess.run([wsanalyze, *arguments], capture_output=True, check=False)
        assert b"\x1b" not in done.stdout + done.stderr
        assert b"a\\x1b[31m" in done.stdout + done.stderr


def test_an_output_that_is_the_redirected_input(wsanalyze: str, tmp_path: Path) -> None:
    capture = tmp_path / "front.pcap"
    capture.write_bytes(Path(FRONT).read_bytes())
    done = shell(f'"$W" pcap - "$B" -o {capture} < {capture}', wsanalyze)
    assert done.returncode == 2
    assert "this is one of the captures" in done.stderr
    assert capture.read_bytes() == Path(FRONT).read_bytes()


def test_ctrl_c_does_not_wait_for_standard_input(wsanalyze: str) -> None:
    with subprocess.Popen(
        [wsanalyze, "pcap", "-", BACK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(Path(FRONT).read_bytes()[:4000])
        process.stdin.flush()
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert process.stderr.read().strip() == b"wsanalyze: interrupted"


def on_a_terminal(arguments: list[str], **environment: str) -> str:
    """What a terminal would get from the command."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    process.wait()
    return b"".join(parts).decode()


def test_colours_on_a_terminal_unless_they_are_not_wanted(wsanalyze: str) -> None:
    command = [wsanalyze, "pcap", FRONT, BACK]
    plain = {"NO_COLOR": ""}
    assert "\x1b[31mstripped" in on_a_terminal(command, **plain)
    assert "\x1b" not in on_a_terminal(command, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(command, **{**plain, "TERM": "dumb"})


def test_the_bar_waits_a_while_and_stays_off_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import sys, time\nfrom wsanalyze.cli import progress\nprogress.PATIENCE = float(sys.argv[1])\n"
        "with progress.shown() as tell:\n"
        "    for step in range(5):\n        time.sleep(0.05)\n        tell(step / 5)\n"
    )
    assert "Reading captures" in on_a_terminal([sys.executable, "-c", script, "0.0"])
    assert on_a_terminal([sys.executable, "-c", script, "60"]).strip() == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    with progress.shown() as tell:
        assert tell is None


def test_mistakes_of_the_program_are_not_findings() -> None:
    script = (
        "from wsanalyze import analysis, cli\n"
        "def broken(*_, **__): raise RuntimeError('\\x1b]52;c;cm0=\\x07')\n"
        "analysis.analyze = broken\n"
        f"cli.main(['pcap', {FRONT!r}, {BACK!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "Please report it." in done.stderr
    assert "\\x1b]52;c" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_shell_completion(wsanalyze: str, kind: str) -> None:
    done = shell('"$W"', wsanalyze, _WSANALYZE_COMPLETE=f"{kind}_source")
    assert done.returncode == 0
    assert "_WSANALYZE_COMPLETE" in done.stdout
    words = {"COMP_WORDS": "wsanalyze pcap --fo", "COMP_CWORD": "2"}
    assert "--format" in shell('"$W"', wsanalyze, _WSANALYZE_COMPLETE="bash_complete", **words).stdout


def test_no_arguments_show_the_help(wsanalyze: str) -> None:
    done = shell('"$W"', wsanalyze)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: wsanalyze ")
    assert done.stderr.count("\n") > 10


def test_a_file_keeps_its_permissions_and_is_replaced_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "result").write_text("old")
    (tmp_path / "result").chmod(0o600)
    (tmp_path / "link").symlink_to("result")
    output.write("new\ud800", str(tmp_path / "link"), ())
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "result").read_text() == "new\\ud800"
    assert (tmp_path / "result").stat().st_mode & 0o777 == 0o600
    output.write("gone", os.devnull, ())


def test_nothing_is_left_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "result").write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(Failure, match="No space left"):
        output.write("new", str(tmp_path / "result"), ())
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    assert (tmp_path / "result").read_text() == "old"
