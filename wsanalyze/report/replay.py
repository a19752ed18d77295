"""Takes what came of a replay, gives the screen that answers the question: what follows, the exchanges, what was otherwise."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wsanalyze.replay.conclusion import conclude
from wsanalyze.replay.fields import asked
from wsanalyze.replay.model import EMBEDDED, Captured, Replayed
from wsanalyze.replay.results import RESULTS, Compared
from wsanalyze.report.escape import ELLIPSIS, shortened, target, visible

MAX_FLOWS = 12
"""Exchanges that are shown one by one; a screen has about fifty lines."""
MAX_REASONS = 8
MAX_IDS = 6
"""Ids that are named with a reason."""
MAX_NOTES = 5
MIN_TARGET = 14
"""Columns that a target gets at least."""
COLUMNS = ("id", "result", "captured", "replayed", "sent/got", "latency")
DISPENSABLE = ("latency", "sent/got")
"""Columns that are left out where there is no room, the first one first."""

STYLES = {"worse": "bold red", "different": "yellow", "better": "green", "same": "", "not-sent": "dim"}


def screen_of(width: int, *, colour: bool) -> Console:
    """A screen that is written to in memory."""
    return Console(
        file=io.StringIO(), width=max(40, width), force_terminal=colour, no_color=not colour, color_system="standard" if colour else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip


def text_of(screen: Console) -> str:
    """What was written to it, without blanks at the ends of lines."""
    file = screen.file
    assert isinstance(file, io.StringIO)  # noqa: S101
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def render(
    compared: Sequence[Compared],
    where: str,
    *,
    width: int = 100,
    colour: bool = False,
    show_secrets: bool = False,
) -> str:
    """The results as text of at most `width` columns; `where` is what was replayed to."""
    screen = screen_of(width, colour=colour)
    screen.print(Text(visible(conclude(compared, embedded=where == EMBEDDED)), style="bold"))
    screen.print()
    screen.print(Text(_counts(compared, target(where, show_secrets=show_secrets))))
    screen.print()
    # What is worse comes first, then the handshakes, which are what people ask about.
    worst_first = sorted(compared, key=_rank)
    if worst_first:
        _flows(screen, worst_first, show_secrets=show_secrets)
        _reasons(screen, worst_first, show_secrets=show_secrets)
    _notes(screen, worst_first, show_secrets=show_secrets)
    return text_of(screen)


def _rank(one: Compared) -> tuple[bool, bool, bool, int]:
    return one.result != "worse", one.result == "not-sent", not one.captured.handshake, RESULTS.index(one.result)


def _counts(compared: Sequence[Compared], where: str) -> str:
    sent = sum(one.sent for one in compared)
    counts = Counter(one.result for one in compared)
    told = ", ".join(f"{counts[result]} {result}" for result in RESULTS if counts[result])
    exchanges = f"{sent} of {len(compared)} exchange{'s' if len(compared) != 1 else ''}"
    return f"Replayed to {where}: {exchanges}{f': {told}' if told else ''}."


def _flows(screen: Console, rows: Sequence[Compared], *, show_secrets: bool) -> None:
    cells = [_cells(one) for one in rows[:MAX_FLOWS]]
    widths = _layout(cells, screen.width)
    room = max(MIN_TARGET, screen.width - sum(widths.values()))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for name in (*widths, "target"):
        table.add_column(name, no_wrap=True)
    for one, row in zip(rows, cells, strict=False):
        path = target(asked(one.captured.head).target, show_secrets=show_secrets)
        texts = (Text(row[name], style=STYLES[one.result] if name == "result" else "") for name in widths)
        table.add_row(*texts, Text(shortened(path, room)))
    screen.print(table)
    left = Counter(one.result for one in rows[MAX_FLOWS:])
    if left:
        told = ", ".join(f"{count} {result}" for result, count in left.items())
        screen.print(Text(f"{ELLIPSIS} and {left.total()} more ({told}); --format json lists all", style="dim"))
    screen.print()


def _layout(cells: Sequence[dict[str, str]], room: int) -> dict[str, int]:
    """The widths of the columns that fit."""
    for left_out in range(len(DISPENSABLE) + 1):
        names = [name for name in COLUMNS if name not in DISPENSABLE[:left_out]]
        widths = {name: max(len(name), *(len(row[name]) for row in cells)) + 2 for name in names}
        if sum(widths.values()) + MIN_TARGET <= room:
            break
    return widths


def _cells(one: Compared) -> dict[str, str]:
    captured, replayed = one.captured, one.replayed or Replayed(one.captured.id)
    talked = replayed.sent or replayed.received
    return {
        "id": visible(captured.id),
        "result": one.result,
        "captured": _outcome(captured.outcome, captured.status, captured),
        "replayed": _outcome(replayed.outcome if one.sent else None, replayed.status),
        "sent/got": f"{replayed.sent}/{replayed.received}" if talked else "-",
        "latency": f"{_then(captured)} → {_milliseconds(replayed.latency)}" if replayed.latency is not None else "-",
    }


def _outcome(outcome: str | None, status: int | None, captured: Captured | None = None) -> str:
    if outcome is None:
        return "-"
    router = captured.router_status if captured is not None else None
    statuses = "→".join(str(one) for one in (None if router == status else router, status) if one is not None)
    return visible(f"{outcome} {statuses}".rstrip())


def _then(captured: Captured) -> str:
    return _milliseconds(None if captured.answered is None else max(0, captured.answered - captured.asked) / 1e9)


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return (
        f"{seconds:.1f} s"
        if seconds >= 10
        else f"{seconds * 1000:.0f} ms"
        if seconds >= 0.01
        else f"{seconds * 1000:.1f} ms"
    )


def _reasons(screen: Console, rows: Sequence[Compared], *, show_secrets: bool) -> None:
    """Why, once for all of which the same is true."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in rows:
        groups.setdefault((one.result, one.why), []).append(one.captured.id)
    for (result, why), ids in list(groups.items())[:MAX_REASONS]:
        named = ", ".join(map(visible, ids[:MAX_IDS])) + (f", {ELLIPSIS}" if len(ids) > MAX_IDS else "")
        head = Text(result, style=STYLES[result])
        head.append(f"  {len(ids)} x  {named}", style="default")
        screen.print(head)
        screen.print(Padding(Text(target(why, show_secrets=show_secrets), overflow="fold"), (0, 0, 0, 2)))
    left = len(groups) - MAX_REASONS
    if left > 0:
        told = f"{ELLIPSIS} and {left} more reason{'s' if left > 1 else ''}; --format json tells each exchange's"
        screen.print(Text(told, style="dim"))


def _notes(screen: Console, rows: Sequence[Compared], *, show_secrets: bool) -> None:
    counts = Counter(note for one in rows if one.replayed is not None for note in one.replayed.notes)
    if not counts:
        return
    screen.print()
    for note, count in counts.most_common(MAX_NOTES):
        screen.print(Text(f"note  {count} x  {target(note, show_secrets=show_secrets)}", style="dim", overflow="fold"))
    left = len(counts) - MAX_NOTES
    if left > 0:
        screen.print(Text(f"{ELLIPSIS} and {left} more note{'s' if left > 1 else ''}", style="dim"))
