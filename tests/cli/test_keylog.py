"""`--keylog` on the command line: several files, either leg, what is told of one that is none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.scenarios import CAPTURES

FOLDER = CAPTURES / "haproxy-tls13"
FILES = [str(FOLDER / "front.pcap"), str(FOLDER / "back.pcap")]
KEYS = str(FOLDER / "keylog.txt")


def run(wsanalyze: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([wsanalyze, *arguments], capture_output=True, text=True, check=False)


def test_handshakes_within_tls(wsanalyze: str) -> None:
    done = run(wsanalyze, "pcap", *FILES, "--keylog", KEYS, "--format", "json")
    told = json.loads(done.stdout)
    assert {(h["verdict"], h["confidence"]) for h in told["handshakes"]} == {("passed-through", "certain")}
    assert all(h["client"] and h["front_status"] for h in told["handshakes"])


def test_several_key_logs(wsanalyze: str, tmp_path: Path) -> None:
    lines = Path(KEYS).read_text().splitlines(keepends=True)
    for number, part in enumerate((lines[: len(lines) // 2], lines[len(lines) // 2 :])):
        (tmp_path / f"{number}.txt").write_text("".join(part))
    names = [argument for number in range(2) for argument in ("--keylog", str(tmp_path / f"{number}.txt"))]
    both, one = (run(wsanalyze, "pcap", *FILES, *keys, "--format", "json") for keys in (names, ["--keylog", KEYS]))
    assert json.loads(both.stdout)["handshakes"] == json.loads(one.stdout)["handshakes"]


def test_the_next_command_names_the_keys(wsanalyze: str) -> None:
    done = run(wsanalyze, "pcap", *FILES, "--keylog", KEYS)
    (more,) = [line for line in done.stdout.splitlines() if line.startswith("More: ")]
    shown = run(wsanalyze, *more.split()[2:])
    assert shown.returncode == 0
    assert "GET " in shown.stdout


def test_without_keys_the_first_line_says_what_is_known(wsanalyze: str) -> None:
    done = run(wsanalyze, "pcap", *FILES)
    assert "probably passes WebSocket through" in done.stdout.replace("\n", " ")
    assert "the front is encrypted" in done.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("text", "message"), [(None, "no such file"), ("", "holds no TLS secrets"), ("\x00\xff{}", "holds no TLS secrets")]
)
def test_what_is_no_key_log(wsanalyze: str, tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "keys.txt"
    if text is not None:
        path.write_text(text)
    done = run(wsanalyze, "pcap", *FILES, "--keylog", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    told = json.loads(run(wsanalyze, "pcap", *FILES, "--keylog", str(path), "--format", "json").stdout)
    assert told["error"]["file"] == str(path)


def test_the_key_log_is_not_written_over(wsanalyze: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_bytes(Path(KEYS).read_bytes())
    done = run(wsanalyze, "pcap", *FILES, "--keylog", str(path), "-o", str(path))
    assert done.returncode == 2
    assert path.read_bytes() == Path(KEYS).read_bytes()
