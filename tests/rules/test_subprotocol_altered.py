"""Subprotocols have to go through in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import CLIENT, handshake, switching
from tests.rules.exchanges import found, instances, notes, went_by

RULE = "subprotocol-altered"


def offer(value: str | None, *, back: bool = False) -> bytes:
    return handshake(Sec_WebSocket_Protocol=value, X_Forwarded_For=CLIENT if back else None)


@pytest.mark.parametrize(
    ("sent", "got", "note"),
    [
        ("chat.v2, chat.v1", None, "offered: chat.v2, chat.v1 → none"),
        ("chat.v2, chat.v1", "chat.v1, chat.v2", "offered: chat.v2, chat.v1 → chat.v1, chat.v2"),
        ("mqtt", "MQTT", "offered: mqtt → MQTT"),
        (None, "x", "offered: none → x"),
        ('"a', "a", 'offered: "a → a'),
    ],
)
def test_another_offer(tmp_path: Path, sent: str | None, got: str | None, note: str) -> None:
    (instance,) = instances(went_by(tmp_path, offer(sent), offer(got, back=True)), RULE)
    assert (instance.side, instance.note, instance.handshake) == ("back", note, "h1")


@pytest.mark.parametrize(("sent", "got"), [(None, None), ("a, b", "a,b"), (" a ", "a,,"), (",", None)])
def test_the_same_offer(tmp_path: Path, sent: str | None, got: str | None) -> None:
    assert not found(went_by(tmp_path, offer(sent), offer(got, back=True)), RULE)


def test_another_choice(tmp_path: Path) -> None:
    said, heard = switching(Sec_WebSocket_Protocol="a"), switching(Sec_WebSocket_Protocol="b")
    (instance,) = instances(went_by(tmp_path, offer("a, b"), offer("a, b", back=True), said, heard), RULE)
    assert (instance.side, instance.note) == ("front", "accepted: a → b")


def test_a_token_is_not_shown(tmp_path: Path) -> None:
    sent = "bearer, c2VjcmV0LXRva2VuLXZhbHVl"
    (note,) = notes(went_by(tmp_path, offer(sent), offer("bearer", back=True)), RULE)
    assert note == "offered: bearer, *** → bearer"
