"""What the commands that read captures share: their arguments and the analysis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from wsanalyze.cli import progress
from wsanalyze.cli.errors import Failure

if TYPE_CHECKING:
    from wsanalyze.analysis import Analysis


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


key_logs = click.option(
    "--keylog",
    "key_logs",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="TLS secrets of either side, as SSLKEYLOGFILE names them; may be given several times.",
)

show_secrets = click.option(
    "--show-secrets", is_flag=True, help="Show tokens, cookies and the like, which are masked otherwise."
)


_AUTO = "auto"


def _box(_: click.Context, __: click.Parameter, value: str) -> str | None:
    return None if value == _AUTO else value


box = click.option(
    "--judged",
    "box",
    type=click.Choice([_AUTO, "load-balancer", "gorouter"]),
    callback=_box,
    default=_AUTO,
    show_default=True,
    help="The box between the captures; auto: a Gorouter where its marks tell, else a load balancer.",
)


def analyze(front: str, back: str, **options: Any) -> Analysis:
    """The analysis of two captures; a progress bar where it takes long. Raises Failure for unusable input."""
    from wsanalyze.analysis import analyze as run  # noqa: PLC0415
    from wsanalyze.failure import CaptureError  # noqa: PLC0415

    for name in (front, back, *options.get("key_logs", ())):
        if not _is_text(name):
            raise Failure(name, "the name is not UTF-8", "Rename the file, or name it by a link.")
    try:
        with progress.shown() as tell:
            return run(front, back, progress=tell, **options)
    except CaptureError as error:
        raise Failure(error.file, error.message, error.hint) from None


def _is_text(name: str) -> bool:
    """Whether tables and JSON can hold the name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
