"""Takes two heads, gives what one has and the other has not, header by header; their order and case as they were sent.

Names are compared without regard to case (RFC 9110 5.1), values as they are.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

Kind = Literal["same", "changed", "removed", "added", "unknown"]


@dataclass(frozen=True, slots=True)
class Line:
    """A header line."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}: {self.value}" if self.name else self.value


@dataclass(frozen=True, slots=True)
class Difference:
    """A line of both heads side by side."""

    kind: Kind
    front: Line | None
    back: Line | None


def lines(head: bytes) -> list[Line]:
    """The start-line, with an empty name, and the header lines. Bytes that are not UTF-8 become escapes."""
    text = head.decode("utf-8", errors="backslashreplace").replace("\r\n", "\n").strip("\n")
    start, *rest = text.split("\n")
    if start.startswith(":"):
        start, rest = _http2(text.split("\n"))
    found = [Line("", start)]
    for line in rest:
        # The name of a pseudo-header begins with a colon (RFC 9113 8.3).
        name, colon, value = line[1:].partition(":") if line.startswith(":") else line.partition(":")
        name = f":{name}" if line.startswith(":") else name
        if line[:1] in {" ", "\t"} and len(found) > 1:
            # obs-fold (RFC 9112 5.2): the line goes on.
            found[-1] = Line(found[-1].name, f"{found[-1].value} {line.strip()}")
        elif colon:
            found.append(Line(name, value.strip()))
        elif line:
            found.append(Line("", line))
    return found


def _http2(rows: list[str]) -> tuple[str, list[str]]:
    """A start-line made of the pseudo-headers that are one in HTTP/1.1 (RFC 9113 8.3), and the other lines."""
    told = dict(row[1:].split(": ", 1) for row in rows if row.startswith(":") and ": " in row[1:])
    if "status" in told:
        return f"HTTP/2 {told['status']}", [row for row in rows if not row.startswith(":status: ")]
    start = f"{told.get('method', '')} {told.get('path', '')} HTTP/2"
    return start, [row for row in rows if not row.startswith((":method: ", ":path: "))]


def difference(
    front: bytes | None, back: bytes | None, *, answer: bool = False, cut: tuple[bool, bool] = (False, False)
) -> list[Difference]:
    """The front's lines in their order, each with its counterpart on the back; then what only the back has.

    What the load balancer did to them: of a request it removed what only the front has, to an `answer` it added that. `cut`
    tells, of front and back, whether the head's end was not captured: what the other side has beyond that is `unknown`.
    """
    cut_front, cut_back = cut
    only_front: Kind = "added" if answer else "removed"
    only_back: Kind = "removed" if answer else "added"
    ours, theirs = (lines(head) if head is not None else [] for head in (front, back))
    partner = _partners(ours, theirs)
    found: list[Difference] = []
    for index, line in enumerate(ours):
        other = theirs[partner[index]] if index in partner else None
        # The last line of a head that was cut may go on.
        unsure = (cut_front and line is ours[-1]) or (cut_back and (other is None or other is theirs[-1]))
        if other is None:
            kind: Kind = "unknown" if unsure else only_front
            found.append(Difference(kind if theirs else "same", line, None))
        elif other.value == line.value:
            found.append(Difference("same", line, other))
        else:
            found.append(Difference("unknown" if unsure else "changed", line, other))
    taken = set(partner.values())
    left = [line for index, line in enumerate(theirs) if index not in taken]
    for line in left:
        kind = "unknown" if cut_front or (cut_back and line is theirs[-1]) else only_back
        found.append(Difference(kind if ours else "same", None, line))
    return found


def _partners(ours: list[Line], theirs: list[Line]) -> dict[int, int]:
    """For the lines of the front, by number, the number of their counterpart: equal lines first, then those of the same name in order."""
    partner: dict[int, int] = {}
    for of_line in (_whole, _named):
        left: dict[tuple[str, ...], deque[int]] = {}
        taken = set(partner.values())
        for index, line in enumerate(theirs):
            if index not in taken:
                left.setdefault(of_line(line, index), deque()).append(index)
        for index, line in enumerate(ours):
            candidates = left.get(of_line(line, index)) if index not in partner else None
            if candidates:
                partner[index] = candidates.popleft()
    return partner


def _whole(line: Line, index: int) -> tuple[str, ...]:
    return (*_named(line, index), line.value)


def _named(line: Line, index: int) -> tuple[str, ...]:
    """What lines have to share to be compared: the name; a start-line has none, nor has a line without a colon."""
    if line.name:
        name = line.name.lower()
        return ("host" if name == ":authority" else name,)
    return ("", "start" if index == 0 else line.value)
