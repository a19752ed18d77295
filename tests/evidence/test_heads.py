"""Heads come from the tables, else from the files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.cases.wire import Story, answer, handshake, request
from wsanalyze.analysis import Analysis
from wsanalyze.evidence.heads import Heads, heads

ASKED = handshake("/ws")
PLAIN = request(target="/ws", X_Only_Behind="1")
ANSWERED = answer(200)


def _analysis(folder: Path) -> Analysis:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(ASKED)
    back.ask(PLAIN).reply(ANSWERED).end()
    front.reply(ANSWERED).end()
    return story.analyze(folder)


def test_a_request_that_no_longer_speaks_of_websocket_is_read_again(tmp_path: Path) -> None:
    analysis = _analysis(tmp_path)
    assert analysis.back.exchanges["request_head"].isna().all(), "the tables keep only what speaks of WebSocket"
    assert heads(analysis, analysis.handshakes.iloc[0].to_dict()) == Heads(ASKED, PLAIN, ANSWERED, ANSWERED)


def test_standard_input_cannot_be_read_again(tmp_path: Path) -> None:
    analysis = _analysis(tmp_path)
    back = dataclasses.replace(analysis.back, captures=analysis.back.captures.assign(file="-"))
    found = heads(dataclasses.replace(analysis, back=back), analysis.handshakes.iloc[0].to_dict())
    assert found == Heads(ASKED, None, ANSWERED, None, unread=True)


def test_a_side_that_was_not_captured_has_no_heads(tmp_path: Path) -> None:
    analysis = _analysis(tmp_path)
    row = {**analysis.handshakes.iloc[0].to_dict(), "back_exchange": None}
    assert heads(analysis, row) == Heads(ASKED, None, ANSWERED, None)
