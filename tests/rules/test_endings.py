"""Who ended a WebSocket that no Close frame ended, told from both legs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import Story, close, frame, handshake, switching
from tests.rules.sockets import opened, talk
from wsanalyze.analysis import Analysis
from wsanalyze.rules.finding import Evidence

RULES = {"websocket-cut-idle", "websocket-cut-lifetime", "websocket-closed-abnormally"}


def instances(analysis: Analysis) -> list[tuple[str, str, Evidence]]:
    """Severity, confidence and instance, of the three rules on endings."""
    return [
        (finding.severity, finding.confidence, evidence)
        for finding in analysis.findings
        if finding.rule in RULES
        for evidence in finding.evidence
    ]


def by_whom(analysis: Analysis) -> tuple[str, str, str]:
    """Who ended the only WebSocket, how sure that is, and where it is shown."""
    ((_, confidence, evidence),) = instances(analysis)
    words = evidence.note or ""
    return words.partition("ended by the ")[2].partition(" (")[0], confidence, evidence.side


def wait(story: Story) -> None:
    """Some time, long enough to be neither before nor after, in which other traffic goes by."""
    story.wait(3)
    story.page()


ENDINGS = {
    "client, passed on": ("front>FIN back>FIN", ("client", "certain", "front")),
    "client by RST, passed on": ("front>RST back>RST", ("client", "certain", "front")),
    "client, never passed on": ("front>FIN", ("client", "certain", "front")),
    "router, passed on": ("back<FIN front<FIN", ("router", "certain", "back")),
    "router, passed on late": ("back<FIN wait front<RST", ("router", "certain", "back")),
    "router, never passed on": ("back<RST", ("router", "certain", "back")),
    "load balancer, both": ("front<FIN back>FIN", ("load balancer", "certain", "front")),
    "load balancer, the router first": ("back>RST front<RST", ("load balancer", "certain", "front")),
    "load balancer, the router later": ("front<FIN wait back<FIN", ("load balancer", "certain", "front")),
    "load balancer, the client later": ("back>FIN wait front>FIN", ("load balancer", "certain", "back")),
    "load balancer, front only": ("front<RST", ("load balancer", "certain", "front")),
    "load balancer, back only": ("back>RST", ("load balancer", "certain", "back")),
    "client and router, the client first": ("front>FIN wait back<FIN", ("client", "certain", "front")),
    "client and router, the router first": ("back<FIN wait front>FIN", ("router", "certain", "back")),
}
"""What happens, `>` from the connection's client and `<` from its server; and what has to be told of it."""


@pytest.mark.parametrize(("acts", "expected"), ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("offset", [0.0, -3600.0])
def test_who(tmp_path: Path, acts: str, expected: tuple[str, str, str], offset: float) -> None:
    story = Story(offset)
    story.page()
    front, back = opened(story)
    talk(front, back)
    for act in acts.split():
        leg, by_client = front if act.startswith("front") else back, ">" in act
        if act == "wait":
            wait(story)
        elif act.endswith("RST"):
            leg.reset(by_client=by_client)
        else:
            leg.end(by_client=by_client)
    wait(story)
    assert by_whom(story.analyze(tmp_path)) == expected


@pytest.mark.parametrize("first", ["front", "back"])
def test_clocks_that_do_not_tell(tmp_path: Path, first: str) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    story.wait(0.1)
    back.ask(handshake(Via="lb")).reply(switching())
    story.wait(0.1)
    front.reply(switching())
    talk(front, back)
    for leg in (front, back) if first == "front" else (back, front):
        leg.end(by_client=False)
    analysis = story.analyze(tmp_path)
    assert by_whom(analysis) == ("load balancer or router", "likely", "front")
    assert "the clocks do not tell which leg ended first" in (instances(analysis)[0][2].note or "")


@pytest.mark.parametrize(("leg", "by_client", "expected"), [
    ("front", True, ("client", "certain", "front")), ("front", False, ("load balancer or router", "likely", "front")),
    ("back", True, ("client or load balancer", "likely", "back")), ("back", False, ("router", "certain", "back")),
])  # fmt: skip
def test_one_leg_only(tmp_path: Path, leg: str, by_client: bool, expected: tuple[str, str, str]) -> None:
    story = Story()
    tcp = (story.front() if leg == "front" else story.back()).ask(handshake()).reply(switching())
    tcp.ask(frame(b"x", masked=True)).end(by_client=by_client)
    assert by_whom(story.analyze(tmp_path)) == expected


def test_the_other_capture_ended_before(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    front.end(by_client=False)
    assert by_whom(story.analyze(tmp_path)) == ("load balancer or router", "likely", "front")


def test_a_load_balancer_that_speaks_websocket_itself(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.front().ask(handshake()).reply(switching()).reply(frame(b"x", masked=False)).end(by_client=False)
    story.page()
    assert by_whom(story.analyze(tmp_path)) == ("load balancer", "certain", "front")


@pytest.mark.parametrize("order", ["client", "router", "load balancer"])
def test_clean_closes_are_no_finding(tmp_path: Path, order: str) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(60)
    if order == "client":
        for leg in (front, back):
            leg.ask(close(masked=True)).reply(close(masked=False)).end(by_client=False)
    elif order == "router":
        for leg in (back, front):
            leg.reply(close(1001, masked=False)).reset(by_client=False)
    else:
        front.reply(close(1001, masked=False)).end(by_client=False)
        back.reset()
    assert not instances(story.analyze(tmp_path))


def test_a_capture_that_ended_before_the_websocket(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(600)
    story.page()
    assert not instances(story.analyze(tmp_path))


def test_a_hole_at_the_end_may_hide_a_close(tmp_path: Path) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(60)
    for leg in (front, back):
        leg.sequence[False] += 4
        leg.end(by_client=False)
    assert not instances(story.analyze(tmp_path))


@pytest.mark.parametrize("kept", ["client", "server"])
def test_a_capture_of_one_direction(tmp_path: Path, kept: str) -> None:
    story = Story()
    front, back = opened(story)
    talk(front, back)
    story.wait(60)
    front.end(by_client=False)
    back.end()
    for side, port in (("front", front.client[1]), ("back", back.client[1])):
        # The source port of an Ethernet frame with IPv4 and TCP.
        story.records[side] = [
            (time, data)
            for time, data in story.records[side]
            if (int.from_bytes(data[34:36], "big") == port) == (kept == "client")
        ]
    assert not instances(story.analyze(tmp_path))


def test_a_refused_handshake_has_no_websocket_to_end(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(Via="lb")).reply(switching())
    front.reply(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").end(by_client=False)
    back.reset()
    story.page()
    assert not instances(story.analyze(tmp_path))
