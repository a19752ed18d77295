"""What the commands that read captures share: their arguments, the progress bar, the analysis."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from wsanalyze.cli.errors import Failure

if TYPE_CHECKING:
    from wsanalyze.analysis import Analysis

PATIENCE = 1.0
"""Seconds of work after which a progress bar is shown."""


def captures(command: Callable[..., Any]) -> Callable[..., Any]:
    """The two captures that a command takes."""
    back = click.argument("back", type=click.Path(), metavar="BACK")
    front = click.argument("front", type=click.Path(), metavar="FRONT")
    both: Callable[..., Any] = front(back(command))
    return both


def _offset(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = float("nan")
    if not abs(seconds) <= 1e9:
        raise click.BadParameter(f"expected seconds, such as 3.7 or -0.25; got {value!r}")
    return seconds


def clock_offset(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that overrides what the pairs tell of the clocks."""
    option: Callable[..., Any] = click.option(
        "--clock-offset",
        callback=_offset,
        metavar="SECONDS",
        help="Clock of BACK minus clock of FRONT, instead of what the pairs tell.",
    )
    with_option: Callable[..., Any] = option(command)
    return with_option


show_secrets = click.option(
    "--show-secrets", is_flag=True, help="Show tokens, cookies and the like, which are masked otherwise."
)


def analyze(front: str, back: str, **options: Any) -> Analysis:
    """The analysis of two captures; a progress bar where it takes long. Raises Failure for unusable input."""
    from wsanalyze.analysis import analyze as run  # noqa: PLC0415
    from wsanalyze.capture import CaptureError  # noqa: PLC0415

    try:
        with _progress() as progress:
            return run(front, back, progress=progress, **options)
    except CaptureError as error:
        raise Failure(error.file, error.message, error.hint) from None


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[float], None] | None]:
    """A bar on standard error, if that is a terminal, once the work has taken a while."""
    if not sys.stderr.isatty():
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
        yield tell
    finally:
        bar.stop()
