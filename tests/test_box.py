"""Which box stands between the captures, and what it is called."""

from __future__ import annotations

import json as json_
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cases.gorouter import FORWARDED, GorouterStory, marks
from tests.cases.wire import ACK, ROUTER, RST, SYN, Story, answer, handshake, request, switching, told
from tests.report.stories import page_of
from wsanalyze import explanations
from wsanalyze.box import GOROUTER, LOAD_BALANCER, Box, named, worded
from wsanalyze.cli.sources import Sources
from wsanalyze.report import json, table
from wsanalyze.rules import all_rules

PRODUCTS = (
    "nginx",
    "HAProxy",
    "Envoy",
    "Apache",
    "AWS",
    "F5",
    "GCP",
    "Azure",
    "Traefik",
    "Varnish",
    "Caddy",
    "lighttpd",
)


def test_handshakes_tell_a_gorouter(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    assert story.analyze(tmp_path).box == GOROUTER


def test_answers_tell_a_gorouter_where_no_head_is_kept(tmp_path: Path) -> None:
    story = GorouterStory()
    story.page()
    story.page()
    assert story.analyze(tmp_path).box == GOROUTER


def test_one_pair_is_not_enough(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    assert story.analyze(tmp_path).box == LOAD_BALANCER


def test_a_head_without_the_marks_contradicts(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    story.talk("/three", got=FORWARDED)
    assert story.analyze(tmp_path).box == LOAD_BALANCER


@pytest.mark.parametrize(("kept", "box"), [(True, LOAD_BALANCER), (False, GOROUTER)])
def test_what_a_client_made_up_is_no_mark(tmp_path: Path, kept: bool, box: Box) -> None:
    story = GorouterStory()
    for number in range(3):
        made_up = marks(number)
        # A Gorouter writes its own request id over the one that came.
        story.talk(f"/{number}", sent=made_up, got=made_up if kept else marks(number + 10))
    assert story.analyze(tmp_path).box == box


def test_a_load_balancer_hands_on_the_routers_request_id(tmp_path: Path) -> None:
    story = Story()
    for number in range(3):
        front, back = story.front(), story.back()
        front.ask(request(target=f"/{number}"))
        back.ask(request(target=f"/{number}", **FORWARDED))
        for leg in (back, front):
            leg.reply(answer(200, b"ok", X_Vcap_Request_Id=f"r-{number}"))
    assert story.analyze(tmp_path).box == LOAD_BALANCER


@pytest.mark.parametrize("box", [LOAD_BALANCER, GOROUTER])
def test_what_is_said_counts(tmp_path: Path, box: Box) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    analysis = story.analyze(tmp_path, box=box)
    assert analysis.box == box
    assert json_.loads(json.render(analysis))["judged"] == box


def unroutable(story: GorouterStory, **headers: Any) -> GorouterStory:
    """A handshake that the Gorouter answers with 404 by itself."""
    story.talk("/one")
    story.talk("/two")
    story.front().ask(handshake("/lost", **FORWARDED)).reply(answer(404, b"no", **headers)).end()
    story.wait(1)
    story.page()
    return story


def test_a_gorouters_own_answer(tmp_path: Path) -> None:
    analysis = unroutable(GorouterStory(), X_Cf_Routererror="unknown_route").analyze(tmp_path)
    assert told(analysis, "/lost") == ("blocked", "by-policy", "refused")
    row = analysis.handshakes[analysis.handshakes["target"] == "/lost"].iloc[0]
    assert row["reason"].startswith("The Gorouter answered 404, unknown_route, itself (front ")
    found = {finding.rule: finding for finding in analysis.findings}
    assert set(found) == {"handshake-blocked", "router-error"}
    assert found["handshake-blocked"].title == "WebSocket handshakes were stopped at the Gorouter: by-policy"
    assert found["router-error"].title == "The Gorouter answered with an error of its own: unknown_route"
    assert [evidence.side for evidence in found["router-error"].evidence] == ["front"]


def test_the_same_answer_proves_nothing_at_a_load_balancer(tmp_path: Path) -> None:
    story = unroutable(GorouterStory(), X_Cf_Routererror="unknown_route")
    verdict, *_ = told(story.analyze(tmp_path, box=LOAD_BALANCER), "/lost")
    assert verdict == "undetermined"


def test_what_was_captured_is_not_reworded(tmp_path: Path) -> None:
    value = "the router and the load balancer"
    analysis = unroutable(GorouterStory(), X_Cf_Routererror=value).analyze(tmp_path)
    (reason,) = analysis.handshakes.loc[analysis.handshakes["target"] == "/lost", "reason"]
    assert reason.startswith(f"The Gorouter answered 404, {value}, itself")
    (finding,) = (finding for finding in analysis.findings if finding.rule == "router-error")
    assert finding.title.endswith(f": {value}")


def test_an_app_that_cannot_be_reached(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    front = story.front().ask(handshake("/gone", **FORWARDED))
    back = story.tcp("back", ROUTER, "10.255.0.99", 61002)
    back.packet(True, SYN)
    back.packet(False, RST | ACK)
    error = "endpoint_failure (dial tcp 10.255.0.99:61002: connect: connection refused)"
    front.reply(answer(502, b"no", X_Cf_Routererror=error)).end()
    story.wait(2)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis, "/gone") == ("blocked", "router-unreachable", "refused")
    (reason,) = analysis.handshakes.loc[analysis.handshakes["target"] == "/gone", "reason"]
    assert reason.startswith("The Gorouter could not open a connection to the app for the handshake")
    assert f"the client got 502, {error} (front" in reason
    titles = {finding.rule: finding.title for finding in analysis.findings}
    assert titles["router-unreachable"] == "The Gorouter could not connect to the app, 1 time"
    assert titles["handshake-blocked"] == "WebSocket handshakes were stopped at the Gorouter: router-unreachable"


def test_the_screens_speak_of_the_gorouter(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two", got=marks(2, Upgrade=None, Connection="close"))
    story.page(forwarded=False)
    analysis = story.analyze(tmp_path)
    screen = table.render(analysis, width=140)
    ladder = page_of(analysis, tmp_path, width=140)
    assert "app→client" in screen
    assert "1 of 1 ordinary request was looked at on the front leg: 1 without X-Forwarded-For" in screen
    assert ladder.count("client or load balancer ↔ Gorouter") == 1
    assert "removed by the Gorouter" in ladder
    for text in (screen, ladder):
        assert "Gorouter" in text
        assert not re.search(r"\brouters?\b(?![.-])", text)
        assert not [name for name in PRODUCTS if name in text]


def test_the_next_command_names_the_box_that_was_named(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    analysis = story.analyze(tmp_path, box=GOROUTER)
    named = Sources((("front.pcap",), ("back.pcap",)), ())
    again = named.again("--judged", GOROUTER)
    assert "show front.pcap back.pcap h1 --judged gorouter\n" in table.render(analysis, again=again)
    assert "show front.pcap back.pcap h1\n" in table.render(analysis, again=named.again())


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_no_rule_gives_a_gorouter_a_load_balancers_advice(rule: Any) -> None:
    page = explanations.explain(rule.name).partition("At a Gorouter: ")[2]
    assert page
    assert not [name for name in PRODUCTS if name in page]


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("The load balancer's own 101, not the router's", "The Gorouter's own 101, not the app's"),
        ("A router, a router and routers", "An app, an app and apps"),
        ("a load balancer; the load balancers", "a Gorouter; the Gorouters"),
        ("{router}, router-unreachable, X-Cf-Routererror, Gorouter", "{router}, router-unreachable, X-Cf-Routererror, Gorouter"),
        ("router→client", "app→client"),
    ],
)  # fmt: skip
def test_words(text: str, reads: str) -> None:
    assert worded(text, GOROUTER) == reads
    assert worded(text, LOAD_BALANCER) == text


@pytest.mark.parametrize(
    ("who", "called"),
    [
        ("client", "client or load balancer"),
        ("load balancer or router", "Gorouter or app"),
        ("client or load balancer", "client, load balancer or Gorouter"),
    ],
)
def test_who_did_it(who: str, called: str) -> None:
    assert named(who, GOROUTER) == called
    assert named(who, LOAD_BALANCER) == who


def test_a_withheld_answer(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    front, back = story.front(), story.back()
    front.ask(handshake("/odd", **FORWARDED))
    back.ask(handshake("/odd", **marks(9))).reply(switching(Sec_WebSocket_Accept="no"))
    front.reply(answer(502, b"no"))
    story.wait(1)
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis, "/odd") == ("blocked", "answer-withheld", "refused")
    (finding,) = (finding for finding in analysis.findings if finding.rule == "answer-withheld")
    assert finding.title == "The Gorouter withheld the app's 101"
