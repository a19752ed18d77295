"""Takes a judged handshake and its heads, gives the page that `show` prints: the ladder of events, the heads side by side."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wsanalyze import redaction
from wsanalyze.analysis import Analysis
from wsanalyze.box import NAMES, named, worded
from wsanalyze.report.escape import shortened, target, visible
from wsanalyze.report.events import beginning, events, shift
from wsanalyze.report.table import STYLES, display_filter, located
from wsanalyze.tables import Tables

MARKS = {"same": " ", "changed": "~", "removed": "-", "added": "+", "unknown": "?"}
MAX_VALUE = 1000
"""Characters of a header line that are shown."""
MAX_EVENT = 200
"""Characters of an event that are shown."""
_ENDS = ("client", "lb_front", "lb_back", "router")
_COLOURS = {"same": "", "changed": "yellow", "removed": "red", "added": "green", "unknown": "dim"}


class HeaderLine(Protocol):
    """A header line as `evidence.difference` gives it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def value(self) -> str: ...  # noqa: D102


class LineDifference(Protocol):
    """A line of both heads, as `evidence.difference` gives it."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def front(self) -> HeaderLine | None: ...  # noqa: D102
    @property
    def back(self) -> HeaderLine | None: ...  # noqa: D102


def render(
    analysis: Analysis,
    handshake: Mapping[Any, Any],
    requests: Sequence[LineDifference],
    responses: Sequence[LineDifference],
    *,
    width: int = 100,
    colour: bool = False,
    show_secrets: bool = False,
) -> str:
    """The page as text of at most `width` columns."""
    screen = Console(
        file=io.StringIO(), width=max(60, width), force_terminal=colour, no_color=not colour, color_system="standard" if colour else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    _title(screen, analysis, handshake, show_secrets=show_secrets)
    _ladder(screen, analysis, handshake)
    for title, differences in (("Request", requests), ("Answer", responses)):
        _heads(screen, title, differences, show_secrets=show_secrets)
    kinds = {one.kind for one in (*requests, *responses)}
    if kinds - {"same", "unknown"}:
        screen.print(
            Text(worded("- removed by the load balancer   + added by it   ~ changed by it", analysis.box), style="dim")
        )
    if "unknown" in kinds:
        screen.print(Text("? the other head was cut before that could be compared", style="dim"))
    if kinds - {"same"}:
        screen.print()
    for side in ("front", "back"):
        places = _tables(analysis, side).frames
        for index, file, numbers in places.places(handshake[f"{side}_frames"]):
            name = f"{index}: {visible(file)}" if len(places.files) > 1 else visible(file)
            screen.print(Text(f"Wireshark, {side} ({name}): {display_filter(numbers)}"), soft_wrap=True)
    written = screen.file
    assert isinstance(written, io.StringIO)  # noqa: S101
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _tables(analysis: Analysis, side: str) -> Tables:
    return analysis.front if side == "front" else analysis.back


def _rules(analysis: Analysis, handshake: Mapping[Any, Any]) -> str:
    """The rules of the handshake's findings."""
    names = {finding.id: finding.rule for finding in analysis.findings}
    return ", ".join(dict.fromkeys(names.get(one, one) for one in handshake["findings"]))


def _title(screen: Console, analysis: Analysis, handshake: Mapping[Any, Any], *, show_secrets: bool) -> None:
    detail = f" ({handshake['detail']})" if isinstance(handshake["detail"], str) else ""
    outcome = handshake["outcome"] if isinstance(handshake["outcome"], str) else "not captured"
    head = Text(f"{handshake['id']}  ")
    head.append(f"{handshake['verdict']}{detail}", style=STYLES[handshake["verdict"]])
    head.append(f", {handshake['confidence']}; outcome: {outcome}")
    screen.print(head)
    shown = target(
        handshake["target"] if isinstance(handshake["target"], str) else handshake["back_target"],
        show_secrets=show_secrets,
    )
    host = handshake["host"] if isinstance(handshake["host"], str) else handshake["back_host"]
    where = visible(host) if isinstance(host, str) else ""
    method = visible(handshake["method"]) if isinstance(handshake["method"], str) else ""
    _indented(screen, Text(shortened(f"{method} {where}{shown}".strip(), MAX_VALUE)))
    _indented(screen, Text(visible(handshake["reason"])))
    paired = (
        f"paired by {handshake['pairing']}" if isinstance(handshake["pairing"], str) else "no partner on the other side"
    )
    carried = f", carried in mode {handshake['mode']}" if isinstance(handshake["mode"], str) else ""
    _indented(screen, Text(f"{paired}{carried}; findings: {_rules(analysis, handshake) or 'none'}", style="dim"))
    screen.print()


def _indented(screen: Console, text: Text) -> None:
    screen.print(Padding(text, (0, 0, 0, 4)))


def _ladder(screen: Console, analysis: Analysis, handshake: Mapping[Any, Any]) -> None:
    found = events(analysis, handshake)
    if not found:
        return
    ends = [handshake[name] if isinstance(handshake[name], str) else "?" for name in _ENDS]
    client, itself, router = named("client", analysis.box), NAMES[analysis.box].itself, NAMES[analysis.box].router
    screen.print(Text(f"{client} {ends[0]} ↔ {itself} {ends[1]} | {ends[2]} ↔ {router} {ends[3]}"))
    screen.print()
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("seconds", justify="right", no_wrap=True)
    for leg, side in ((f"{client} ↔ {itself}", "front"), (f"{itself} ↔ {router}", "back")):
        table.add_column(leg, overflow="fold")
        table.add_column(side, no_wrap=True)
    start = beginning(found, analysis, handshake)
    for event in found:
        arrow = {True: "──▶ ", False: "◀── ", None: ""}[event.towards_router]
        seconds = "" if event.towards_router is None else f"{(event.time - start).total_seconds():+.6f}"
        text = Text(f"{arrow}{shortened(visible(event.text), MAX_EVENT)}")
        where = Text(located(_tables(analysis, event.side), event.frames) if event.frames else "")
        nothing = Text()
        table.add_row(seconds, *((text, where) if event.side == "front" else (nothing, nothing, text, where)))
    screen.print(table)
    if len({event.side for event in found}) > 1:
        screen.print(Text(_clocks(analysis), style="dim"))
    screen.print()


def _clocks(analysis: Analysis) -> str:
    """What the times of the back are worth."""
    low, high = analysis.clock_offset.low, analysis.clock_offset.high
    if low is None and high is None:
        return "The clocks of the captures could not be compared: times of the back are those of its own clock."
    moved = f"Times of the back are shifted by {-shift(analysis):+.6f} s"
    if low is None or high is None:
        return f"{moved}; it may have to be {'more' if high is None else 'less'}."
    return f"{moved}, give or take {(high - low) / 2:.6f} s."


def _heads(screen: Console, title: str, differences: Sequence[LineDifference], *, show_secrets: bool) -> None:
    if not differences:
        return
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, header_style="bold", expand=True)
    table.add_column("", width=1)
    for side, is_there in (
        ("front", any(one.front for one in differences)),
        ("back", any(one.back for one in differences)),
    ):
        table.add_column(f"{title}, {side}{'' if is_there else ': none captured'}", ratio=1, overflow="fold")
    for one in differences:
        style = _COLOURS[one.kind]
        table.add_row(
            Text(MARKS[one.kind], style=style),
            Text(_line(one.front, show_secrets=show_secrets), style=style),
            Text(_line(one.back, show_secrets=show_secrets), style=style),
        )
    screen.print(table)
    screen.print()


def _line(line: HeaderLine | None, *, show_secrets: bool) -> str:
    if line is None:
        return ""
    if line.name:
        text = f"{line.name}: {line.value if show_secrets else redaction.header(line.name, line.value)}"
    else:
        text = line.value if show_secrets else " ".join(map(redaction.target, line.value.split(" ")))
    shown = visible(text)
    return shown if len(shown) <= MAX_VALUE else f"{shortened(shown, MAX_VALUE)} ({len(shown)} characters)"
