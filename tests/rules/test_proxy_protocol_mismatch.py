"""PROXY headers that the router disliked, and such that it understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import CLIENT, LB_FRONT, Story, Tcp, answer, handshake, request, switching
from tests.rules.finds import finding, findings

RULE = "proxy-protocol-mismatch"
ONE = f"PROXY TCP4 {CLIENT} {LB_FRONT} 50001 80\r\n".encode()
TWO = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 10, 203, 0, 113, 1]) + b"\xc3\x51\0\x50"
HEADERS = {1: ONE, 2: TWO}


def both(story: Story, version: int, data: bytes) -> tuple[Tcp, Tcp]:
    front, back = story.front(), story.back()
    front.ask(data)
    back.ask(HEADERS[version])
    back.ask(data)
    return front, back


@pytest.mark.parametrize(("version", "confidence"), [(2, "certain"), (1, "likely")])
def test_a_bare_400(tmp_path: Path, version: int, confidence: str) -> None:
    story = Story()
    front, back = both(story, version, handshake())
    back.reply(answer(400, b"400 Bad Request", Connection="close")).end(by_client=False)
    front.reply(answer(400, b"400 Bad Request", Connection="close")).end(by_client=False)
    found = finding(story.analyze(tmp_path), RULE)
    (evidence,) = found.evidence
    assert (found.severity, found.confidence) == ("warning", confidence)
    assert evidence.note == f"PROXY protocol version {version}, answered by a bare 400"
    assert (evidence.side, evidence.target, evidence.handshake) == ("back", "/ws", "h1")


@pytest.mark.parametrize("data", [handshake(), b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", b"early data"])
@pytest.mark.parametrize("reset", [True, False])
def test_the_router_hangs_up(tmp_path: Path, data: bytes, reset: bool) -> None:
    story = Story()
    _, back = both(story, 2, data)
    back.reset(by_client=False) if reset else back.end(by_client=False)
    found = finding(story.analyze(tmp_path), RULE)
    assert found.confidence == "likely"
    assert found.evidence[0].note == "PROXY protocol version 2, ended by the router without an answer"
    assert len(found.evidence[0].frames) >= 2


def test_once_a_connection(tmp_path: Path) -> None:
    story = Story()
    for _ in range(3):
        _, back = both(story, 2, request())
        back.reply(answer(400)).reply(answer(400)).end(by_client=False)
    assert finding(story.analyze(tmp_path), RULE).count == 3


@pytest.mark.parametrize("version", [1, 2])
def test_a_router_that_understands_it(tmp_path: Path, version: int) -> None:
    story = Story()
    _, back = both(story, version, handshake())
    back.reply(switching())
    # The app's own 400, and a router that is restarted.
    both(story, version, request(target="/a"))[1].reply(answer(400)).end()
    both(story, version, request(target="/b"))[1].reset(by_client=False)
    assert not findings(story.analyze(tmp_path), RULE)


@pytest.mark.parametrize(
    "words", [answer(400, X_Cf_Routererror="empty_host"), answer(400, X_Vcap_Request_Id="0f3ec8a2")]
)
def test_a_400_in_the_routers_words(tmp_path: Path, words: bytes) -> None:
    story = Story()
    both(story, 2, request())[1].reply(words).end()
    assert not findings(story.analyze(tmp_path), RULE)


def test_a_request_that_deserves_it(tmp_path: Path) -> None:
    story = Story()
    both(story, 2, request(Host=None))[1].reply(answer(400)).end()
    assert not findings(story.analyze(tmp_path), RULE)


def test_what_the_client_ended_or_nobody_did(tmp_path: Path) -> None:
    story = Story()
    both(story, 2, handshake("/1"))[1].end()
    both(story, 2, handshake("/2"))[1].reset()
    both(story, 2, handshake("/3"))
    # A health check that says nothing after its header, and one without any.
    story.back().ask(TWO).end(by_client=False)
    story.back().end(by_client=False)
    assert not findings(story.analyze(tmp_path), RULE)


def test_an_answer_that_was_not_captured(tmp_path: Path) -> None:
    story = Story()
    _, back = both(story, 2, handshake())
    back.sequence[False] += 150
    back.end(by_client=False)
    assert not findings(story.analyze(tmp_path), RULE)


def test_without_a_header(tmp_path: Path) -> None:
    story = Story()
    story.back().ask(request()).reply(answer(400)).end(by_client=False)
    story.back().ask(handshake()).reset(by_client=False)
    assert not findings(story.analyze(tmp_path), RULE)
