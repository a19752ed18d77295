"""What is sent, when, and what is not and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cases.wire import Story, answer, close, frame, handshake, request, switching
from tests.replay.test_captured import NAMED, of_both, of_one
from tests.scenarios import SCENARIOS, Scenario
from wsanalyze import capture
from wsanalyze.replay import captured
from wsanalyze.replay.edits import Edits
from wsanalyze.replay.model import Captured, Plan
from wsanalyze.replay.plan import Bounds, Choice, plan, repeated

PLAIN = Edits(keep_key=True, send_credentials=True)


def planned(found: list[Captured], edits: Edits = PLAIN, **bounds: object) -> Plan:
    return plan(found, edits, Bounds(**bounds))  # type: ignore[arg-type]


@pytest.mark.parametrize("scenario", SCENARIOS[::6], ids=lambda scenario: scenario.name)
def test_everything_is_accounted_for(scenario: Scenario) -> None:
    found = of_both(scenario)
    made = planned(list(found))
    sent = [one for connection in made.connections for one in connection.requests]
    assert sorted([one.id for one in sent] + [one.captured.id for one in made.not_sent]) == sorted(
        one.id for one in found
    )
    for connection in made.connections:
        asked = [one.captured.asked for one in connection.requests]
        assert asked == sorted(asked)
        assert len({one.captured.connection for one in connection.requests}) == 1
        assert all(one.head == one.captured.head for one in connection.requests if not connection.http2)
    assert [connection.number for connection in made.connections] == list(range(1, len(made.connections) + 1))
    starts = [connection.start for connection in made.connections]
    assert starts == sorted(starts)
    assert not starts or starts[0] < 1e-3


def test_each_message_follows_those_it_followed(tmp_path: Path) -> None:
    story = Story()
    front = story.front().ask(handshake()).reply(switching())
    front.ask(frame(b"one", masked=True))
    story.wait(0.5)
    front.reply(frame(b"a", masked=False)).reply(frame(b"b", masked=False))
    story.wait(0.25)
    front.ask(frame(b"two", masked=True)).ask(frame(b"pong", 10, masked=True)).ask(close(1000, masked=True))
    front.ask(frame(b"too late", masked=True))
    (connection,) = planned(of_one(story.files(tmp_path)[0])).connections
    (one,) = connection.requests
    assert [(step.payload[:3], step.follows) for step in one.steps] == [(b"one", 0), (b"two", 2), (b"\x03\xe8", 2)]
    assert one.steps[1].pause == pytest.approx(0.25, abs=0.01)
    assert one.steps[1].at == pytest.approx(0.75, abs=0.02)


def test_pauses_are_those_of_the_capture_and_long_ones_are_shortened(tmp_path: Path) -> None:
    story = Story()
    front = story.front().ask(request(target="/1")).reply(answer(200))
    story.wait(3.0)
    front.ask(request(target="/2")).reply(answer(200))
    story.wait(100.0)
    story.front().ask(request(target="/3")).reply(answer(200))
    made = planned(of_one(story.files(tmp_path)[0]), max_gap=2.0)
    first, second = made.connections
    assert [one.pause for one in first.requests] == [0, pytest.approx(3.0, abs=0.01)]
    assert second.start == pytest.approx(4.0, abs=0.01)
    assert planned(of_one(story.files(tmp_path)[0]), max_gap=1000.0).connections[1].start == pytest.approx(103, abs=0.1)


def test_what_is_not_sent_and_why(tmp_path: Path) -> None:
    story = Story()
    front = story.front()
    front.ask(request("POST", "/p", Content_Length="3") + b"abc").reply(answer(200))
    front.ask(request("DELETE", "/d")).reply(answer(200))
    front.ask(request("GET", "/h2c", Connection="Upgrade", Upgrade="h2c")).reply(answer(200))
    front.ask(request("OPTIONS", "/o")).reply(answer(200))
    found = of_one(story.files(tmp_path)[0])
    made = planned(found)
    why = {one.captured.id: one.why for one in made.not_sent}
    assert why == {
        "r1": "POST may change something: --allow-method POST sends it",
        "r2": "DELETE may change something: --allow-method DELETE sends it",
        "r3": "it asks for another protocol: h2c",
    }
    made = planned(found, methods=frozenset({"POST", "GET"}))
    (connection,) = made.connections
    assert [one.id for one in connection.requests] == ["r1"]
    assert connection.requests[0].body == b"abc"


def test_secrets_in_messages_are_masked(tmp_path: Path) -> None:
    story = Story()
    front = story.front().ask(handshake()).reply(switching())
    front.ask(frame(b'{"type": "auth", "access_token": "s3cret", "n": 1}', masked=True))
    front.ask(frame(b"\xff\xfe binary password=s3cret", 2, masked=True)).ask(frame(b"hello", masked=True))
    found = of_one(story.files(tmp_path)[0])
    ((one,),) = [connection.requests for connection in planned(found, Edits()).connections]
    assert one.steps[0].payload == b'{"type": "auth", "access_token": "***", "n": 1}'
    assert one.masked == ("messages",)
    ((one,),) = [connection.requests for connection in planned(found).connections]
    assert b"s3cret" in one.steps[0].payload
    assert one.masked == ()


def test_secrets_are_found_across_fragments(tmp_path: Path) -> None:
    story = Story()
    front = story.front().ask(handshake()).reply(switching())
    whole = b'{"to": "\xc3\xa9", "token": "s3cret"}'
    parts = [whole[:9], whole[9:14], whole[14:]]
    for number, part in enumerate(parts):
        raw = bytearray(frame(part, 0 if number else 1, masked=True))
        raw[0] = (0x80 if number == len(parts) - 1 else 0) | (0 if number else 1)
        front.ask(bytes(raw))
    ((one,),) = [connection.requests for connection in planned(of_one(story.files(tmp_path)[0]), Edits()).connections]
    assert [(step.fin, step.opcode) for step in one.steps] == [(False, 1), (False, 0), (True, 0)]
    assert json.loads(b"".join(step.payload for step in one.steps)) == {"to": "\u00e9", "token": "***"}


def test_what_is_asked_for() -> None:
    scenario = NAMED["nginx-upgrade-map"]
    (read,) = capture.read([[str(scenario.front)]])
    rows = captured.of_side(read.tables)

    def ids(**choice: object) -> list[str]:
        return list(Choice(**choice).of(rows)["id"])  # type: ignore[arg-type]

    assert len(ids()) == len(rows)
    assert {one[0] for one in ids(only="handshakes")} == {"h"}
    assert {one[0] for one in ids(only="requests")} == {"r"}
    assert ids(ids=("h2", "r1", "h99")) == ["r1", "h2"]
    assert ids(hosts=("doppler.*",)) == ["h11", "h12"]
    assert ids(paths=("/firehose/*",)) == ["h12"]
    assert ids(hosts=("nobody",)) == []


def test_repetitions_have_ids_of_their_own() -> None:
    once = planned(list(of_both(NAMED["nginx-upgrade-map"])))
    twice = repeated(once, 2)
    ids = [one.id for connection in twice.connections for one in connection.requests]
    assert len(ids) == len(set(ids)) == 2 * sum(len(connection.requests) for connection in once.connections)
    assert "h1.2" in ids
    assert repeated(once, 1) == once


def test_http_2_is_translated_where_that_is_asked_for() -> None:
    found = list(of_both(NAMED["haproxy-h2"]))
    multiplexed = [connection for connection in planned(found).connections if connection.http2]
    assert multiplexed
    assert all(one.fields and not one.head for connection in multiplexed for one in connection.requests)
    translated = planned(found, Edits(http2=False))
    assert not any(connection.http2 for connection in translated.connections)
    for connection in translated.connections:
        for one in connection.requests:
            assert one.head.startswith(f"{one.method} /".encode())
            assert (one.key is not None) == one.captured.handshake
