"""What is not sent: what may change something, and what may be two requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.replay.test_edits import HTTP2, captured
from wsanalyze.replay.edits import Edits
from wsanalyze.replay.heads import Head
from wsanalyze.replay.model import Captured
from wsanalyze.replay.plan import Bounds, plan
from wsanalyze.replay.sendable import unsendable
from wsanalyze.report import replay_json, replay_plan

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def page(*lines: str, line: str = "GET /a HTTP/1.1", body: bytes = b"") -> Captured:
    head = "\r\n".join((line, "Host: app.test", *lines, "", "")).encode("latin-1")
    return replace(captured(), handshake=False, head=head, body=body)


def page2(*fields: str, body: bytes = b"", **changes: object) -> Captured:
    usual = (":method: GET", ":scheme: https", ":path: /a", ":authority: app.test")
    head = "".join(f"{field}\r\n" for field in (*usual, *fields)).encode()
    return replace(captured(), handshake=False, version="2", head=head, body=body, **changes)  # type: ignore[arg-type]


def why(one: Captured) -> str | None:
    return unsendable(one, Head.parse(one.head, http2=one.version == "2"), SAFE)


@pytest.mark.parametrize(
    "one",
    [
        captured(), captured("X-Odd\x7fName: 1", "no colon"), captured("Content-Length: 0"), captured(head=HTTP2, version="2"),
        page(), page("Content-Length: 3", body=b"abc"), page("transfer-ENCODING: Chunked", body=b"0\r\n\r\n"),
        page("X-Folded: a\r\n b"), page(line="OPTIONS * HTTP/1.1"), page2(), page2("content-length: 3", body=b"abc"),
    ],
)  # fmt: skip
def test_what_is_sent(one: Captured) -> None:
    assert why(one) is None


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (page(line="POST /a HTTP/1.1"), "POST may change something"),
        (captured(head=captured().head.replace(b"GET", b"DELETE")), "DELETE may change something"),
        (page(line="GET\t/a?token=s3cret HTTP/1.1"), "request-line"),
        (page(line="GET /a b HTTP/1.1"), "target is none"),
        (page(line="GET /a\rGET /b HTTP/1.1"), "target is none"),
        (page("X: a\rCookie: sid=s3cret"), "CR or NUL"),
        (page("X: a\0b"), "CR or NUL"),
        (captured("X: 1\r\n\r\r\nCookie: s3cret"), "CR or NUL"),
        (captured("X: 1\r\n\r\nCookie: s3cret"), "does not end where"),
        (page("Content-Length: 4", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), "more than once"),
        (page("Content-Length: 3", "Content-Length: 3", body=b"abc"), "more than once"),
        (page("Content-Length : 3", body=b"abc"), "odd way"),
        (page("Content-Length:\r\n 3", body=b"abc"), "odd way"),
        (page("Transfer_Encoding: chunked", body=b"0\r\n\r\n"), "nothing tells where its body ends"),
        (page("Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n"), "other than chunked"),
        (page("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), "other than chunked"),
        (page("Content-Length: +3", body=b"abc"), "not that of its body"),
        (page("Content-Length: 2", body=b"abc"), "not that of its body"),
        (captured("Content-Length: 5"), "a handshake with a body"),
        (captured("Transfer-Encoding: chunked"), "a handshake with a body"),
        (page("X-HTTP-Method-Override: DELETE"), "asks for another method"),
        (page("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings"), "another protocol"),
        (page(line="CONNECT app.test:443 HTTP/1.1"), "a tunnel"),
        (replace(page(), body_whole=False), "not whole"),
        (page2(":method: DELETE"), ":method more than once"),
        (page2("content-length: 0", body=b"POST /admin HTTP/1.1\r\n\r\n"), "not that of its body"),
        (page2("transfer-encoding: chunked"), "other than chunked"),
    ],
)  # fmt: skip
def test_what_is_not(one: Captured, reason: str) -> None:
    told = why(one)
    assert told is not None
    assert reason in told
    (left,) = plan([one], Edits(http2=False), Bounds()).not_sent
    assert "s3cret" not in left.why


def test_what_http_1_has_no_way_to_say() -> None:
    one = page2(body=b"abc")
    assert plan([one], Edits(), Bounds()).not_sent == ()
    (left,) = plan([one], Edits(http2=False), Bounds()).not_sent
    assert left.why == "nothing tells where its body ends"


def test_what_is_no_request_line_is_not_shown_as_a_method() -> None:
    one = page(line="GET\t/a?token=s3cret HTTP/1.1")
    made = plan([one], Edits(), Bounds())
    for show in (replay_plan.render_plan, replay_json.render_plan):
        assert "s3cret" not in show(made, "http://app.test:80")
