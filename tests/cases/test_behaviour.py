"""Nothing but behaviour joins the sides: Host and path are rewritten, the key is gone or another one, nobody names the client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.wire import Story, answer, handshake, request, switching, told

OTHER = "x3JJHMbDL1EzLkh9GBhXDw=="


def rewritten(**headers: Any) -> bytes:
    return handshake(target="/backend/x", Host="internal", **headers)


@pytest.mark.parametrize(
    ("back_request", "back_answer", "front_answer", "verdict", "detail"),
    [
        (request(target="/backend/x", host="internal"), answer(400), answer(400), "stripped", "upgrade+connection"),
        (rewritten(Sec_WebSocket_Key=OTHER), switching(OTHER), switching(), "terminated", "re-originated"),
        (rewritten(Sec_WebSocket_Key=None), answer(400), answer(400), "passed-through", None),
    ],
    ids=["stripped", "re-originated", "without a key"],
)
def test_the_only_request_at_that_time(
    tmp_path: Path, back_request: bytes, back_answer: bytes, front_answer: bytes, verdict: str, detail: str | None
) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(back_request).reply(back_answer)
    front.reply(front_answer)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis)[:2] == (verdict, detail)
    row = analysis.handshakes.iloc[0]
    assert (row["pairing"], row["confidence"]) == ("content-and-time", "likely")


def test_two_at_the_same_time_are_not_told_apart(tmp_path: Path) -> None:
    story = Story()
    story.page()
    fronts, backs = [story.front() for _ in range(2)], [story.back() for _ in range(2)]
    for number, front in enumerate(fronts):
        front.ask(handshake(f"/ws/{number}", key=f"{number:022}=="))
    backs[0].ask(request(target="/x", host="internal")).reply(answer(400))
    backs[1].ask(rewritten(Sec_WebSocket_Key=None)).reply(answer(400))
    for front in fronts:
        front.reply(answer(400))
    story.page()
    rows = story.analyze(tmp_path).handshakes
    assert set(rows["verdict"]) == {"undetermined"}
    assert set(rows["detail"].dropna()) <= {"ambiguous", "handshake-not-captured"}


@pytest.mark.parametrize("change", ["another status", "too late", "a health check"])
def test_what_does_not_behave_like_it_is_no_partner(tmp_path: Path, change: str) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(handshake())
    agent = {"User_Agent": "HTTP-Monitor/1.1"} if change == "a health check" else {}
    asked = request(target="/x", host="internal", **agent)
    if change != "too late":
        back.ask(asked).reply(answer(200 if change == "another status" else 400, b"ok"))
    front.reply(answer(400))
    if change == "too late":
        story.wait(20)
        back.ask(asked).reply(answer(400))
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis)[:2] == ("blocked", "by-policy")
    assert analysis.handshakes.iloc[0]["pairing"] is None
