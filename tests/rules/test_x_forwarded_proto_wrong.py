"""X-Forwarded-Proto has to be http or https, as the client's connection is."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.cases.wire import CLIENT, Story, answer, handshake, request, switching
from tests.rules.exchanges import found, instances, went_by

RULE = "x-forwarded-proto-wrong"


def client_hello() -> bytes:
    """The beginning of a TLS connection (RFC 8446 4.1.2)."""
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00" + b"\x00\x00"
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


@pytest.mark.parametrize(
    "value", ["ws", "wss", "WSS", "https,http", "http, http", "httpss", "on", "https;", "\x01", "h" * 9000]
)
def test_no_scheme_of_http(tmp_path: Path, value: str) -> None:
    got = request(target="/a", X_Forwarded_For=CLIENT, X_Forwarded_Proto=value)
    analysis = went_by(tmp_path, request(target="/a"), got)
    (instance,) = instances(analysis, RULE)
    assert (instance.side, instance.note, instance.handshake) == ("back", value, None)
    assert [(finding.severity, finding.confidence) for finding in found(analysis, RULE)] == [("warning", "certain")]


@pytest.mark.parametrize("value", ["http", "https", "HTTPS", " https ", "", "  ", ",", None])
def test_a_scheme_or_none(tmp_path: Path, value: str | None) -> None:
    got = request(target="/a", X_Forwarded_For=CLIENT, X_Forwarded_Proto=value)
    assert not found(went_by(tmp_path, request(target="/a"), got), RULE)


def test_only_handshakes(tmp_path: Path) -> None:
    analysis = went_by(tmp_path, handshake(), handshake(X_Forwarded_For=CLIENT, X_Forwarded_Proto="ws"))
    assert [instance.handshake for instance in instances(analysis, RULE)] == ["h1"]


def test_a_handshake_that_only_the_back_shows(tmp_path: Path) -> None:
    story = Story()
    story.back().ask(handshake(X_Forwarded_Proto="wss")).reply(switching())
    analysis = story.analyze(tmp_path)
    assert [instance.handshake for instance in instances(analysis, RULE)] == ["h1"]


@pytest.mark.parametrize(
    ("value", "plain", "wrong"), [("http", False, True), ("https", False, False), ("http", True, False)]
)
def test_http_though_the_front_is_encrypted(tmp_path: Path, value: str, plain: bool, wrong: bool) -> None:
    story = Story()
    story.front(port=443).ask(client_hello()).reply(bytes(20))
    story.front(port=443)
    if plain:
        story.front().ask(request(target="/other")).reply(answer(301))
    story.back().ask(request(target="/a", X_Forwarded_For=CLIENT, X_Forwarded_Proto=value)).reply(answer(200))
    analysis = story.analyze(tmp_path)
    expected = [("likely", f"{value}, although the client speaks TLS")] if wrong else []
    assert [(f.confidence, f.evidence[0].note) for f in found(analysis, RULE)] == expected


def test_nothing_on_the_front_proves_nothing(tmp_path: Path) -> None:
    story = Story()
    story.back().ask(request(target="/a", X_Forwarded_For=CLIENT, X_Forwarded_Proto="http")).reply(answer(200))
    assert not found(story.analyze(tmp_path), RULE)
