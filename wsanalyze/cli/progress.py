"""Takes fractions of the work, shows a bar on standard error: only on a terminal, and only where the work takes long."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import click

from wsanalyze.cli.errors import INTERRUPTED

PATIENCE = 1.0
"""Seconds of work after which the bar is shown."""


@contextlib.contextmanager
def shown() -> Iterator[Callable[[float], None] | None]:
    """What the work tells its progress to; None where nobody would see it. Ctrl-C ends the command at once."""
    if sys.stderr is None or not sys.stderr.isatty():
        with _ending_at_once(lambda: None):
            yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    task = bar.add_task("Reading captures", total=1.0)
    began = time.monotonic()

    def tell(fraction: float) -> None:
        if not bar.live.is_started and time.monotonic() - began > PATIENCE:
            bar.start()
        bar.update(task, completed=fraction, description="Reading captures" if fraction < 1 else "Judging")

    try:
        with _ending_at_once(bar.stop):
            yield tell
    finally:
        bar.stop()


@contextlib.contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[object], None] | None]:
    """What is told of each thing that is done, of so many; None where nobody would see it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    task = bar.add_task(what, total=total)
    with bar:
        yield lambda _: bar.update(task, advance=1)


@contextlib.contextmanager
def _ending_at_once(before: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C does not wait for threads: one may be waiting for standard input. Nothing has been written yet that could be lost."""

    def leave(*_: Any) -> NoReturn:
        before()
        click.echo("\nwsanalyze: interrupted", err=True)
        os._exit(INTERRUPTED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
