"""Filters choose what is told, by port, host and time; what is told is what the whole captures show."""

from __future__ import annotations

import dataclasses
import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest

from tests.cases.wire import Story, answer, frame, handshake, request, switching
from tests.scenarios import CAPTURES
from wsanalyze import capture
from wsanalyze.analysis import Analysis, judge
from wsanalyze.cli import main as run
from wsanalyze.filters import Filter, Moment, Selection
from wsanalyze.pairing import Pairing, pair
from wsanalyze.report import json as report
from wsanalyze.report import table
from wsanalyze.tables import Tables

HOSTS = {"App.test": 80, "other.test:8080": 8080, "[2001:db8::1]": 80, "[2001:db8::1]:8080": 8080}
"""What is asked for, and on which port of the load balancer."""


def story() -> Story:
    """A minute for each host: a handshake that is stripped, a page without X-Forwarded-For, another that the LB answers itself."""
    one = Story(offset=3600.0)
    for name, port in HOSTS.items():
        # `[` cannot stand in a target.
        path = re.sub(r"\W", "-", name)
        front, back = one.front(port=port), one.back(port=9000)
        front.ask(handshake(f"/ws/{path}", Host=name))
        back.ask(request(target=f"/ws/{path}", Host=name, X_Forwarded_For="203.0.113.10")).reply(answer(400)).end()
        front.reply(answer(400)).end()
        front, back = one.front(port=port), one.back(port=9000)
        front.ask(request(target=f"/page/{path}", Host=name))
        back.ask(request(target=f"/page/{path}", Host=name)).reply(answer(200)).end()
        front.reply(answer(200)).ask(request(target=f"/own/{path}", Host=name)).reply(answer(403)).end()
        one.wait(60)
    front, back = one.front(), one.back(port=8081)
    front.ask(handshake("/ws/last", Host="last.test"))
    back.ask(handshake("/ws/last", Host="last.test")).reply(switching())
    front.reply(switching()).ask(frame(b"hello", masked=True))
    back.ask(frame(b"hello", masked=True)).end()
    front.end()
    return one


@cache
def sides() -> tuple[Tables, Tables]:
    """The tables of the story."""
    with TemporaryDirectory() as folder:
        front, back = capture.read([[str(path)] for path in story().files(Path(folder))])
        return front.tables, back.tables


@cache
def told(only: Filter | None = None) -> Analysis:
    """What is told of the story."""
    return judge(*sides(), only=only)


@cache
def pairs() -> Pairing:
    """What joins the tables."""
    return pair(*sides())


def selected(only: Filter) -> list[str]:
    """The handshakes that a filter leaves."""
    rows = told().handshakes
    return targets(rows[Selection(only, pairs(), *sides()).handshakes(rows)])


def time(text: str) -> Moment:
    return Moment.of(text)


def targets(rows: pd.DataFrame) -> list[str]:
    return [target.removeprefix("/ws/") for target in rows["target"]]


def instances(analysis: Analysis) -> set[tuple[Any, ...]]:
    """Each instance of a finding, with all that is said of the finding but for how many they are."""
    return {
        (finding.id, finding.rule, finding.severity, finding.confidence, finding.title, finding.advice, evidence)
        for finding in analysis.findings
        for evidence in finding.evidence
    }


def counts(analysis: Analysis) -> pd.Series:
    return pd.Series(
        {**dataclasses.asdict(analysis.requests), **analysis.unpaired, "handshakes": len(analysis.handshakes)}
    )


APP, OTHER, SIX, SIX_8080, LAST = ALL = ["App-test", "other-test-8080", "-2001-db8--1-", "-2001-db8--1--8080", "last"]


def test_without_a_filter_everything_is_told() -> None:
    whole = told()
    assert targets(whole.handshakes) == ALL
    assert whole.left_out is None
    assert not Filter()
    assert (whole.requests.total, whole.requests.judged, whole.requests.missing_x_forwarded_for) == (8, 4, 4)
    assert whole.unpaired == {"front": 4, "back": 0}


PARTITIONS = {
    "hosts": [Filter(hosts=("app.test", "LAST.*")), Filter(hosts=("other.test", "[2001:db8::1]"))],
    "ports": [Filter(ports=(80,)), Filter(ports=(8080,))],
    "times": [Filter(until=time("+90s")), Filter(since=time("+90.000000001s"))],
}


@pytest.mark.parametrize("parts", PARTITIONS.values(), ids=PARTITIONS)
def test_parts_make_the_whole(parts: list[Filter]) -> None:
    whole, told_of = told(), [told(part) for part in parts]
    assert all(0 < len(one.handshakes) < len(ALL) for one in told_of)
    assert counts(told_of[0]).add(counts(told_of[1])).equals(counts(whole))
    assert set().union(*map(instances, told_of)) == instances(whole)
    assert sum(map(len, map(instances, told_of))) == len(instances(whole))
    for one in told_of:
        assert one.left_out == len(ALL) - len(one.handshakes)
        same = whole.handshakes[whole.handshakes["id"].isin(one.handshakes["id"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(one.handshakes, same)


BEGAN = 1_795_000_000
"""When the story begins, in seconds."""


@pytest.mark.parametrize(
    ("only", "left"),
    [
        (Filter(ports=(80,)), [APP, SIX, LAST]),
        (Filter(ports=(8080, 8081)), [OTHER, SIX_8080, LAST]),
        (Filter(ports=(9000,)), [APP, OTHER, SIX, SIX_8080]),
        (Filter(ports=(443,)), []),
        (Filter(hosts=("app.test",)), [APP]),
        (Filter(hosts=("APP.TEST",)), [APP]),
        (Filter(hosts=("app.test:80",)), []),
        (Filter(hosts=("other.test",)), [OTHER]),
        (Filter(hosts=("other.test:8080",)), [OTHER]),
        (Filter(hosts=("*.test",)), [APP, OTHER, LAST]),
        (Filter(hosts=("*:8080",)), [OTHER, SIX_8080]),
        (Filter(hosts=("test",)), []),
        (Filter(hosts=("[2001:db8::1]",)), [SIX, SIX_8080]),
        (Filter(hosts=("[2001:DB8::1]:8080",)), [SIX_8080]),
        (Filter(hosts=("*",)), ALL),
        (Filter(hosts=("last.test", "app.*")), [APP, LAST]),
        (Filter(ports=(8080,), hosts=("*.test",)), [OTHER]),
        (Filter(since=time("+90s")), [SIX, SIX_8080, LAST]),
        (Filter(since=time("+1.5m"), until=time("-30s")), [SIX, SIX_8080]),
        (Filter(since=time("-90000ms")), [SIX_8080, LAST]),
        (Filter(until=time("+0.001h")), [APP]),
        (Filter(until=time("+1d")), ALL),
        (Filter(since=time("-1d")), ALL),
        (Filter(since=time("2026-11-18T11:06:45Z")), [OTHER, SIX, SIX_8080, LAST]),
        (Filter(since=time("2026-11-18 12:06:45+01:00")), [OTHER, SIX, SIX_8080, LAST]),
        (Filter(until=time("2026-11-18T11:06:45")), [APP]),
        (Filter(until=time("2026-11-18")), []),
        (Filter(since=time("2026-11-18"), until=time("2026-11-19")), ALL),
        (Filter(since=time("+90s"), until=time("+30s")), []),
        (Filter(ports=(8080,), hosts=("*.test",), since=time("+90s")), []),
    ],
)  # fmt: skip
def test_handshakes_that_are_asked_for(only: Filter, left: list[str]) -> None:
    assert only
    assert selected(only) == left


def test_times_are_those_of_the_front() -> None:
    assert pd.Timestamp(BEGAN, unit="s") == pd.Timestamp("2026-11-18T11:06:40")
    (offset,) = {round(bound or 0) for bound in (told().clock_offset.low, told().clock_offset.high)}
    assert offset == 3600
    # The back's clock is an hour ahead.
    assert selected(Filter(since=time("2026-11-18T12:00:00"))) == []


@pytest.mark.parametrize(
    "text",
    ["", "soon", "90s", "+90", "+s", "+-90s", "+90 s", "+9y", "-", "12:30", "now", "2026-13-01", "2026-11-28T25:00:00Z",
     "99999-01-01", "9999-01-01", "+" + "9" * 400 + "s", "+1e9s", "+infs", "2026-", "1795000000"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # what pandas says of it does not matter
        Moment.of(text)


def test_a_filter_that_leaves_nothing() -> None:
    nothing = told(Filter(hosts=("nobody.test",)))
    document = json.loads(report.render(nothing))
    assert document["handshakes"] == []
    assert document["filtered"] == {"handshakes": len(ALL)}
    assert set(document["requests"].values()) | set(document["unpaired"].values()) == {0}
    # What is said of connections and files limits everything.
    assert all(e["handshake"] is None and e["target"] is None for f in document["findings"] for e in f["evidence"])
    screen = table.render(nothing)
    assert screen.startswith(
        "No WebSocket handshake is what the filter asks for.\nFiltered: 5 of 5 handshakes were left out.\n\n"
    )
    assert "There are no ordinary requests that the filter asks for." in screen


def test_what_is_left_out_is_not_told() -> None:
    some = told(PARTITIONS["hosts"][0])
    document = report.render(some)
    assert json.loads(document)["filtered"] == {"handshakes": 3}
    assert json.loads(report.render(told()))["filtered"] is None
    for text in (document, table.render(some)):
        assert "app.test" in text.lower()
        assert not re.search(r"other|2001", text)
    first, second, empty, *_ = table.render(some, width=200).splitlines()
    assert first.startswith("Of 2 WebSocket handshakes")
    assert (second, empty) == ("Filtered: 3 of 5 handshakes were left out.", "")
    assert "Filtered" not in table.render(told())


def test_a_filter_that_leaves_everything_says_so() -> None:
    everything = dataclasses.replace(told(), left_out=0)
    assert table.render(everything, width=200).splitlines()[1] == "Filtered: no handshake was left out."


FRONT, BACK = str(CAPTURES / "lb-front.pcap"), str(CAPTURES / "lb-back.pcap")


@pytest.mark.parametrize(
    ("options", "status", "ids"),
    [
        (["--host", "doppler.*", "--port", "443,80", "--since", "+0s"], 1, ["h11", "h12"]),
        (["--port", "8443"], 0, []),
    ],
    ids=["some", "nothing"],
)
def test_options_and_exit_status(
    options: list[str], status: int, ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["pcap", FRONT, BACK, *options, "--format", "json"])
    out, err = capsys.readouterr()
    assert (ended.value.code, err) == (status, "")
    document = json.loads(out)
    assert [row["id"] for row in document["handshakes"]] == ids
    assert document["filtered"] == {"handshakes": 12 - len(ids)}


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--port", "http", "expected ports joined by commas, such as 80,443; got 'http'"),
        ("--port", "0", "expected ports"),
        ("--port", "80,", "expected ports"),
        ("--since", "yesterday", "expected a time, such as 2026-11-28T00:30:00Z, or +90s after the beginning, or -5m before the end; got 'yesterday'"),
        ("--until", "+" + "9" * 400 + "s", "expected a time"),
        ("--host", "", "expected a host, such as app.example.org or '*.example.org'; got ''"),
    ],
)  # fmt: skip
def test_nonsense_is_said_in_one_line(
    option: str, value: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["pcap", FRONT, BACK, option, value])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(f"wsanalyze: error: Invalid value for '{option}': {expected}")


@pytest.mark.parametrize("text", [f"+{'9' * 400}s", "-99999999999999999999d", "9999-01-01", "soon", ""])
def test_moments_that_nobody_can_have_captured_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        Moment.of(text)
