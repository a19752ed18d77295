"""Host has to reach the router as the client sent it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.wire import CLIENT, Story, answer, handshake, request
from tests.rules.exchanges import found, instances, notes, went_by

RULE = "host-altered"
NAMES: dict[str, Any] = {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "http"}


def test_a_handshake_with_another_host(tmp_path: Path) -> None:
    analysis = went_by(tmp_path, handshake(Host="app.test"), handshake(Host="10.244.0.10", **NAMES))
    (finding,) = found(analysis, RULE)
    (instance,) = finding.evidence
    assert (finding.severity, finding.confidence) == ("warning", "certain")
    assert (instance.side, instance.host, instance.note) == ("back", "10.244.0.10", "app.test → 10.244.0.10")
    assert instance.handshake == analysis.handshakes.iloc[0]["id"]
    assert finding.id in analysis.handshakes.iloc[0]["findings"]
    assert set(instance.frames) == set(analysis.handshakes.iloc[0]["back_frames"])


def test_a_request_with_another_host(tmp_path: Path) -> None:
    (instance,) = instances(went_by(tmp_path, request(target="/a"), request(target="/a", Host="b", **NAMES)), RULE)
    assert (instance.note, instance.handshake, len(instance.frames)) == ("app.test → b", None, 1)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ("app.test", "app.test"),
        ("App.Test", "app.test"),
        ("app.test", "app.test:80"),
        ("app.test:443", "app.test"),
        ("[2001:DB8::1]:80", "[2001:db8::1]"),
        (None, None),
        ("", " "),
        ("caf\xe9.test", "caf\xe9.test"),
    ],
)
def test_the_same_host(tmp_path: Path, sent: str | None, got: str | None) -> None:
    analysis = went_by(tmp_path, request(target="/a", Host=sent), request(target="/a", Host=got, **NAMES))
    assert not found(analysis, RULE)


@pytest.mark.parametrize(
    ("sent", "got", "note"),
    [
        ("app.test", "app.test:8080", "app.test → app.test:8080"),
        ("app.test", "app.test.", "app.test → app.test."),
        ("app.test", None, "app.test → (none)"),
        ("app.test", "", "app.test → (blank)"),
        ("a, b", "a", "a, b → a"),
        ("x" * 5000, "y", f"{'x' * 5000} → y"),
    ],
)
def test_another_host(tmp_path: Path, sent: str, got: str | None, note: str) -> None:
    analysis = went_by(tmp_path, request(target="/a", Host=sent), request(target="/a", Host=got, **NAMES))
    assert notes(analysis, RULE) == [note]


@pytest.mark.parametrize(("host", "altered"), [("real.test", False), ("other.test", True)])
def test_the_host_of_a_target_in_absolute_form_is_the_host(tmp_path: Path, host: str, altered: bool) -> None:
    sent = handshake("http://real.test:80/ws", Host="app.test")
    analysis = went_by(tmp_path, sent, handshake("/ws", Host=host, **NAMES))
    assert bool(found(analysis, RULE)) == altered


def test_a_head_that_is_not_whole_says_nothing(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(request(target="/a"))
    back.ask(request(target="/a", Host=None, **NAMES)[:-20])
    story.wait(1)
    front.reply(answer(504))
    assert not found(story.analyze(tmp_path), RULE)
