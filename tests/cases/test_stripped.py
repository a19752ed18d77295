"""The request or the answer lost the upgrade on its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.wire import Story, answer, handshake, rules, switching, told


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"Upgrade": None}, "upgrade"),
        ({"Connection": None}, "connection"),
        ({"Connection": "close"}, "connection"),
        ({"Upgrade": None, "Connection": "close"}, "upgrade+connection"),
        (
            {"Upgrade": None, "Connection": None, "Sec_WebSocket_Key": None, "Sec_WebSocket_Version": None},
            "upgrade+connection",
        ),
        ({"Upgrade": "h2c"}, "upgrade"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 426])
def test_the_request_lost_it(tmp_path: Path, changes: dict[str, Any], detail: str, status: int) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10", **changes)).reply(answer(status, b"no"))
    front.reply(answer(status, b"no"))
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("stripped", detail, "refused")
    assert rules(analysis) == {"upgrade-stripped"}
    row = analysis.handshakes.iloc[0]
    assert row["confidence"] == "certain"
    assert {change["header"] for change in row["changes"]} >= {name.replace("_", "-") for name in changes}
    assert (analysis.requests.total, analysis.requests.judged) == (0, 0)


def test_the_answer_lost_it(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10")).reply(switching())
    front.reply(switching(Upgrade=None, Connection=None))
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("stripped", "response", "established")
    assert rules(analysis) == {"upgrade-stripped"}


def test_a_lenient_router(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(Connection="close", X_Forwarded_For="203.0.113.10")).reply(switching())
    front.reply(switching())
    assert told(story.analyze(tmp_path)) == ("stripped", "connection", "established")


def test_what_the_client_did_not_send_was_not_stripped(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake(Connection="keep-alive"))
    back.ask(handshake(Connection="keep-alive", X_Forwarded_For="203.0.113.10")).reply(answer(400))
    front.reply(answer(400))
    analysis = story.analyze(tmp_path)
    assert told(analysis)[0] == "passed-through"
    assert rules(analysis) == {"handshake-invalid"}


def test_only_the_back_shows_what_is_left(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.back().ask(handshake(Upgrade=None, Connection="close")).reply(answer(400)).end()
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis, "/ws") in {
        ("stripped", "upgrade+connection", None),
        ("undetermined", "handshake-not-captured", None),
    }
    assert analysis.handshakes.iloc[0]["client"] is None
    assert analysis.requests.judged == 2
