"""Takes what went wrong, prints it as one line, or as JSON where that was asked for."""

from __future__ import annotations

import contextlib
import sys
from itertools import pairwise

import click

BAD_INPUT = 2
"""Exit status: bad usage, or input that cannot be used."""
INTERRUPTED = 130
"""Exit status: what shells say of a command that SIGINT ended."""


class Failure(Exception):  # noqa: N818
    """The command cannot go on: what is wrong, where, and what to do."""

    def __init__(self, file: str | None, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.file = file
        self.message = message
        self.hint = hint

    @classmethod
    def of_usage(cls, error: click.ClickException) -> Failure:
        """What click found wrong with the arguments."""
        context = error.ctx if isinstance(error, click.UsageError) else None
        command = context.command_path if context is not None else "wsanalyze"
        return cls(None, error.format_message(), f"Try: {command} --help")


def report(failure: Failure, arguments: list[str]) -> int:
    """Print it; gives the exit status."""
    from wsanalyze.report.escape import visible  # noqa: PLC0415

    if _wants_json(arguments) and sys.stdout is not None:
        from wsanalyze.report.json import render_error  # noqa: PLC0415

        # Where standard output is what went wrong, the line on standard error has to do.
        with contextlib.suppress(OSError):
            sys.stdout.write(render_error(failure.file, failure.message, failure.hint))
            sys.stdout.flush()
    where = f"{failure.file}: " if failure.file else ""
    end = "" if failure.message.endswith((".", "?", "!")) else "."
    text = f"wsanalyze: error: {where}{failure.message}{end} {failure.hint}".strip()
    click.echo(visible(" ".join(text.split())), err=True)
    return BAD_INPUT


def _wants_json(arguments: list[str]) -> bool:
    """Whether JSON was asked for, also where the arguments could not be understood."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
