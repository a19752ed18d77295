"""Any text is a list of something."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsanalyze.rules.header_lists import elements, extensions, subprotocols


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        (float("nan"), ()),
        ("", ()),
        (" , ,", ()),
        ("a;b", (("a", ("b",)),)),
        ("A ; Y=2; x = 1", (("a", ("x=1", "y=2")),)),
        ('a; b="1,2"', (("a", ("b=1,2",)),)),
        ('a; b="1\\"2"', (("a", ('b=1"2',)),)),
        ("a,b", (("a", ()), ("b", ()))),
        (";", (("", ()),)),
        ('"', (('"', ()),)),
        ("a;;", (("a", ()),)),
    ],
)
def test_extensions(value: object, expected: object) -> None:
    assert extensions(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, ()), ("a", ("a",)), (" b ,,a ", ("b", "a")), ("A, a", ("A", "a"))]
)
def test_subprotocols(value: object, expected: object) -> None:
    assert subprotocols(value) == expected


@given(st.text(alphabet='a,;="\\ \t\x00é', max_size=60))
@settings(deadline=None)
def test_any_text_is_read(text: str) -> None:
    assert all(element == element.strip() and element for element in elements(text))
    assert isinstance(extensions(text), tuple)


def test_a_long_text_takes_no_time() -> None:
    assert len(extensions(";" * 16_000)) == 1
    assert len(subprotocols(',"\\' * 5_000)) < 5_000
