"""Takes what a user names (files, directories, patterns), gives captures: the files of one vantage point, in their order.

Who records for long rotates files: dumpcap's ring buffer (`x_00001_20261128003000.pcapng`), tcpdump -C (`x.pcap`, `x.pcap1`),
tcpdump -G (a time in the name), or any number at the end of the name. What was recorded elsewhere at the same time may be
called much the same (`router1.pcap`, `router2.pcap`); then the times tell.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from wsanalyze import _engine
from wsanalyze.failure import CaptureError, named

STANDARD_INPUT = "-"

_EXTENSION = r"(?:\.(?:pcapng|pcap|cap|dmp|dump))"
_PACKED = r"(?:\.(?:gz|zst))?"
# https://www.wireshark.org/docs/man-pages/dumpcap.html (-b) and https://www.tcpdump.org/manpages/tcpdump.1.html (-C, -W, -G)
_NAME = re.IGNORECASE | re.DOTALL
_RING = re.compile(rf"(?P<stem>.*)_(?P<number>\d{{5,}})_\d{{14}}(?P<rest>{_EXTENSION}?){_PACKED}", _NAME)
_RING_NUMBER_LAST = re.compile(rf"(?P<stem>.*)_\d{{14}}_(?P<number>\d{{5,}})(?P<rest>{_EXTENSION}?){_PACKED}", _NAME)
# `-z gzip` leaves the last file as it is.
_BY_SIZE = re.compile(rf"(?P<stem>.*{_EXTENSION})(?P<number>\d*)(?P<rest>){_PACKED}", _NAME)
_BY_TIME = re.compile(
    r"(?P<stem>.*?)(?P<number>\d{4}-?\d{2}-?\d{2}(?:[T_-]?\d{2}[-:_.]?\d{2}(?:[-:_.]?\d{2})?)?Z?)(?P<rest>\D.*|)", _NAME
)
_COUNTED = re.compile(r"(?P<stem>.*?)(?P<number>\d+)(?P<rest>\D*)", _NAME)


@dataclass(frozen=True, slots=True)
class Capture:
    """The files of one vantage point, in their order."""

    files: tuple[str, ...]
    begins: tuple[int, ...] | None = None
    """Times of their first packets, in nanoseconds, where only the times tell whether they belong together: what begins before
    the end of the file before it is another capture."""
    interrupted: frozenset[str] = frozenset()
    """Those of the files whose names do not tell that they follow the file before at once: others may be missing between."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was named."""

    captures: tuple[Capture, ...]
    notes: tuple[str, ...] = ()
    """What was left out, one sentence each."""


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    series: tuple[str, ...]
    """What the names of a series have in common."""
    number: int
    rotated: bool
    """The name is one that a capturing program gives when it rotates files."""


def find(names: Sequence[str]) -> Found:
    """The captures that these names stand for. Raises CaptureError where one of them stands for none."""
    files: dict[tuple[int, int] | str, str] = {}
    notes: list[str] = []
    for name in names:
        for file in _files(name, notes):
            identity = _identity(file)
            if identity not in files:
                files[identity] = file
            elif file != STANDARD_INPUT:
                notes.append(f"{file} is the same file as {files[identity]}: it was read once.")
    captures = tuple(capture for series in _series(files.values()) for capture in _captures(series))
    notes += [
        f"{_text(file)}: the file before it is missing, and with it what went by then."
        for capture in captures
        for file in capture.files
        if file in capture.interrupted and capture.begins is None
    ]
    return Found(captures, tuple(dict.fromkeys(notes)))


def check(name: str) -> None:
    """Say what the operating system would say less clearly. Raises CaptureError for a file that cannot be a capture."""
    if name == STANDARD_INPUT:
        return
    if name != _text(name):
        # Neither tables nor JSON can hold it.
        raise CaptureError(_text(name), "the name is not UTF-8", "Rename the file, or name it by a link.")
    status = _status(name)
    if stat.S_ISREG(status.st_mode) and status.st_size == 0:
        raise CaptureError(name, "the file is empty (0 bytes)", "Was the capture stopped before it was written?")


def _status(name: str) -> os.stat_result:
    """What the operating system knows of a file. Raises CaptureError where it knows nothing."""
    try:
        return Path(name).stat()
    except FileNotFoundError:
        raise CaptureError(name, "no such file", "Check the path.") from None
    except (OSError, ValueError) as error:
        raise _unusable(name, error) from None


def _unusable(name: str, error: Exception) -> CaptureError:
    return CaptureError(name, getattr(error, "strerror", None) or str(error), "Check the path and its permissions.")


def begins(name: str) -> int | None:
    """When the first packet of a file was captured, in nanoseconds; None without one. Raises CaptureError as `check` does."""
    check(name)
    try:
        first: int | None = _engine.begins(name)
    except _engine.CaptureError as error:
        raise named(name, error) from None
    return first


def _files(name: str, notes: list[str]) -> Iterator[str]:
    """The files that one name stands for."""
    if name == STANDARD_INPUT:
        yield name
    elif _is_kind(name, stat.S_IFDIR):
        yield from _legible(_inside(name), name, notes)
    elif os.path.lexists(name) or not glob.has_magic(name):
        check(name)
        yield name
    else:
        matching = sorted(glob.glob(name, recursive=True))  # noqa: PTH207  # absolute and relative alike
        if not matching:
            raise CaptureError(name, "no file is called like that", "Check the pattern.")
        inside = [file for one in matching for file in (_inside(one) if _is_kind(one, stat.S_IFDIR) else (one,))]
        yield from _legible(inside, name, notes)


def _inside(folder: str) -> Iterator[str]:
    """What is in a folder, but for other folders."""
    try:
        names = sorted(entry.path for entry in os.scandir(folder))
    except OSError as error:
        raise _unusable(folder, error) from None
    yield from (name for name in names if not _is_kind(name, stat.S_IFDIR))


def _is_kind(name: str, kind: int) -> bool:
    """Whether the file is one of this kind; one that cannot be looked at is of none."""
    try:
        return stat.S_IFMT(Path(name).stat().st_mode) == kind
    except (OSError, ValueError):
        return False


def _legible(files: Iterable[str], name: str, notes: list[str]) -> Iterator[str]:
    """Those of the files that are captures; the others are no reason to stop."""
    found = False
    for file in files:
        try:
            _look_into(file)
        except CaptureError as error:
            notes.append(f"{_text(file)} was left out: {error.message}.")
        else:
            found = True
            yield file
    if not found:
        raise CaptureError(name, "there is no capture in it", "Name files, or a directory that holds captures.")


def _look_into(file: str) -> None:
    """Raises CaptureError for what is no capture."""
    if _is_kind(file, stat.S_IFIFO):
        # Nobody may be about to write to it.
        raise CaptureError(file, "it is a pipe, which is read only where it is named")
    begins(file)


def rereadable(name: str) -> bool:
    """Whether it can be read twice: standard input and pipes cannot."""
    return name != STANDARD_INPUT and Path(name).is_file()


def size(name: str) -> int:
    """How many bytes a file has; 0 where nobody knows: standard input, or a ring's file that was deleted meanwhile."""
    try:
        return 0 if name == STANDARD_INPUT else Path(name).stat().st_size
    except OSError:
        return 0


def _text(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _identity(name: str) -> tuple[int, int] | str:
    try:
        status = Path(name).stat()
    except OSError:
        return name
    return (status.st_dev, status.st_ino) if name != STANDARD_INPUT else name


def _series(names: Iterable[str]) -> list[list[_File]]:
    """The files by what their names have in common."""
    files = [_parsed(name) for name in names]
    rotated = {file.series for file in files if file.rotated}
    series: dict[tuple[str, ...], list[_File]] = {}
    for file in files:
        # tcpdump -C begins with the plain name.
        first = _BY_SIZE.fullmatch(Path(file.name).name)
        ahead = ("size", str(Path(file.name).parent), first["stem"], first["rest"]) if first else ()
        joined = replace(file, series=ahead, number=0, rotated=True) if ahead in rotated and not file.rotated else file
        series.setdefault(joined.series, []).append(joined)
    return list(series.values())


def _parsed(name: str) -> _File:
    folder, base = str(Path(name).parent), Path(name).name
    if not rereadable(name):
        return _File(name, (name,), 0, rotated=False)
    for kind, pattern in (("ring", _RING), ("ring", _RING_NUMBER_LAST), ("size", _BY_SIZE)):
        match = pattern.fullmatch(base)
        if match and match["number"]:
            return _File(name, (kind, folder, match["stem"], match["rest"]), int(match["number"][:18]), rotated=True)
    for pattern in (_BY_TIME, _COUNTED):
        match = pattern.fullmatch(base)
        if match:
            digits = re.sub(r"\D", "", match["number"])
            return _File(name, ("", folder, match["stem"], match["rest"]), int(digits[:18]), rotated=False)
    # tcpdump -C goes on with `x1` after `x`, where the name that it was given has no extension.
    return _File(name, ("", folder, base, ""), 0, rotated=False)


def _captures(series: list[_File]) -> Iterator[Capture]:
    if len(series) == 1:
        yield Capture((series[0].name,))
        return
    series = sorted(series, key=lambda file: (file.number, file.name))
    times = [begins(file.name) for file in series]
    latest = max((time for time in times if time is not None), default=0)
    known = [latest if time is None else time for time in times]
    # Two recordings that were written into the same folder count the same numbers.
    if all(file.rotated for file in series) and len({file.number for file in series}) == len(series):
        turned = _turned(known)
        round_ = series[turned:] + series[:turned]
        skipped = (file.name for before, file in pairwise(round_) if file.number != before.number + 1)
        yield Capture(tuple(file.name for file in round_), interrupted=frozenset(skipped))
        return
    order = sorted(range(len(series)), key=lambda index: (known[index], index))
    names = tuple(series[index].name for index in order)
    yield Capture(names, tuple(known[index] for index in order), frozenset(names[1:]))


def _turned(times: Sequence[int]) -> int:
    """Where a ring of files begins, which was written over from its beginning: the place of the earliest, if all follow from it.

    Two files tell nothing: there a clock may have been set.
    """
    first = times.index(min(times))
    round_ = [*times[first:], *times[:first]]
    return first if len(times) > 2 and round_ == sorted(round_) else 0
