"""What is changed in a captured request before it is sent."""

from __future__ import annotations

import base64
import socket
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cases.wire import Story, request
from wsanalyze import capture
from wsanalyze.replay.edits import Edits, edited, proxy_header
from wsanalyze.replay.model import Captured

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
CLIENT, SERVER = ("203.0.113.10", 50122), ("203.0.113.1", 80)
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"  # noqa: S105


def captured(*lines: str, target: str = "/ws", key: str | None = KEY, **changes: object) -> Captured:
    keyed = (f"sec-websocket-KEY:   {key} ",) if key is not None else ()
    asking = ("Host: app.test", "Upgrade: websocket", "Connection: Upgrade", *keyed, *lines)
    head = "\r\n".join((f"GET {target} HTTP/1.1", *asking, "", "")).encode("latin-1")
    one = Captured("h1", True, 0, "1.1", head, b"", True, 0, 1, None, 400, "refused", client=CLIENT, server=SERVER)
    return replace(one, **changes)  # type: ignore[arg-type]


def sent(one: Captured, **edits: object) -> bytes:
    return edited(one, Edits(**edits)).head.raw  # type: ignore[arg-type]


def test_only_the_key_is_another() -> None:
    one = captured("X-A: 1", "x-a:2")
    made = edited(one, Edits())
    assert made.key is not None
    assert len(base64.b64decode(made.key)) == 16
    assert made.key != KEY
    assert made.head.raw == one.head.replace(KEY.encode(), made.key.encode())
    assert edited(one, Edits()).key != made.key
    assert sent(one, keep_key=True) == one.head
    assert made.masked == ()


@pytest.mark.parametrize("key", ["", "short", "bm90IHNpeHRlZW4=", "!" * 24, None])
def test_a_key_that_is_not_valid_is_what_is_tried(key: str | None) -> None:
    one = captured(key=key)
    assert sent(one) == one.head


def test_two_keys_are_what_is_tried() -> None:
    one = captured(f"Sec-WebSocket-Key: {KEY}")
    assert sent(one) == one.head
    assert edited(one, Edits()).key is None


SECRETS = (
    "Authorization: Bearer s3cret-s3cret",
    "Cookie: JSESSIONID=s3cret",
    "Sec-WebSocket-Protocol: chat, bearer.s3crets3cret",
    f"X-Other: {TOKEN}",
    "Referer: https://app.test/?access_token=s3cret",
)


def test_secrets_are_not_sent() -> None:
    one = captured(*SECRETS, target=f"/ws?token=s3cret&room=1&jwt={TOKEN}")
    made = edited(one, Edits())
    assert b"s3cret" not in made.head.raw
    assert TOKEN.encode() not in made.head.raw
    assert b"GET /ws?token=***&room=1&jwt=*** HTTP/1.1\r\n" in made.head.raw
    assert b"Cookie" not in made.head.raw
    assert b"Sec-WebSocket-Protocol: chat, bearer." in made.head.raw
    assert made.masked == ("Authorization", "Cookie", "Sec-WebSocket-Protocol", "X-Other", "Referer", "target")


def test_secrets_are_sent_where_that_is_asked_for() -> None:
    one = captured(*SECRETS, target="/ws?token=s3cret")
    assert sent(one, send_credentials=True, keep_key=True) == one.head


def test_headers_as_the_load_balancer_should_have_added_them() -> None:
    assert sent(captured(), as_lb=True).endswith(b"X-Forwarded-For: 203.0.113.10\r\nX-Forwarded-Proto: http\r\n\r\n")
    one = captured("X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 10.1.1.1", "X-Forwarded-Proto: forged", tls=True)
    lines = sent(one, as_lb=True).split(b"\r\n")
    assert b"X-Forwarded-For: 198.51.100.7, 10.1.1.1, 203.0.113.10" in lines
    assert b"X-Forwarded-Proto: https" in lines
    assert sum(line.lower().startswith(b"x-forwarded-") for line in lines) == 2


def test_what_the_user_asks_for() -> None:
    one = captured("X-Gone: 1", "X-Set: 1")
    raw = sent(one, host="other.test", removed=("x-gone",), set_=(("X-Set", "2"), ("Upgrade", "h2c")), keep_key=True)
    expected = one.head.replace(b"app.test", b"other.test").replace(b"X-Gone: 1\r\n", b"")
    assert raw == expected.replace(b"X-Set: 1", b"X-Set: 2").replace(b"Upgrade: websocket", b"Upgrade: h2c")


HTTP2 = b":method: CONNECT\r\n:protocol: websocket\r\n:scheme: https\r\n:path: /ws\r\n:authority: app.test\r\n"


def test_http_2_stays_or_is_translated() -> None:
    one = captured(head=HTTP2, version="2")
    made = edited(one, Edits(host="other.test"))
    assert dict(made.head.pairs)[b":authority"] == b"other.test"
    assert dict(made.head.pairs)[b":scheme"] == b"http"
    assert made.key is None
    made = edited(one, Edits(http2=False))
    assert made.head.raw.startswith(b"GET /ws HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\n")
    assert made.key is not None
    assert f"Sec-WebSocket-Key: {made.key}\r\n".encode() in made.head.raw


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("ends", [(CLIENT, SERVER), (("2001:db8::9", 1), ("2001:db8::1", 65535))])
def test_a_proxy_header_names_the_client(
    version: int, ends: tuple[tuple[str, int], tuple[str, int]], tmp_path: Path
) -> None:
    story = Story()
    header = proxy_header(captured(client=ends[0], server=ends[1]), version)
    story.front().ask(header + request())
    (read,) = capture.read([[str(story.files(tmp_path)[0])]])
    (row,) = read.tables.connections.to_dict("records")
    assert (row["proxy_version"], row["proxy_source_address"], row["proxy_source_port"]) == (version, *ends[0])
    assert proxy_header(captured(), None) == b""


def test_a_proxy_header_is_that_of_the_specification() -> None:
    assert proxy_header(captured(), 1) == b"PROXY TCP4 203.0.113.10 203.0.113.1 50122 80\r\n"
    addresses = socket.inet_aton("203.0.113.10") + socket.inet_aton("203.0.113.1") + struct.pack("!HH", 50122, 80)
    assert proxy_header(captured(), 2) == b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + addresses
