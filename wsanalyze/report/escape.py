"""Takes text from a capture, gives it as it may be shown: nothing in it moves the cursor, hides or reorders other text.

Control and format characters, separators of lines, spaces other than the plain one, surrogates, private and unassigned
characters, letters that are written from right to left and marks that pile up become visible escapes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from rich.cells import cell_len, set_cell_size

from wsanalyze import redaction

ELLIPSIS: Final = "…"
MAX_MARKS: Final = 2
"""Marks that a letter may carry: scripts of India and Thailand need two."""

_PLAIN: Final = re.compile(r"[ -~]*\Z")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs", "Me"})
_FROM_RIGHT: Final = frozenset({"R", "AL", "AN"})
"""Letters that make a terminal reorder what stands around them."""
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters, marks and symbols that show nothing (most of Unicode's Default_Ignorable_Code_Point)."""


def visible(text: str) -> str:
    r"""The text with all that is not plainly visible written as `\x1b`, `\u202e` or `\U000e0001`."""
    if _PLAIN.match(text):
        return text
    shown: list[str] = []
    marks = MAX_MARKS
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category == "Mn" else 0 if category[0] in "LM" else MAX_MARKS
        shown.append(_escaped(character) if _is_hidden(character, category, marks) else character)
    return "".join(shown)


def _is_hidden(character: str, category: str, marks: int) -> bool:
    if character == " ":
        return False
    return (
        category in _HIDDEN
        or (category == "Mn" and marks > MAX_MARKS)
        or unicodedata.bidirectional(character) in _FROM_RIGHT
        or _BLANK.match(character) is not None
    )


def _escaped(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def shortened(text: str, width: int) -> str:
    """The text in at most `width` columns of a terminal: its beginning and its end, which tell paths apart."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 3 if width >= 8 else 0
    head = set_cell_size(text, max(0, width - 1 - tail)).rstrip(" ")
    return f"{head}{ELLIPSIS}{_ending(text, tail)}"


def _ending(text: str, width: int) -> str:
    """As much of the end as fits."""
    end = text[len(text) - width :]
    while cell_len(end) > width:
        end = end[1:]
    return end


def target(value: object, *, show_secrets: bool) -> str:
    """A request-target for people: secrets masked unless they are asked for, then made visible."""
    if not isinstance(value, str):
        return "-"
    return visible(value if show_secrets else redaction.target(value))
