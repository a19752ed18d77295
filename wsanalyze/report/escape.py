"""Takes text from a capture, gives it as it may be shown: nothing in it moves the cursor, hides or reorders other text.

Control characters, format characters (bidirectional overrides, zero width), separators of lines, surrogates, private and
unassigned characters become visible escapes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from wsanalyze import redaction

_PLAIN: Final = re.compile(r"[ -~]*\Z")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
ELLIPSIS: Final = "…"


def visible(text: str) -> str:
    r"""The text with all that is not plainly visible written as `\x1b`, `\u202e` or `\U000e0001`."""
    if _PLAIN.match(text):
        return text
    return "".join(
        _escaped(character) if unicodedata.category(character) in _HIDDEN else character for character in text
    )


def _escaped(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def shortened(text: str, width: int) -> str:
    """The text in at most `width` characters: its beginning and its end, which tell paths apart."""
    if len(text) <= width:
        return text
    if width < 8:
        return text[: max(0, width - 1)] + ELLIPSIS
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}{ELLIPSIS}{text[len(text) - tail :]}"


def target(value: object, *, show_secrets: bool) -> str:
    """A request-target for people: secrets masked unless they are asked for, then made visible."""
    if not isinstance(value, str):
        return "-"
    return visible(value if show_secrets else redaction.target(value))
