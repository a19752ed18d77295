"""What RFC 6455 demands of the request, and who broke it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.wire import CLIENT, KEY, Story, answer, handshake, switching
from tests.rules.exchanges import found, instances, went_by

RULE = "handshake-invalid"
HOST = b"Host: app.test\r\n"


def told(analysis: Any) -> list[tuple[str, str | None]]:
    return [(instance.side, instance.note) for instance in instances(analysis, RULE)]


def again(head: bytes, line: bytes) -> bytes:
    """The head with one line more."""
    start, end, rest = head.partition(b"\r\n")
    return start + end + line + b"\r\n" + rest


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"Host": None}, "no Host"),
    ({"Host": ""}, "Host is empty"),
    ({"Host": "  "}, "Host is empty"),
    ({"Sec_WebSocket_Key": None}, "no Sec-WebSocket-Key"),
    ({"Sec_WebSocket_Key": ""}, "Sec-WebSocket-Key is not the Base64 form of 16 bytes"),
    ({"Sec_WebSocket_Key": "short"}, "Sec-WebSocket-Key is not the Base64 form of 16 bytes"),
    ({"Sec_WebSocket_Key": "A" * 24}, "Sec-WebSocket-Key is not the Base64 form of 16 bytes"),
    ({"Sec_WebSocket_Key": f"{KEY}, {KEY}"}, "several Sec-WebSocket-Keys"),
    ({"Sec_WebSocket_Version": None}, "no Sec-WebSocket-Version"),
    ({"Sec_WebSocket_Version": "8"}, "Sec-WebSocket-Version is 8, not 13"),
    ({"Sec_WebSocket_Version": "13, 8"}, "Sec-WebSocket-Version is 13, 8, not 13"),
    ({"Sec_WebSocket_Version": "{0.__class__}%s\x1b[31m"}, "Sec-WebSocket-Version is {0.__class__}%s\x1b[31m, not 13"),
    ({"Host": None, "Sec_WebSocket_Version": None}, "no Host; no Sec-WebSocket-Version"),
]


@pytest.mark.parametrize(("headers", "note"), BROKEN)
def test_the_client_broke_it(tmp_path: Path, headers: dict[str, Any], note: str) -> None:
    got = handshake(**{**headers, "X_Forwarded_For": CLIENT})
    analysis = went_by(tmp_path, handshake(**headers), got, answer(400))
    assert told(analysis) == [("front", f"client: {note}")]
    assert [(finding.severity, finding.count) for finding in found(analysis, RULE)] == [("warning", 1)]


@pytest.mark.parametrize(("headers", "note"), [pair for pair in BROKEN if "Sec_WebSocket_Key" not in pair[0]])
def test_the_load_balancer_broke_it(tmp_path: Path, headers: dict[str, Any], note: str) -> None:
    got = handshake(**{**headers, "X_Forwarded_For": CLIENT})
    analysis = went_by(tmp_path, handshake(), got, answer(400))
    assert told(analysis) == [("back", f"load balancer: {note}")]
    assert instances(analysis, RULE)[0].handshake == "h1"


def test_method_version_and_connection(tmp_path: Path) -> None:
    sent = handshake(Connection="keep-alive").replace(b"GET", b"POST").replace(b"HTTP/1.1", b"HTTP/1.0")
    got = handshake(Connection="keep-alive", X_Forwarded_For=CLIENT).replace(b"GET", b"POST")
    analysis = went_by(tmp_path, sent, got, answer(400))
    expected = "client: the method is POST, not GET; HTTP/1.0, not 1.1 or later; no Connection: upgrade"
    assert told(analysis) == [("front", expected)]


def test_each_breaks_something_else(tmp_path: Path) -> None:
    got = handshake(Sec_WebSocket_Version=None, Host=None, X_Forwarded_For=CLIENT)
    analysis = went_by(tmp_path, handshake(Sec_WebSocket_Version="7"), got, answer(400))
    assert told(analysis) == [
        ("front", "client: Sec-WebSocket-Version is 7, not 13"),
        ("back", "load balancer: no Host; no Sec-WebSocket-Version"),
    ]


def test_headers_that_were_sent_twice(tmp_path: Path) -> None:
    got = again(handshake(X_Forwarded_For=CLIENT), b"Host: app.test")
    analysis = went_by(tmp_path, handshake(), again(got, b"Sec-WebSocket-Version: 13"), answer(400))
    expected = "load balancer: several Hosts (app.test, app.test); Sec-WebSocket-Version is 13, 13, not 13"
    assert told(analysis) == [("back", expected)]


@pytest.mark.parametrize("changes", [{"Upgrade": None}, {"Connection": "close"}, {"Upgrade": None, "Connection": None}])
def test_what_is_stripped_or_lowered_is_the_business_of_others(tmp_path: Path, changes: dict[str, Any]) -> None:
    got = handshake(X_Forwarded_For=CLIENT, **changes).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert not found(went_by(tmp_path, handshake(), got, answer(400)), RULE)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Connection": "keep-alive, Upgrade"},
        {"Host": "[::1]:8080"},
        {"Host": "a,b"},
        {"Sec_WebSocket_Version": " 13 "},
        {"Upgrade": "WebSocket", "Connection": "UPGRADE"},
    ],
)
def test_a_handshake_as_it_should_be(tmp_path: Path, headers: dict[str, Any]) -> None:
    got = handshake(**{**headers, "X_Forwarded_For": CLIENT})
    assert not found(went_by(tmp_path, handshake(**headers), got), RULE)


def test_a_handshake_that_nobody_passed_on(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(handshake(Sec_WebSocket_Key=None)).reply(answer(400)).end()
    story.page()
    assert told(story.analyze(tmp_path)) == [("front", "client: no Sec-WebSocket-Key")]


def test_the_clients_side_is_not_known(tmp_path: Path) -> None:
    story = Story()
    story.back().ask(handshake(Sec_WebSocket_Version=None)).reply(switching())
    analysis = story.analyze(tmp_path)
    assert len(analysis.handshakes) == 1
    assert not found(analysis, RULE)


@pytest.mark.parametrize("cut", [20, 60])
def test_a_head_that_is_not_whole_says_nothing(tmp_path: Path, cut: int) -> None:
    sent = again(handshake(key=None, Sec_WebSocket_Version=None), b"Upgrade: websocket")[:-cut]
    story = Story()
    story.page()
    story.front().ask(sent).end()
    story.page()
    assert not found(story.analyze(tmp_path), RULE)
