"""Takes text, puts it where it belongs: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from wsanalyze.cli.errors import Failure

STANDARD_STREAM = "-"


def wants_colour() -> bool:
    """Whether standard output is a terminal that wants colours (https://no-color.org)."""
    if sys.stdout is None or not sys.stdout.isatty():
        return False
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal, or of what COLUMNS says."""
    return shutil.get_terminal_size((100, 24)).columns


def check(output: str | None, inputs: Iterable[str]) -> None:
    """Raises Failure where the output is one of the inputs, or has no folder: before the work, and again after it."""
    if output is None or output == STANDARD_STREAM:
        return
    path = Path(output)
    try:
        if any(os.path.samestat(path.stat(), one) for one in _files(inputs)):
            raise Failure(output, "this is one of the captures", "Write to another file.")
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise Failure(output, "there is no such folder", "Create it, or write to another.") from None
    except OSError as error:
        raise _cannot(output, error) from None
    if path.is_dir():
        raise Failure(output, "this is a folder", "Name a file.")


def _files(inputs: Iterable[str]) -> Iterator[os.stat_result]:
    """The input files that exist; standard input may be one too."""
    for name in inputs:
        try:
            yield os.fstat(0) if name == STANDARD_STREAM else Path(name).stat()
        except OSError:
            continue


def write(text: str, output: str | None, inputs: Iterable[str]) -> None:
    """Print the text, or write it to a file. Raises Failure where that is not possible, or the file is one of the inputs."""
    if output is None or output == STANDARD_STREAM:
        _print(text)
        return
    check(output, inputs)
    try:
        _replace(Path(output), text)
    except OSError as error:
        raise _cannot(output, error) from None


def _cannot(output: str, error: OSError) -> Failure:
    return Failure(output, f"cannot be written: {error.strerror or error}", "Check the path and its permissions.")


def _print(text: str) -> None:
    """To standard output. A reader that has gone has seen enough: that is no error, and no other exit status."""
    if sys.stdout is None:
        raise Failure(None, "standard output is closed", "Write to a file with -o.")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        silence()
    except OSError as error:
        silence()
        raise Failure(None, f"standard output cannot be written: {error.strerror or error}") from None


def flush() -> None:
    """See to it that everything has been printed while that can still be told."""
    if sys.stdout is not None:
        _print("")


def silence() -> None:
    """Let what is left in the buffers go nowhere: the interpreter would complain when it flushes them again."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then put it in its place."""
    data = text.encode("utf-8", errors="backslashreplace")
    if path.exists() and not path.is_file():
        # A pipe, a terminal or /dev/null: there is nothing to replace.
        path.write_bytes(data)
        return
    path = path.resolve()
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
