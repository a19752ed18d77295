"""TLS that nobody can read: the same ClientHello on both sides is the same connection, another one proves nothing."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.cases.wire import Story

ANSWER = b"\x16\x03\x03\x00\x7a\x02" + bytes(range(121)) + b"\x17\x03\x03\x01\x00" + bytes(256)
OTHER_ANSWER = ANSWER.replace(b"\x05", b"\x06")


def hello(name: str = "app.apps.test") -> bytes:
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("proxy", [b"", b"PROXY TCP4 203.0.113.10 203.0.113.1 50000 443\r\n"])
def test_the_same_hello(tmp_path: Path, proxy: bytes) -> None:
    story, said = Story(), hello()
    front, back = story.front(), story.back()
    front.ask(said)
    back.ask(proxy + said).reply(ANSWER)
    front.reply(ANSWER)
    (row,) = story.analyze(tmp_path).handshakes.to_dict("records")
    assert (row["verdict"], row["mode"], row["pairing"], row["confidence"]) == (
        "passed-through",
        "tcp",
        "bytes",
        "certain",
    )
    assert "app.apps.test" in row["reason"]
    assert row["target"] is None
    assert row["outcome"] is None


def test_tls_that_is_made_anew(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(hello())
    back.ask(hello()).reply(ANSWER)
    front.reply(ANSWER)
    analysis = story.analyze(tmp_path)
    assert not len(analysis.handshakes)


def test_another_answer_is_another_servers(tmp_path: Path) -> None:
    story, said = Story(), hello()
    front, back = story.front(), story.back()
    front.ask(said)
    back.ask(said).reply(OTHER_ANSWER)
    front.reply(ANSWER)
    assert not len(story.analyze(tmp_path).handshakes)


def test_the_second_router_answered(tmp_path: Path) -> None:
    story, said = Story(), hello()
    front, first, second = story.front(), story.back(), story.back()
    front.ask(said)
    first.ask(said)
    second.ask(said).reply(ANSWER)
    front.reply(ANSWER)
    (row,) = story.analyze(tmp_path).handshakes.to_dict("records")
    assert row["tries"] == 2
    assert row["lb_back"].endswith(f":{second.client[1]}")


def test_a_hello_that_two_clients_sent(tmp_path: Path) -> None:
    story, said = Story(), hello()
    fronts, back = [story.front(), story.front()], story.back()
    for front in fronts:
        front.ask(said)
    back.ask(said).reply(ANSWER)
    assert not len(story.analyze(tmp_path).handshakes)
