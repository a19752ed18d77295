"""How captures are named on the command line: by place, by option, one file for both legs; and what is said where that fails."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

from tests.scenarios import CAPTURES
from wsanalyze.cli import main as run
from wsanalyze.cli import sources
from wsanalyze.cli.sources import Sources

HAPROXY, GOROUTER = CAPTURES / "haproxy-forms", CAPTURES / "gorouter-forms"
FRONT, BACK = str(HAPROXY / "front.pcap"), str(HAPROXY / "back.pcap")
BOTH = str(HAPROXY / "forms" / "lb-any.pcap")
ROTATED = HAPROXY / "forms" / "rotated-tcpdump"
FRONTS, BACKS = ([str(path) for path in sorted(ROTATED.glob(f"{side}.*"))] for side in ("front", "back"))
LB = ("--lb", "203.0.113.1", "--lb", "10.244.0.1")


def named(*arguments: str) -> Sources:
    """What these words name."""
    found: list[Sources] = []

    @click.command(cls=sources.Command)
    @sources.captures()
    @click.option("--format")
    def probe(
        words: tuple[str, ...], fronts: tuple[str, ...], backs: tuple[str, ...], lb: tuple[str, ...], **_: Any
    ) -> None:
        found.append(sources.named(words, fronts, backs, lb))

    probe.main(list(arguments), standalone_mode=False)
    return found[0]


@cache
def command(*arguments: str) -> tuple[int, str, str]:
    """Exit status and both streams of the command."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    with (
        contextlib.redirect_stdout(streams[0]),
        contextlib.redirect_stderr(streams[1]),
        pytest.raises(SystemExit) as ended,
    ):
        run(list(arguments))
    out, err = (stream.buffer.getvalue().decode() for stream in streams)
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


def verdicts(*arguments: str) -> list[tuple[str, ...]]:
    """What the main job says of each handshake."""
    status, out, err = command("pcap", *arguments, "--format", "json", "--fail-on", "never")
    assert (status, err) == (0, "")
    columns = ("target", "back_target", "verdict", "detail", "mode", "outcome", "client", "router")
    return sorted(tuple(str(row[name]) for name in columns) for row in json.loads(out)["handshakes"])


@pytest.mark.parametrize(
    ("words", "sides"),
    [
        ("a b", [["a"], ["b"]]),
        ("both", [["both"]]),
        ("- b", [["-"], ["b"]]),
        ("--front a --back b", [["a"], ["b"]]),
        ("--front a b --back c d", [["a", "b"], ["c", "d"]]),
        ("--back c d --front a b", [["a", "b"], ["c", "d"]]),
        ("--front a b --format json --back c", [["a", "b"], ["c"]]),
        ("--front=a --back=c", [["a"], ["c"]]),
        ("--front=a --front=b --back c d", [["a", "b"], ["c", "d"]]),
        ("--front a --front b --back c --back d", [["a", "b"], ["c", "d"]]),
        ("--front - --back c -", [["-"], ["c", "-"]]),
        ("a b c --lb 10.0.0.1", [["a", "b", "c"]]),
        ("-- -a -b", [["-a"], ["-b"]]),
        ("--front=-a --back=-b", [["-a"], ["-b"]]),
    ],
)  # fmt: skip
def test_sides(words: str, sides: list[list[str]]) -> None:
    assert named(*words.split()).sides == tuple(map(tuple, sides))
    assert named(*words.split()).names == tuple(name for side in sides for name in side)


@pytest.mark.parametrize(
    ("words", "addresses"),
    [
        ("--lb 10.0.0.1", ["10.0.0.1"]),
        ("--lb 10.0.0.1 --lb 10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ("--lb 10.0.0.1,10.0.0.2 --lb=2001:DB8::0001", ["10.0.0.1", "10.0.0.2", "2001:db8::1"]),
        ("--lb [2001:db8:0:0::1]", ["2001:db8::1"]),
    ],
)
def test_addresses_of_the_judged_box(words: str, addresses: list[str]) -> None:
    assert named("both", *words.split()).lb == tuple(addresses)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "no capture is named: FRONT BACK, or one that holds both."),
        ("a b c", "more than two captures: name those of each side by --front … --back …."),
        ("--front a", "--front needs --back as well."),
        ("--back a", "--back needs --front as well."),
        ("--front --back b", "--front names no capture."),
        ("--front a --back", "--back names no capture."),
        ("--front a --back --lb 10.0.0.1", "--back names no capture."),
        ("x --front a --back b", "'x' is of no side: name captures either by place, or by --front and --back."),
        ("--front=a b --back c", "'b' is of no side: name captures either by place, or by --front and --back."),
        *((f"both --lb {value}", f"Invalid value for '--lb': expected an IP address, such as 10.0.0.1; got '{got}'") for value, got in (
            ("lb.example.org", "lb.example.org"), ("10.0.0.0/8", "10.0.0.0/8"), ("10.0.0.1:80", "10.0.0.1:80"), ("10.0.0.1,", ""), ("256.0.0.1", "256.0.0.1"),
        )),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_said_in_one_line(words: str, said: str) -> None:
    arguments = ("pcap", *words.split())
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    end = "" if said.endswith(".") else "."
    assert err == f"wsanalyze: error: {said}{end} Try: wsanalyze pcap --help\n"
    status, out, err = command(*arguments, "--format=json")
    assert status == 2
    assert json.loads(out)["error"] == {"file": None, "message": said, "hint": "Try: wsanalyze pcap --help"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pcap", FRONT), "which leg is which cannot be told: no request .* Name the addresses of the load balancer: --lb ADDRESS"),
        (("pcap", BOTH, "--lb", "192.0.2.1"), "no connection to or from 192.0.2.1 is in it. Servers in it are: 10.244.0.10, 203.0.113.1."),
        (("pcap", BOTH, "--lb", "2001:db8::1"), "no connection to or from 2001:db8::1 is in it."),
        (("pcap", str(GOROUTER / "forms" / "merged.pcap")), r"several boxes .* Name the one to be judged: --lb .*; --lb .*10\.255\.0\.1"),
        (("pcap", "--front", FRONT, "none-*.pcap", "--back", BACK), "none-.*: no file is called like that. Check the pattern."),
        (("pcap", "--front", FRONT, "-", "--back", "-"), "front and back cannot both be standard input. Name a file"),
        (("show", FRONT, BACK), "back.pcap' is no ID: an ID, such as h1, comes after the captures, or before --front and --back."),
        (("show", "--front", FRONT, "--back", BACK), "no handshake is named: an ID, such as h1, comes after"),
        (("show", "h1"), "no capture is named"),
        (("show", FRONT, BACK, "h99"), "there is no handshake 'h99' in these captures. There are: h1, h2, "),
    ],
    ids=lambda value: " ".join(Path(word).name for word in value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_does_not_work_out_is_said_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("wsanalyze: error: ")
    assert re.search(said, line)


def test_such_errors_are_json_too() -> None:
    status, out, _ = command("pcap", BOTH, "--lb", "192.0.2.1", "--format", "json")
    assert status == 2
    assert json.loads(out)["error"]["file"] == BOTH
    assert json.loads(out)["error"]["hint"] == "Servers in it are: 10.244.0.10, 203.0.113.1."


@pytest.mark.parametrize(
    "arguments",
    [
        (BOTH, "--lb", "203.0.113.1,10.244.0.1"),
        ("--front", *FRONTS, "--back", *BACKS),
        (str(ROTATED / "front.pcap*"), str(ROTATED / "back.pcap*")),
        (str(ROTATED), *LB),
    ],
    ids=["both", "rotated", "patterns", "folder"],
)
def test_however_captures_are_named_the_verdicts_are_the_same(arguments: tuple[str, ...]) -> None:
    clean = verdicts(FRONT, BACK)
    assert len(clean) == 11
    assert verdicts(*arguments) == clean


def test_each_of_several_boxes_can_be_judged() -> None:
    merged = str(GOROUTER / "forms" / "merged.pcap")
    _, out, _ = command("pcap", merged, "--lb", "10.244.0.10,10.255.0.1", "--format", "json")
    assert json.loads(out)["judged"] == "gorouter"


def test_the_screen_says_how_to_go_on_with_the_same_captures() -> None:
    _, out, _ = command("pcap", "--front", *FRONTS, "--back", *BACKS)
    (line,) = [line for line in out.splitlines() if line.startswith("More: ")]
    words = shlex.split(line.removeprefix("More: wsanalyze "))
    assert words == ["show", words[1], "--front", *FRONTS, "--back", *BACKS]
    for again in (words, ["show", BOTH, words[1], *LB]):
        status, out, err = command(*again)
        assert (status, err) == (0, "")
        assert out.splitlines()[0] == command("show", FRONT, BACK, words[1])[1].splitlines()[0]


@pytest.mark.parametrize(
    ("places", "again"),
    [
        (Sources((("a",), ("b",)), ()), (["a", "b"], ["-x"])),
        (Sources((("a",), ("b",)), ("10.0.0.1",)), (["a", "b"], ["--lb", "10.0.0.1", "-x"])),
        (Sources((("a",),), ("10.0.0.1", "::1")), (["a"], ["--lb", "10.0.0.1", "--lb", "::1", "-x"])),
        (Sources((("a", "b", "c"),), ("::1",)), (["a", "b", "c"], ["--lb", "::1", "-x"])),
        (Sources((("a", "b"), ("c",)), ()), ([], ["--front", "a", "b", "--back", "c", "-x"])),
    ],
)
def test_the_words_that_name_the_same_once_more(places: Sources, again: tuple[list[str], list[str]]) -> None:
    before, after = places.again("-x")
    assert (before, after) == again
    assert named(*before, *after[:-1]) == places
