"""Takes two heads, gives what one has and the other has not, header by header; their order and case as they were sent.

Names are compared without regard to case (RFC 9110 5.1), values as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["same", "changed", "removed", "added"]


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
    found = [Line("", start)]
    for line in rest:
        name, colon, value = line.partition(":")
        if line[:1] in {" ", "\t"} and len(found) > 1:
            # obs-fold (RFC 9112 5.2): the line goes on.
            found[-1] = Line(found[-1].name, f"{found[-1].value} {line.strip()}")
        elif colon:
            found.append(Line(name, value.strip()))
        elif line:
            found.append(Line("", line))
    return found


def difference(front: bytes | None, back: bytes | None, *, answer: bool = False) -> list[Difference]:
    """The front's lines in their order, each with its counterpart on the back; then what only the back has.

    What the load balancer did to them: of a request it removed what only the front has, to an `answer` it added that.
    """
    only_front: Kind = "added" if answer else "removed"
    only_back: Kind = "removed" if answer else "added"
    ours, theirs = (lines(head) if head is not None else [] for head in (front, back))
    left = list(theirs)
    found: list[Difference] = []
    for index, line in enumerate(ours):
        partner = _partner(line, left, is_start=index == 0)
        if partner is None:
            found.append(Difference(only_front if theirs else "same", line, None))
            continue
        left.remove(partner)
        found.append(Difference("same" if partner.value == line.value else "changed", line, partner))
    found.extend(Difference(only_back if ours else "same", None, line) for line in left)
    return found


def _partner(line: Line, candidates: list[Line], *, is_start: bool) -> Line | None:
    """The same line if there is one, else the first of that name."""
    named = [other for other in candidates if other.name.lower() == line.name.lower() and (line.name or is_start)]
    return next((other for other in named if other.value == line.value), named[0] if named else None)
