"""Exchanges as they were captured, compared with what the lab's client and router logged."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.cases.wire import Story, answer, close, frame, handshake, request, switching
from tests.scenarios import SCENARIOS, Scenario, analysis_of
from wsanalyze import capture
from wsanalyze.replay import captured
from wsanalyze.replay.heads import Head
from wsanalyze.replay.model import Captured

NAMED = {scenario.name: scenario for scenario in SCENARIOS}
WHOLE = [
    NAMED[name]
    for name in ("nginx-default", "nginx-upgrade-map", "haproxy-h2", "haproxy-tls13", "own-early", "envoy-h2-both", "traefik")
]  # fmt: skip


@cache
def of_both(scenario: Scenario) -> tuple[Captured, ...]:
    analysis = analysis_of(scenario)
    return tuple(captured.read(captured.of_analysis(analysis), analysis.front, analysis.back))


def of_one(*paths: Path, key_logs: tuple[Path, ...] = ()) -> list[Captured]:
    (read,) = capture.read([[str(path) for path in paths]], key_logs=key_logs)
    return list(captured.read(captured.of_side(read.tables), read.tables))


def headers(one: Captured) -> list[list[str]]:
    return [[field.name.decode(), field.text] for field in Head.parse(one.head, http2=one.version == "2").fields]


@pytest.mark.parametrize("scenario", WHOLE, ids=lambda scenario: scenario.name)
def test_heads_and_messages_are_those_of_the_client(scenario: Scenario) -> None:
    seen = set()
    for one in of_both(scenario):
        target = Head.parse(one.head, http2=one.version == "2").target
        id_ = scenario.id_in(target)
        if id_ is None or not one.handshake:
            continue
        truth = scenario.handshakes[id_]
        seen.add(id_)
        sent = [field for field in headers(one) if not field[0].startswith(":")]
        assert sent == [field for field in truth["client_sent"] if not field[0].startswith(":")]
        assert (one.status, one.outcome) == (truth["client_status"], truth["expected_outcome"])
        assert one.router_status == truth["router_status"]
        assert (one.body, one.body_whole, one.lost) == (b"", True, None)
        if truth.get("client_frames"):
            counted = [sum(said.by_client is by_client for said in one.frames) for by_client in (True, False)]
            assert counted == [truth["client_frames"]["sent"], truth["client_frames"]["received"]]
    assert seen == set(scenario.handshakes)


@pytest.mark.parametrize("scenario", WHOLE, ids=lambda scenario: scenario.name)
def test_one_side_gives_what_both_give(scenario: Scenario) -> None:
    alone = {(one.head, one.asked): one for one in of_one(scenario.front, key_logs=scenario.key_logs)}
    for one in of_both(scenario):
        if one.connection >> 32 or not one.head:
            continue
        other = alone[one.head, one.asked]
        assert (other.frames, other.body, other.answer) == (one.frames, one.body, one.answer)
        assert other.verdict is None


def test_ids_are_those_of_the_analysis() -> None:
    scenario = NAMED["nginx-default"]
    told = dict(zip(analysis_of(scenario).handshakes["id"], analysis_of(scenario).handshakes["target"], strict=True))
    for one in of_both(scenario):
        target = Head.parse(one.head, http2=False).target
        assert told.get(one.id) == (target if one.handshake else None)
    others = [one.id for one in of_both(scenario) if not one.handshake]
    assert others == [f"r{number}" for number in range(1, len(others) + 1)]


def test_what_only_the_back_shows_is_taken_from_there() -> None:
    scenario = NAMED["haproxy-tls13"]
    (front, back) = capture.read([[str(scenario.front)], [str(scenario.back)]])
    assert len(front.tables.exchanges) == 0
    import wsanalyze

    analysis = wsanalyze.analyze(scenario.front, scenario.back)
    found = list(captured.read(captured.of_analysis(analysis), analysis.front, analysis.back))
    assert len(found) == len(back.tables.exchanges) > 0
    assert all(one.head and one.connection >> 32 and one.outcome for one in found)


def test_bodies_as_on_the_wire(tmp_path: Path) -> None:
    story = Story()
    chunked = request("POST", "/a", Transfer_Encoding="chunked") + b"3\r\nabc\r\n0\r\n\r\n"
    cut = request("POST", "/b", Content_Length="10") + b"abc"
    story.front().ask(chunked).reply(answer(200)).ask(cut)
    one, other = of_one(story.files(tmp_path)[0])
    assert (one.body, one.body_whole, one.outcome) == (b"3\r\nabc\r\n0\r\n\r\n", True, "answered")
    assert (other.body_whole, other.outcome, other.status) == (False, "no-answer", None)


def test_who_said_what_and_when(tmp_path: Path) -> None:
    story = Story()
    front = story.front().ask(handshake()).reply(switching())
    front.ask(frame(b"one", masked=True)).reply(frame(b"two", masked=False)).ask(close(1001, masked=True))
    (one,) = of_one(story.files(tmp_path)[0])
    assert [(said.by_client, said.opcode, said.payload) for said in one.frames] == [
        (True, 1, b"one"),
        (False, 1, b""),
        (True, 8, b"\x03\xe9"),
    ]
    assert one.answered is not None
    assert one.asked < one.answered < one.frames[0].time < one.frames[1].time < one.frames[2].time
    assert (one.close_code, one.client, one.server) == (1001, ("203.0.113.10", one.client[1] if one.client else 0), ("203.0.113.1", 80))  # fmt: skip


@pytest.mark.parametrize(("ending", "outcome"), [("reset", "reset"), ("end", "reset"), ("", "no-answer")])
def test_what_was_never_answered(ending: str, outcome: str, tmp_path: Path) -> None:
    story = Story()
    front = story.front().ask(handshake())
    if ending:
        getattr(front, ending)(by_client=False)
    (one,) = of_one(story.files(tmp_path)[0])
    assert (one.outcome, one.status, one.answer) == (outcome, None, None)


def test_a_damaged_recording_gives_what_it_holds() -> None:
    for scenario in SCENARIOS:
        if scenario.damaged:
            for one in of_both(scenario):
                assert not one.head or one.head.endswith((b"\r\n\r\n", b"\r\n"))
