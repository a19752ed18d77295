"""Moments that nobody can have captured are refused as what is no moment."""

from __future__ import annotations

import pytest

from wsanalyze.filters import Moment


@pytest.mark.parametrize("text", [f"+{'9' * 400}s", "-99999999999999999999d", "9999-01-01", "soon", ""])
def test_what_is_no_moment_is_refused(text: str) -> None:
    try:
        moment = Moment.of(text)
    except ValueError:
        return
    pytest.fail(f"{text} is {moment}")
