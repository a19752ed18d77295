"""Takes a judged handshake and its heads, gives the page that `show` prints: the ladder of events, the heads side by side."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wsanalyze import redaction
from wsanalyze.analysis import Analysis
from wsanalyze.capture import Tables
from wsanalyze.report.escape import shortened, target, visible
from wsanalyze.report.table import STYLES, display_filter, frames

MARKS = {"same": " ", "changed": "~", "removed": "-", "added": "+"}
_COLOURS = {"same": "", "changed": "yellow", "removed": "red", "added": "green"}


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


@dataclass(frozen=True, slots=True)
class Event:
    """Something that went by on one leg."""

    side: str
    time: pd.Timestamp
    text: str
    frames: tuple[int, ...]
    towards_router: bool


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
    _title(screen, handshake, show_secrets=show_secrets)
    _ladder(screen, analysis, handshake)
    for title, differences in (("Request", requests), ("Answer", responses)):
        _heads(screen, title, differences, show_secrets=show_secrets)
    screen.print(Text("- removed by the load balancer   + added by it   ~ changed by it", style="dim"))
    screen.print()
    for side in ("front", "back"):
        if handshake[f"{side}_frames"]:
            file = visible(str(handshake[f"{side}_file"]))
            screen.print(Text(f"Wireshark, {side} ({file}): {display_filter(handshake[f'{side}_frames'])}"))
    written = screen.file
    assert isinstance(written, io.StringIO)  # noqa: S101
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _title(screen: Console, handshake: Mapping[Any, Any], *, show_secrets: bool) -> None:
    detail = f" ({handshake['detail']})" if handshake["detail"] else ""
    head = Text(f"{handshake['id']}  ")
    head.append(f"{handshake['verdict']}{detail}", style=STYLES[handshake["verdict"]])
    head.append(f", {handshake['confidence']}; outcome: {handshake['outcome'] or 'not captured'}")
    screen.print(head)
    shown = target(
        handshake["target"] if isinstance(handshake["target"], str) else handshake["back_target"],
        show_secrets=show_secrets,
    )
    host = handshake["host"] if isinstance(handshake["host"], str) else handshake["back_host"]
    screen.print(
        Text(f"    {visible(handshake['method'] or '')} {visible(host) if isinstance(host, str) else ''}{shown}")
    )
    screen.print(Text(f"    {visible(handshake['reason'])}"))
    paired = (
        f"paired by {handshake['pairing']}" if isinstance(handshake["pairing"], str) else "no partner on the other side"
    )
    carried = f", carried in mode {handshake['mode']}" if isinstance(handshake["mode"], str) else ""
    screen.print(Text(f"    {paired}{carried}; findings: {', '.join(handshake['findings']) or 'none'}", style="dim"))
    screen.print()


def _ladder(screen: Console, analysis: Analysis, handshake: Mapping[Any, Any]) -> None:
    offset = analysis.clock_offset
    bounds = [bound for bound in (offset.low, offset.high) if bound is not None]
    middle = sum(bounds) / len(bounds) if bounds else 0.0
    events = [*_events("front", analysis.front, handshake), *_events("back", analysis.back, handshake)]
    if not events:
        return
    shift = {"front": pd.Timedelta(0), "back": pd.Timedelta(seconds=middle)}
    events.sort(key=lambda event: (event.time - shift[event.side], event.side == "back"))
    start = events[0].time - shift[events[0].side]
    width = (max(60, screen.width) - 12) // 2
    ends = [
        f"client {handshake['client'] or '?'}",
        f"LB {handshake['lb_front'] or '?'} | {handshake['lb_back'] or '?'}",
        f"router {handshake['router'] or '?'}",
    ]
    screen.print(Text(f"{'':12}{ends[0]}  ↔  {ends[1]}  ↔  {ends[2]}", style="bold"))
    for event in events:
        seconds = (event.time - shift[event.side] - start).total_seconds()
        arrow = "──▶" if event.towards_router else "◀──"
        text = f"{arrow} {visible(event.text)}  [{event.side} {frames(event.frames)}]"
        indent = "" if event.side == "front" else " " * width
        screen.print(Text(f"{seconds:+10.6f}  {indent}{shortened(text, screen.width - 12 - len(indent))}"))
    if len(bounds) == 2:
        screen.print(
            Text(
                f"{'':12}times of the back are shifted by {-middle:+.6f} s, give or take {(bounds[1] - bounds[0]) / 2:.6f} s",
                style="dim",
            )
        )
    elif not bounds:
        screen.print(Text(f"{'':12}the clocks of the captures could not be compared", style="dim"))
    screen.print()


def _events(side: str, tables: Tables, handshake: Mapping[Any, Any]) -> list[Event]:
    number = handshake[f"{side}_exchange"]
    if number is None or pd.isna(number):
        return []
    row = tables.exchanges[tables.exchanges["exchange"] == number].iloc[0]
    connection = tables.connections[tables.connections["connection"] == row["connection"]].iloc[0]
    events = []
    if not pd.isna(row["request_first"]):
        asks = ", ".join(
            f"{name}: {row[column]}"
            for name, column in (("Upgrade", "request_upgrade"), ("Connection", "request_connection"))
            if isinstance(row[column], str)
        )
        events.append(
            Event(
                side,
                row["request_first"],
                f"{row['method']} HTTP/{row['version']}{f' ({asks})' if asks else ' (no Upgrade, no Connection)'}",
                tuple(row["request_frames"]),
                True,
            )
        )
    if not pd.isna(row["status"]):
        events.append(Event(side, row["response_first"], f"{row['status']}", tuple(row["response_frames"]), False))
    websocket = tables.websockets[tables.websockets["exchange"] == number]
    if len(websocket) and not pd.isna(websocket.iloc[0]["close_frame"]):
        told = websocket.iloc[0]
        code = "" if pd.isna(told["close_code"]) else f" {told['close_code']}"
        events.append(
            Event(side, told["ended"], f"Close{code}", (int(told["close_frame"]),), told["closed_by"] == "client")
        )
    if not pd.isna(connection["end_time"]):
        how = "RST" if connection["ended"] == "rst" else "FIN"
        events.append(
            Event(
                side, connection["end_time"], how, (int(connection["end_frame"]),), connection["ended_by"] == "client"
            )
        )
    return events


def _heads(screen: Console, title: str, differences: Sequence[LineDifference], *, show_secrets: bool) -> None:
    if not differences:
        return
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, header_style="bold", expand=True)
    table.add_column("", width=1)
    table.add_column(f"{title}, front", ratio=1, overflow="fold")
    table.add_column(f"{title}, back", ratio=1, overflow="fold")
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
    if not line.name:
        return visible(
            line.value if show_secrets else " ".join(redaction.target(part) for part in line.value.split(" "))
        )
    return visible(f"{line.name}: {line.value if show_secrets else redaction.header(line.name, line.value)}")
