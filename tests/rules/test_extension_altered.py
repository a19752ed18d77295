"""Extensions have to go through in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import CLIENT, accept, answer, handshake, switching, told
from tests.rules.exchanges import found, instances, went_by

RULE = "extension-altered"
DEFLATE = "permessage-deflate"
OFFER = f"{DEFLATE}; client_max_window_bits"


def offer(value: str | None, *, back: bool = False) -> bytes:
    return handshake(Sec_WebSocket_Extensions=value, X_Forwarded_For=CLIENT if back else None)


@pytest.mark.parametrize(
    ("sent", "got", "note"),
    [
        (OFFER, None, f"offered: {OFFER} → none"),
        (OFFER, "", f"offered: {OFFER} → none"),
        (OFFER, DEFLATE, f"offered: {OFFER} → {DEFLATE}"),
        (None, DEFLATE, f"offered: none → {DEFLATE}"),
        ("a, b", "b, a", "offered: a, b → b, a"),
        ("a; x=1", "a; x=2", "offered: a; x=1 → a; x=2"),
        ("\"',;\\", "x", "offered: \"',;\\ → x"),
    ],
)
def test_another_offer(tmp_path: Path, sent: str | None, got: str | None, note: str) -> None:
    analysis = went_by(tmp_path, offer(sent), offer(got, back=True))
    (instance,) = instances(analysis, RULE)
    assert (instance.side, instance.note, instance.handshake) == ("back", note, "h1")
    assert [(finding.severity, finding.confidence) for finding in found(analysis, RULE)] == [("warning", "certain")]


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (None, None),
        (None, ""),
        (OFFER, OFFER),
        (OFFER, OFFER.upper().replace(" ", "")),
        ("a;x=1;y", 'A ; y; x="1"'),
        ("a, b", "a,b,"),
        (";;;,,,", ";,,,;"[:1]),
    ],
)
def test_the_same_offer(tmp_path: Path, sent: str | None, got: str | None) -> None:
    assert not found(went_by(tmp_path, offer(sent), offer(got, back=True)), RULE)


def test_another_acceptance(tmp_path: Path) -> None:
    said, heard = switching(Sec_WebSocket_Extensions=DEFLATE), switching()
    analysis = went_by(tmp_path, offer(OFFER), offer(OFFER, back=True), said, heard)
    (instance,) = instances(analysis, RULE)
    assert (instance.side, instance.note) == ("front", f"accepted: {DEFLATE} → none")


def test_both(tmp_path: Path) -> None:
    said, heard = switching(Sec_WebSocket_Extensions="x"), switching(Sec_WebSocket_Extensions=DEFLATE)
    analysis = went_by(tmp_path, offer(OFFER), offer("x", back=True), said, heard)
    (instance,) = instances(analysis, RULE)
    assert instance.note == f"offered: {OFFER} → x; accepted: x → {DEFLATE}"


@pytest.mark.parametrize(("said", "heard"), [(503, 503), (101, 502)])
def test_only_a_101_accepts(tmp_path: Path, said: int, heard: int) -> None:
    first, second = (
        switching(Sec_WebSocket_Extensions=DEFLATE) if status == 101 else answer(status, Sec_WebSocket_Extensions=name)
        for status, name in ((said, "a"), (heard, "b"))
    )
    assert not found(went_by(tmp_path, offer(OFFER), offer(OFFER, back=True), first, second), RULE)


def test_another_handshake_has_its_own_offer(tmp_path: Path) -> None:
    other = "AAAAAAAAAAAAAAAAAAAAAA=="
    got = handshake(key=other, X_Forwarded_For=CLIENT)
    analysis = went_by(tmp_path, offer(OFFER), got, switching(other), switching(Sec_WebSocket_Extensions=DEFLATE))
    assert told(analysis)[:2] == ("terminated", "re-originated")
    assert accept(other) != accept("")
    assert not found(analysis, RULE)


def test_an_answer_that_is_not_whole_says_nothing(tmp_path: Path) -> None:
    said = switching(Sec_WebSocket_Extensions=DEFLATE)
    analysis = went_by(tmp_path, offer(OFFER), offer(OFFER, back=True), said, said[: -len(DEFLATE) - 8])
    assert not found(analysis, RULE)
