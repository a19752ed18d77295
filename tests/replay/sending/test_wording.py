"""What failed, in one line."""

from __future__ import annotations

import errno
import ssl

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.replay.sending import wording


@given(st.binary())
def test_any_bytes_are_shown_on_one_line(data: bytes) -> None:
    assert wording.escaped(data).isprintable()
    assert len(wording.escaped(data)) < 300


@given(st.text())
def test_any_text_becomes_one_line(text: str) -> None:
    assert wording.one_line(text).isprintable()
    assert len(wording.one_line(text)) < 310


def test_why_there_is_no_connection() -> None:
    refused = OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)")
    unreachable = OSError(errno.EHOSTUNREACH, "no")
    several = OSError("All connection attempts failed")
    several.__cause__ = ExceptionGroup("several", [unreachable, refused])
    one = OSError("All connection attempts failed")
    one.__cause__ = refused
    assert wording.not_connected(refused, "a:1") == "cannot connect to a:1: Connection refused"
    assert wording.not_connected(one, "a:1") == "cannot connect to a:1: Connection refused"
    assert wording.not_connected(several, "a:1") == "cannot connect to a:1: No route to host"
    assert wording.not_connected(OSError("odd"), "a:1") == "cannot connect to a:1: odd"


def test_why_there_is_no_tls() -> None:
    assert wording.not_encrypted(ssl.SSLError(1, "odd\nthings"), "a") == "TLS failed: odd things"
    assert wording.broken_off(ssl.SSLError(1, "odd")) == "the target ended TLS: odd"
    assert "closed during the handshake" in wording.not_encrypted(EOFError(), "a")
