"""What the commands that read captures share: their arguments and the analysis."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from wsanalyze.cli import progress
from wsanalyze.cli.errors import Failure
from wsanalyze.cli.output import STANDARD_STREAM

if TYPE_CHECKING:
    from wsanalyze.analysis import Analysis
    from wsanalyze.cli.sources import Sources
    from wsanalyze.filters import Moment
    from wsanalyze.tables import Tables


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


def _ports(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...]:
    ports = [] if value is None else [part.strip() for part in value.split(",")]
    if not all(port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536 for port in ports):
        raise click.BadParameter(f"expected ports joined by commas, such as 80,443; got {value!r}")
    return tuple(int(port) for port in ports)


def ports(name: str, variable: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that takes ports."""
    option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
        name, variable, callback=_ports, metavar="PORTS", **options
    )
    return option


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> Moment | None:
    if value is None:
        return None
    from wsanalyze.filters import Moment  # noqa: PLC0415

    try:
        return Moment.of(value)
    except ValueError:
        raise click.BadParameter(
            f"expected a time, such as 2026-11-28T00:30:00Z, or +90s after the beginning, or -5m before the end; got {value!r}"
        ) from None


def _hosts(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not value.strip():
            raise click.BadParameter(f"expected a host, such as app.example.org or '*.example.org'; got {value!r}")
    return values


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose what is shown."""
    for option in (
        click.option("--until", callback=_moment, metavar="TIME", help="Only what was asked until then."),
        click.option("--since", callback=_moment, metavar="TIME",
                     help="Only what was asked since then: a time (UTC), +90s after the beginning, -5m before the end."),
        click.option("--host", "hosts", multiple=True, metavar="HOST", callback=_hosts,
                     help="Only what was asked of this host; * stands for anything. May be given several times."),
        ports("--port", "shown_ports", help="Only what was asked of the load balancer or the router on these ports."),
    ):  # fmt: skip
        command = option(command)
    return command


def analyze(sources: Sources, **options: Any) -> Analysis:
    """The analysis of what was named; a progress bar where it takes long. Raises Failure for unusable input."""
    from wsanalyze.analysis import analyze as run  # noqa: PLC0415

    with _reading(sources, options.get("key_logs", ())) as tell:
        return run(*sources.sides, lb=sources.lb, progress=tell, **options)


def one_side(sources: Sources, key_logs: tuple[str, ...]) -> Tables | None:
    """What was named, where that is one leg; None where it is both. Raises Failure for unusable input."""
    if len(sources.sides) > 1 or sources.lb:
        return None
    from wsanalyze import capture  # noqa: PLC0415
    from wsanalyze.pairing import legs  # noqa: PLC0415

    with _reading(sources, key_logs) as tell:
        (read,) = capture.read(sources.sides, tell, key_logs=key_logs)
        return None if legs.are_several(read.tables) else read.tables


@contextlib.contextmanager
def rereadable(sources: Sources) -> Iterator[Sources]:
    """The same, with standard input in a file of its own for as long as it is needed: what is read twice cannot come from a pipe."""
    if STANDARD_STREAM not in sources.names:
        yield sources
        return
    if sources.names.count(STANDARD_STREAM) > 1:
        raise Failure(STANDARD_STREAM, "standard input can be named once only", "Name a file for one of them.")
    with tempfile.NamedTemporaryFile(prefix="wsanalyze-") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        sides = tuple(tuple(file.name if name == STANDARD_STREAM else name for name in side) for side in sources.sides)
        yield replace(sources, sides=sides)


@contextlib.contextmanager
def _reading(sources: Sources, key_logs: tuple[str, ...]) -> Iterator[Callable[[float], None] | None]:
    """While captures are read: what progress is told to; what is unusable is a Failure."""
    from wsanalyze.failure import CaptureError  # noqa: PLC0415

    for name in (*sources.names, *key_logs):
        if not _is_text(name):
            raise Failure(name, "the name is not UTF-8", "Rename the file, or name it by a link.")
    try:
        with progress.shown() as tell:
            yield tell
    except CaptureError as error:
        raise Failure(error.file, error.message, error.hint) from None


def _is_text(name: str) -> bool:
    """Whether tables and JSON can hold the name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
