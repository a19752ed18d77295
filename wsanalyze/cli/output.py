"""Takes text, puts it where it belongs: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from wsanalyze.cli.errors import Failure


def wants_colour() -> bool:
    """Whether standard output is a terminal that wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal, or of what COLUMNS says."""
    return shutil.get_terminal_size((100, 24)).columns


def write(text: str, output: str | None, inputs: Iterable[str]) -> None:
    """Print the text, or write it to a file. Raises Failure where that is not possible, or the file is one of the inputs."""
    if output is None or output == "-":
        sys.stdout.write(text)
        return
    path = Path(output)
    for name in inputs:
        if name != "-" and path.exists() and Path(name).exists() and path.samefile(name):
            raise Failure(output, "this is one of the captures", "Write to another file.")
    try:
        _replace(path, text)
    except OSError as error:
        raise Failure(
            output, f"cannot be written: {error.strerror or error}", "Check the path and its permissions."
        ) from None


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then put it in its place."""
    if path.exists() and not path.is_file():
        # A pipe, a terminal or /dev/null: there is nothing to replace.
        path.write_text(text, encoding="utf-8")
        return
    path = path.resolve()
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
