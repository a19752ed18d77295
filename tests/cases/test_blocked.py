"""The handshake went no further, or its answer was withheld."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import ACK, RST, SYN, Story, answer, handshake, rules, switching, told


@pytest.mark.parametrize(
    ("status", "severity"), [(403, "warning"), (404, "warning"), (426, "warning"), (301, "error"), (502, "error")]
)
def test_by_policy(tmp_path: Path, status: int, severity: str) -> None:
    story = Story()
    story.page()
    story.front().ask(handshake()).reply(answer(status, b"no")).end()
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("blocked", "by-policy", "refused")
    assert [finding.severity for finding in analysis.findings] == [severity]
    assert rules(analysis) == {"handshake-blocked"}
    row = analysis.handshakes.iloc[0]
    assert (row["mode"], row["back_status"] is None or row["back_frames"] == ()) == (None, True)


@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize("says", [503, None])
def test_router_unreachable(tmp_path: Path, refused: bool, says: int | None) -> None:
    story = Story()
    story.page()
    front = story.front()
    front.ask(handshake())
    back = story.tcp("back", "10.244.0.1", "10.244.0.99", 80)
    back.packet(True, SYN)
    if refused:
        back.packet(False, RST | ACK)
    story.wait(1)
    if says:
        front.reply(answer(says))
    front.end(by_client=False)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("blocked", "router-unreachable", "refused" if says else "reset")
    row = analysis.handshakes.iloc[0]
    assert row["back_frames"], "the SYN is evidence"
    assert row["ended_by"] == (None if says else "lb")


def test_silent(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front = story.front()
    front.ask(handshake())
    story.wait(5)
    front.end(by_client=False)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("blocked", "silent", "reset")
    assert analysis.handshakes.iloc[0]["ended_by"] == "lb"


def test_silent_until_the_client_gave_up(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front = story.front()
    front.ask(handshake())
    story.wait(30)
    front.reset(by_client=True)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("blocked", "silent", "reset")
    assert analysis.handshakes.iloc[0]["ended_by"] == "client"


@pytest.mark.parametrize("says", [502, None])
def test_answer_withheld(tmp_path: Path, says: int | None) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10")).reply(switching())
    if says:
        front.reply(answer(says))
    back.end()
    front.end(by_client=False)
    story.wait(3)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("blocked", "answer-withheld", "refused" if says else "reset")
    assert rules(analysis) == {"handshake-blocked", "answer-withheld"}
    assert [finding.severity for finding in analysis.findings] == ["error", "warning"]


def test_others_pass_at_the_same_time(tmp_path: Path) -> None:
    story = Story()
    story.page()
    fronts = [story.front(f"203.0.113.{number}") for number in range(20, 24)]
    for number, front in enumerate(fronts):
        front.ask(handshake(f"/{number}", key=f"{number:022}=="))
    back = story.back()
    back.ask(handshake("/1", key=f"{1:022}==", X_Forwarded_For="203.0.113.21")).reply(switching(f"{1:022}=="))
    for number, front in enumerate(fronts):
        front.reply(switching(f"{1:022}==") if number == 1 else answer(403))
    story.page()
    analysis = story.analyze(tmp_path)
    for number in range(4):
        expected = ("passed-through", None, "established") if number == 1 else ("blocked", "by-policy", "refused")
        assert told(analysis, f"/{number}") == expected
