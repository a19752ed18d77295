"""Takes an analysis, gives the screen that answers the question: one sentence, the handshakes, what is wrong, where to look."""

from __future__ import annotations

import io
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wsanalyze import completeness
from wsanalyze.analysis import Analysis
from wsanalyze.box import worded
from wsanalyze.report import summary
from wsanalyze.report.escape import ELLIPSIS, shortened, target, visible
from wsanalyze.rules.finding import Evidence, Finding, Severity
from wsanalyze.tables import Tables

MAX_HANDSHAKES = 12
"""Handshakes that are shown one by one; a screen has about fifty lines."""
COLUMNS = ("id", "time (UTC)", "verdict", "outcome", "router→client", "front", "back")
DISPENSABLE = ("time (UTC)", "outcome", "router→client", "back", "front")
"""Columns that are left out where there is no room, the first one first."""
NARROW = {"router→client": "status"}
"""Shorter titles, for screens that would have to leave out a column otherwise."""
_UNREAD = "(a TLS connection)"
MIN_TARGET = 14
"""Columns that a target gets at least."""
MAX_EVIDENCE: dict[Severity, int] = {"error": 3, "warning": 1, "info": 1}
"""Instances of a finding that are shown; `wsanalyze explain` says more of what is only for information."""
MAX_FINDINGS = 12
"""Findings that are shown, the most severe ones."""

STYLES = {
    "passed-through": "green",
    "terminated": "red",
    "stripped": "red",
    "blocked": "red",
    "undetermined": "yellow",
    "error": "bold red",
    "warning": "yellow",
    "info": "cyan",
}


def render(
    analysis: Analysis,
    *,
    width: int = 100,
    colour: bool = False,
    show_secrets: bool = False,
    again: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> str:
    """The first screen as text of at most `width` columns; `again` are the words of the command line before and after an id."""
    screen = Console(
        file=io.StringIO(), width=max(40, width), force_terminal=colour, no_color=not colour, color_system="standard" if colour else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    screen.print(Text(summary.answer(analysis), style="bold"))
    if filtered := summary.filtered(analysis):
        screen.print(Text(filtered, style="yellow"))
    screen.print()
    if len(analysis.handshakes):
        _handshakes(screen, analysis, show_secrets=show_secrets)
    _findings(screen, analysis, show_secrets=show_secrets)
    _facts(screen, analysis)
    _next_steps(screen, analysis, again)
    file = screen.file
    assert isinstance(file, io.StringIO)  # noqa: S101
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _handshakes(screen: Console, analysis: Analysis, *, show_secrets: bool) -> None:
    rows = summary.worst_first(analysis.handshakes)
    shown = rows.head(MAX_HANDSHAKES).to_dict("records")
    cells = [_cells(row, analysis) for row in shown]
    columns = {name: [cell[name] for cell in cells] for name in COLUMNS}
    titles, widths = _layout(columns, screen.width)
    room = max(MIN_TARGET, screen.width - sum(widths.values()))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for name in (*widths, "target"):
        table.add_column(worded(titles.get(name, name), analysis.box), no_wrap=True)
    unread = summary.is_unread(rows).to_list()
    for index, row in enumerate(shown):
        path = (
            _UNREAD
            if unread[index]
            else target(
                row["target"] if isinstance(row["target"], str) else row["back_target"], show_secrets=show_secrets
            )
        )
        table.add_row(*(columns[name][index] for name in widths), Text(shortened(path, room)))
    screen.print(table)
    left = len(rows) - MAX_HANDSHAKES
    if left > 0:
        rest = rows.iloc[MAX_HANDSHAKES:][["verdict", "detail", "confidence"]]
        counts = Counter(map(_verdict, rest.to_dict("records")))
        told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
        screen.print(Text(f"{ELLIPSIS} and {left} more ({told}); --format json lists all", style="dim"))
    if any(len(tables.frames.files) > 1 for tables in (analysis.front, analysis.back)):
        screen.print(Text("2:18 is frame 18 of the second file of that side; --format json names them", style="dim"))
    screen.print()


def _layout(columns: dict[str, list[Text]], room: int) -> tuple[dict[str, str], dict[str, int]]:
    """The titles and the widths of the columns that fit: as many as can be, with long titles where there is room for them."""
    for left_out in range(len(DISPENSABLE) + 1):
        for shorter in ({}, NARROW):
            titles = {name: shorter.get(name, name) for name in columns if name not in DISPENSABLE[:left_out]}
            widths = {name: max(len(title), *map(len, columns[name])) + 2 for name, title in titles.items()}
            if sum(widths.values()) + MIN_TARGET <= room:
                return titles, widths
    return titles, widths


def _cells(row: dict[Any, Any], analysis: Analysis) -> dict[str, Text]:
    status = "→".join("-" if pd.isna(row[name]) else str(row[name]) for name in ("back_status", "front_status"))
    return {
        "id": Text(row["id"]),
        "time (UTC)": Text("-" if pd.isna(row["time"]) else row["time"].strftime("%H:%M:%S.%f")[:-3]),
        "verdict": Text(_verdict(row), style=STYLES[row["verdict"]]),
        "outcome": Text(row["outcome"] if isinstance(row["outcome"], str) else "-"),
        "router→client": Text(status),
        "front": Text(located(analysis.front, row["front_frames"])),
        "back": Text(located(analysis.back, row["back_frames"])),
    }


def _verdict(row: dict[Any, Any]) -> str:
    doubt = "?" if row["confidence"] == "likely" else ""
    detail = f" ({row['detail']})" if isinstance(row["detail"], str) else ""
    return f"{row['verdict']}{detail}{doubt}"


def located(tables: Tables, numbers: tuple[int, ...]) -> str:
    """Frame numbers as short as can be; where a side has several files, with the place of the file before them."""
    if len(tables.frames.files) == 1:
        return frames(numbers)
    return " ".join(f"{index}:{frames(known)}" for index, _, known in tables.frames.places(numbers)) or frames(())


def frames(numbers: tuple[int, ...]) -> str:
    """Frame numbers as short as can be."""
    if not numbers:
        return "-"
    shown = ",".join(map(str, numbers[:2]))
    return f"{shown},{ELLIPSIS}" if len(numbers) > 2 else shown


def _findings(screen: Console, analysis: Analysis, *, show_secrets: bool) -> None:
    several = max(len(tables.frames.files) for tables in (analysis.front, analysis.back)) > 1
    for finding in analysis.findings[:MAX_FINDINGS]:
        _finding(screen, finding, several=several, show_secrets=show_secrets)
    left = Counter(finding.severity for finding in analysis.findings[MAX_FINDINGS:])
    if left:
        told = ", ".join(f"{count} {severity}" for severity, count in left.items())
        screen.print(
            Text(f"{ELLIPSIS} and {left.total()} more findings ({told}); --format json lists all", style="dim")
        )
        screen.print()


def _finding(screen: Console, finding: Finding, *, several: bool, show_secrets: bool) -> None:
    head = Text()
    head.append(finding.severity, style=STYLES[finding.severity])
    head.append(f"  {finding.rule}", style="bold")
    head.append(f"  {finding.count} x  {visible(finding.title)}")
    for index, line in enumerate(head.wrap(screen, screen.width - 2)):
        screen.print(Padding(line, (0, 0, 0, 2 if index else 0)))
    shown = MAX_EVIDENCE[finding.severity]
    for evidence in finding.evidence[:shown]:
        screen.print(
            Padding(
                Text(_instance(evidence, screen.width - 4, several=several, show_secrets=show_secrets)), (0, 0, 0, 2)
            )
        )
    if finding.count > shown:
        screen.print(Padding(Text(_rest(finding, shown), style="dim"), (0, 0, 0, 2)))
    if finding.severity != "info":
        screen.print(Padding(Text(visible(finding.advice)), (0, 0, 0, 2)))
    screen.print()


def _instance(evidence: Evidence, room: int, *, several: bool, show_secrets: bool) -> str:
    where = f"{evidence.side} frame {frames(evidence.frames)}" if evidence.frames else f"{evidence.side} capture"
    where += f" of {visible(Path(evidence.file).name)}" if several else ""
    note = f"  [{visible(evidence.note)}]" if evidence.note else ""
    request = ""
    if evidence.target is not None:
        method, host = visible(evidence.method or ""), visible(evidence.host or "")
        what = f"{method} {host}{target(evidence.target, show_secrets=show_secrets)}".strip()
        request = f"  {shortened(what, max(16, room - len(where) - len(note) - 4))}"
    return shortened(f"{where}{request}{note}", max(40, room * 2))


def _rest(finding: Finding, shown: int) -> str:
    sides = Counter(evidence.side for evidence in finding.evidence[shown:])
    return f"{ELLIPSIS} and {' and '.join(f'{count} more on the {side}' for side, count in sides.items())}"


def _facts(screen: Console, analysis: Analysis) -> None:
    screen.print(Text(summary.requests(analysis)))
    facts = Table(box=None, padding=(0, 2, 0, 0), show_header=False, show_edge=False)
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column(overflow="fold")
    for side, tables in (("front", analysis.front), ("back", analysis.back)):
        facts.add_row(side, Text(_capture(tables)))
        facts.add_row("", Text(completeness.sentence(completeness.summed_up(tables))))
        for problem in summary.problems(tables, analysis.notes_of(side)):
            facts.add_row("", Text(visible(problem), style="yellow"))
    facts.add_row("clocks", Text(summary.clocks(analysis)))
    screen.print(facts)
    screen.print()


def _capture(tables: Tables) -> str:
    files = tables.captures
    first, last = files["first"].min(), files["last"].max()
    span = "" if pd.isna(first) else f", {(last - first).total_seconds():.1f} s from {first:%Y-%m-%d %H:%M:%S} UTC"
    count = len(tables.connections)
    tunnels = " and ".join(dict.fromkeys(visible(told) for told in files["tunnels"].dropna()))
    span += f"; in tunnels: {tunnels}" if tunnels else ""
    packets = f"{files['packets'].sum()} packets, {count} connection{'s' if count != 1 else ''}{span}"
    if len(files) == 1:
        return f"{visible(files['file'].iloc[0])}: {packets}"
    points = files["capture"].nunique()
    of = f" of {points} vantage points" if points > 1 else ""
    return f"{visible(files['file'].iloc[0])} … {visible(files['file'].iloc[-1])}, {len(files)} files{of}: {packets}"


def _next_steps(screen: Console, analysis: Analysis, again: tuple[Sequence[str], Sequence[str]]) -> None:
    """Lines to paste: they are never broken."""
    rows = summary.worst_first(analysis.handshakes)
    if not len(rows):
        screen.print(Text("What the words mean: wsanalyze explain", style="dim"))
        return
    worst = rows.iloc[0]
    lines = [
        f"Wireshark, {worst['id']} on the {side}{'' if len(tables.frames.files) == 1 else f' in {visible(file)}'}: "
        f"{display_filter(numbers)}"
        for side, tables in (("front", analysis.front), ("back", analysis.back))
        for file, numbers in tables.frames.of(worst[f"{side}_frames"])
    ]
    words = " ".join(shlex.quote(visible(word)) for word in (*again[0], worst["id"], *again[1]))
    lines += [
        f"More: wsanalyze show {words}{' (with the same on standard input)' if '-' in again[0] else ''}",
        f"      wsanalyze explain {worst['verdict']}",
    ]
    for line in lines:
        screen.print(Text(line, style="dim"), soft_wrap=True)


def display_filter(numbers: tuple[int, ...]) -> str:
    """A Wireshark display filter that shows these frames."""
    if len(numbers) == 1:
        return f"frame.number == {numbers[0]}"
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number - runs[-1][1] <= 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    # Two frames are shorter by themselves than as a range.
    told = (
        f"{first}..{last}" if last - first > 1 else ", ".join(map(str, sorted({first, last}))) for first, last in runs
    )
    return f"frame.number in {{{', '.join(told)}}}"
