"""The router's 101 that the client never got, and what it may have been disliked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.wire import CLIENT, answer, handshake, switching, told
from tests.rules.exchanges import found, instances, notes, went_by

RULE = "answer-withheld"
NOTHING = "nothing is wrong with the router's 101"


@pytest.mark.parametrize(
    ("offered", "changes", "note"),
    [
        ({}, {}, NOTHING),
        ({}, {"Sec_WebSocket_Accept": None}, "no Sec-WebSocket-Accept"),
        ({}, {"Sec_WebSocket_Accept": "AAAA"}, "Sec-WebSocket-Accept does not answer the key"),
        ({}, {"Connection": None}, "no Connection: upgrade"),
        ({}, {"Connection": "close"}, "no Connection: upgrade"),
        ({}, {"Sec_WebSocket_Protocol": "chat"}, "a subprotocol that was not offered"),
        ({"Sec_WebSocket_Protocol": "chat"}, {"Sec_WebSocket_Protocol": "Chat"}, "a subprotocol that was not offered"),
        ({"Sec_WebSocket_Protocol": "chat, b"}, {"Sec_WebSocket_Protocol": "b"}, NOTHING),
        ({"Sec_WebSocket_Protocol": "chat, b"}, {"Sec_WebSocket_Protocol": "b, chat"}, "several subprotocols"),
        ({}, {"Sec_WebSocket_Extensions": "permessage-deflate"}, "an extension that was not offered"),
        (
            {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
            {"Sec_WebSocket_Extensions": 'Permessage-Deflate;server_max_window_bits="10"'},
            NOTHING,
        ),
        ({}, {"Sec_WebSocket_Extensions": ' ,;,"'}, "an extension that was not offered"),
        (
            {},
            {"Sec_WebSocket_Accept": None, "Connection": None},
            "no Connection: upgrade; no Sec-WebSocket-Accept",
        ),
    ],
)
def test_what_may_have_been_disliked(
    tmp_path: Path, offered: dict[str, Any], changes: dict[str, Any], note: str
) -> None:
    sent, got = handshake(**offered), handshake(X_Forwarded_For=CLIENT, **offered)
    analysis = went_by(tmp_path, sent, got, switching(**changes), answer(502))
    assert told(analysis) == ("blocked", "answer-withheld", "refused")
    assert notes(analysis, RULE) == [note]
    (instance,) = instances(analysis, RULE)
    assert (instance.side, instance.handshake) == ("back", "h1")
    assert [finding.severity for finding in found(analysis, RULE)] == ["warning"]
    assert found(analysis, "handshake-blocked")


def test_a_101_that_is_not_whole(tmp_path: Path) -> None:
    sent, got = handshake(), handshake(X_Forwarded_For=CLIENT)
    analysis = went_by(tmp_path, sent, got, switching()[:-10], answer(502))
    assert told(analysis) == ("blocked", "answer-withheld", "refused")
    assert notes(analysis, RULE) == ["the router's 101 was not captured whole"]


@pytest.mark.parametrize("status", [400, 503])
def test_refused_by_the_router(tmp_path: Path, status: int) -> None:
    sent, got = handshake(), handshake(X_Forwarded_For=CLIENT)
    assert not found(went_by(tmp_path, sent, got, answer(status), answer(502)), RULE)


def test_passed_through(tmp_path: Path) -> None:
    assert not found(went_by(tmp_path, handshake(), handshake(X_Forwarded_For=CLIENT)), RULE)
