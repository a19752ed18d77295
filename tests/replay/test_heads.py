"""Heads that are changed where that is asked for, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.replay.heads import Head, as_http1

ODD = (
    b"GET /ws?a=1 HTTP/1.1\r\nhOsT:  app.test\r\nX-Two: 1\r\nUpgrade:websocket\r\nX-Two: 2\r\n"
    b"X-Folded: one\r\n two\r\nno colon here\nLast: line\r\n\r\n"
)


@given(st.lists(st.sampled_from([b"GET / HTTP/1.1\r\n", b"a: b\r\n", b" c\n", b"d\n", b"\r\n", b":\r\n", b"x"])))
def test_what_is_not_changed_is_as_captured(lines: list[bytes]) -> None:
    raw = b"".join(lines)
    head = Head.parse(raw, http2=False)
    # Where the empty line at the end is missing, there is one.
    assert head.raw in {raw, raw + b"\r\n"}


@given(st.binary(max_size=200))
def test_anything_can_be_read_and_changed(raw: bytes) -> None:
    for http2 in (False, True):
        head = Head.parse(raw, http2=http2)
        changed = head.having("X-Test", "1").without(["a"]).with_target("/other")
        assert changed.values("x-test") == ["1"]
        assert as_http1(Head.parse(raw, http2=True)).start


def test_order_case_and_duplicates_are_kept() -> None:
    head = Head.parse(ODD, http2=False)
    assert head.raw == ODD
    assert (head.method, head.target) == ("GET", "/ws?a=1")
    assert head.values("x-two") == ["1", "2"]
    assert head.values("x-folded") == ["one two"]


def test_a_header_is_set_where_it_stands() -> None:
    head = Head.parse(ODD, http2=False)
    assert head.having("x-two", "3").raw == ODD.replace(b"X-Two: 1", b"X-Two: 3").replace(b"X-Two: 2\r\n", b"")
    assert head.having("New", "here").raw == ODD.replace(b"Last: line\r\n", b"Last: line\r\nNew: here\r\n")
    assert head.without(["HOST"]).raw == ODD.replace(b"hOsT:  app.test\r\n", b"")


@pytest.mark.parametrize("line", [b"GET /ws HTTP/1.1", b"G /G HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /ws"])
def test_only_the_target_is_changed(line: bytes) -> None:
    changed = Head.parse(line + b"\r\nA: /ws\r\n\r\n", http2=False).with_target("/x")
    assert (changed.method, changed.target) == (line.split(b" ")[0].decode(), "/x")
    assert changed.raw.endswith(b"\r\nA: /ws\r\n\r\n")


def test_http_2_has_a_line_for_each_field() -> None:
    raw = b":method: CONNECT\r\n:protocol: websocket\r\n:scheme: https\r\n:path: /ws: 1\r\n:authority: app.test\r\nx-a: b: c\r\n"
    head = Head.parse(raw, http2=True)
    assert head.pairs[:2] == ((b":method", b"CONNECT"), (b":protocol", b"websocket"))
    assert head.pairs[-1] == (b"x-a", b"b: c")
    assert head.target == "/ws: 1"
    translated = as_http1(head)
    assert translated.raw == (
        b"GET /ws: 1 HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nx-a: b: c\r\n\r\n"
    )
    assert head.having("X-New", "1").pairs[-1] == (b"x-new", b"1")
