"""Heads as they were captured, whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases.wire import KEY, handshake, switching
from wsanalyze.replay.fields import WRONG_ACCEPT, Asked, asked, by_name, flaw, parsed, value


def test_order_case_and_duplicates_survive() -> None:
    head = parsed(b"HTTP/1.1 200 OK\r\nB: 1\r\nb:2\r\nA : 3\r\nFolded: a\r\n  b\r\n\tc\r\nno colon\r\n\r\n")
    assert head.start == "HTTP/1.1 200 OK"
    assert head.fields == (("B", "1"), ("b", "2"), ("A", "3"), ("Folded", "a b c"), ("", "no colon"))
    assert value(head.fields, "b") == "1, 2"
    assert by_name(head.fields)["b"] == ("B", "1, 2")
    assert value(head.fields, "c") is None


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (handshake("/chat?a=b c"), Asked("GET", "/chat?a=b c", "app.test")),
        (
            b":method: CONNECT\n:protocol: websocket\n:path: /h2\n:authority: app.test\n",
            Asked("CONNECT", "/h2", "app.test"),
        ),
        (b":method: GET\n:path: /h2\nhost: other.test", Asked("GET", "/h2", "other.test")),
        (b"GET /0.9\r\n\r\n", Asked("GET", "/0.9", None)),
        (b"", Asked(None, None, None)),
    ],
)
def test_what_is_asked(head: bytes, told: Asked) -> None:
    assert asked(head) == told


@given(st.binary())
def test_any_bytes_give_a_head(head: bytes) -> None:
    parsed(head)
    asked(head)
    flaw(head, head)


@pytest.mark.parametrize(
    ("asks", "answers", "told"),
    [
        (handshake(), switching(), None),
        (handshake(), None, None),
        (handshake(), switching(KEY[::-1]), WRONG_ACCEPT),
        (handshake(), switching(Sec_WebSocket_Accept=None), WRONG_ACCEPT),
        (handshake(), switching(Upgrade=None), "without Upgrade: websocket"),
        (handshake(), switching(Connection="keep-alive"), "without Connection: upgrade"),
        (handshake(), switching(Connection="keep-alive, UPGRADE"), None),
        (handshake(), switching(Upgrade=None)[:-2], None),
        (b":method: CONNECT\n", b":status: 200\n", None),
    ],
)
def test_what_makes_clients_fail(asks: bytes, answers: bytes | None, told: str | None) -> None:
    assert flaw(asks, answers) == told
