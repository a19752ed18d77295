"""What one head has and the other has not."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.evidence.difference import Line, difference, lines

FRONT = b"GET /ws HTTP/1.1\r\nHost: app\r\nUpgrade: websocket\r\nX-A: 1\r\nX-A: 2\r\n\r\n"
BACK = b"GET /ws HTTP/1.0\r\nhost: app\r\nX-A: 2\r\nVia: lb\r\n\r\n"


def test_a_request() -> None:
    told = [(one.kind, str(one.front or ""), str(one.back or "")) for one in difference(FRONT, BACK)]
    assert told == [
        ("changed", "GET /ws HTTP/1.1", "GET /ws HTTP/1.0"),
        ("same", "Host: app", "host: app"),
        ("removed", "Upgrade: websocket", ""),
        ("removed", "X-A: 1", ""),
        ("same", "X-A: 2", "X-A: 2"),
        ("added", "", "Via: lb"),
    ]


def test_equal_lines_find_each_other_before_those_of_the_same_name() -> None:
    head = b"GET / HTTP/1.1\r\nX-Forwarded-For: a\r\nX-Forwarded-For: b\r\nX-Forwarded-For: c\r\n\r\n"
    other = b"GET / HTTP/1.1\r\nx-forwarded-for: c\r\nx-forwarded-for: d\r\n\r\n"
    told = [(one.kind, str(one.front or ""), str(one.back or "")) for one in difference(head, other)]
    assert told[1:] == [
        ("changed", "X-Forwarded-For: a", "x-forwarded-for: d"),
        ("removed", "X-Forwarded-For: b", ""),
        ("same", "X-Forwarded-For: c", "x-forwarded-for: c"),
    ]


def test_many_lines_do_not_take_long() -> None:
    head = b"GET / HTTP/1.1\r\n" + b"".join(b"A: %d\r\n" % number for number in range(20_000))
    began = time.monotonic()
    told = difference(head, head.replace(b"A: ", b"A: 1"))
    assert len(told) >= 20_000
    assert time.monotonic() - began < 5


def test_an_answer_is_changed_on_its_way_to_the_client() -> None:
    kinds = {
        one.kind
        for one in difference(b"HTTP/1.1 200 OK\r\nServer: lb\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", answer=True)
    }
    assert kinds == {"same", "added"}


def test_what_is_not_there_is_no_difference() -> None:
    assert {one.kind for one in difference(FRONT, None)} == {"same"}
    assert {one.kind for one in difference(None, BACK)} == {"same"}
    assert difference(None, None) == []


def test_folded_and_odd_lines() -> None:
    assert lines(b"GET / HTTP/1.1\nA: 1\n  2\nnonsense\nB : \xff\n\n") == [
        Line("", "GET / HTTP/1.1"),
        Line("A", "1 2"),
        Line("", "nonsense"),
        Line("B ", "\\xff"),
    ]


@given(st.binary(), st.binary())
def test_no_line_is_lost(front: bytes, back: bytes) -> None:
    told = difference(front, back)
    assert [one.front for one in told if one.front is not None] == lines(front)
    assert sorted(map(str, (one.back for one in told if one.back is not None))) == sorted(map(str, lines(back)))


def test_what_was_cut_off_is_not_called_removed() -> None:
    back = BACK[: BACK.index(b"\r\n", 30) + 5]
    kinds = [one.kind for one in difference(FRONT, back, cut=(False, True))]
    assert "removed" not in kinds
    assert "unknown" in kinds
    assert "unknown" not in [one.kind for one in difference(FRONT, BACK)]
