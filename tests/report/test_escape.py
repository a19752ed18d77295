"""Nothing from a capture acts on a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from wsanalyze.report.escape import shortened, target, visible

HOSTILE = {
    "\x1b[31mred": "\\x1b[31mred",
    "\x1b]52;c;cm0gLXJm\x07": "\\x1b]52;c;cm0gLXJm\\x07",
    "a\r\nb\tc\0\x7f": "a\\x0d\\x0ab\\x09c\\x00\\x7f",
    "\x9b2J": "\\x9b2J",
    "user\u202egnp.exe": "user\\u202egnp.exe",
    "zero\u200bwidth\ufeff": "zero\\u200bwidth\\ufeff",
    "line\u2028separator": "line\\u2028separator",
    "\ud800": "\\ud800",
    "\U000e0001tag": "\\U000e0001tag",
    "no\u00a0break\u3000wide": "no\\xa0break\\u3000wide",
    "/ws/\u05d0\u05d1/1": "/ws/\\u05d0\\u05d1/1",
    "e\u0301\u0323\u0301\u0301": "e\u0301\u0323\\u0301\\u0301",
    "\u0301": "\\u0301",
    "a\ufe0fb\u2800\u3164": "a\\ufe0fb\\u2800\\u3164",
    "grüße, 日本, हिन्दी, ไม้": "grüße, 日本, हिन्दी, ไม้",
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items(), ids=ascii)
def test_what_is_not_visible_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(codec=None, categories=None)))
def test_only_visible_characters_remain(text: str) -> None:
    shown = visible(text)
    assert all(
        unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Me"} for character in shown
    )
    assert all(unicodedata.bidirectional(character) not in {"R", "AL", "AN"} for character in shown)
    assert all(character == " " or not character.isspace() for character in shown)
    assert "\n" not in shown
    shown.encode("utf-8")


@given(st.text(), st.integers(1, 200))
def test_shortened_fits(text: str, width: int) -> None:
    shown = visible(text)
    short = shortened(shown, width)
    assert cell_len(short) <= width
    assert short == shown or cell_len(shown) > width


def test_shortened_keeps_beginning_and_end() -> None:
    assert shortened("/apps/0123456789abcdef/stream", 16) == "/apps/0123…tream"
    assert shortened("日本日本日本日本日本", 11) == "日本日…本"
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("short", 5) == "short"


def test_targets_are_masked_and_visible() -> None:
    assert target("/ws?token=abc\x1b&x=1", show_secrets=False) == "/ws?token=***&x=1"
    assert target("/ws?token=abc\x1b", show_secrets=True) == "/ws?token=abc\\x1b"
    assert target(None, show_secrets=False) == "-"
