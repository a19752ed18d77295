"""What the rules say where a Gorouter is judged: of X-Forwarded headers that which the load balancer in front sent."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.cases.gorouter import FORWARDED, GorouterStory, marks
from tests.cases.wire import CLIENT, LB_BACK, answer, close, frame, handshake, request, rules, switching
from tests.rules.exchanges import found, instances, notes
from wsanalyze.analysis import Analysis
from wsanalyze.box import GOROUTER


def asked(folder: Path, *, port: int = 80, got: dict[str, Any] | None = None, **sent: Any) -> Analysis:
    """An ordinary request that the load balancer sends with these headers on a connection to this port."""
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    front, back = story.front(port=port), story.back()
    front.ask(request(target="/a", **{**FORWARDED, **sent}))
    back.ask(request(target="/a", **(marks() if got is None else got))).reply(answer(200))
    front.reply(answer(200, X_Vcap_Request_Id="a"))
    analysis = story.analyze(folder)
    assert analysis.box == GOROUTER
    return analysis


@pytest.mark.parametrize(("port", "severity"), [(80, "error"), (8080, "warning")])
@pytest.mark.parametrize(
    ("header", "rule", "count"),
    [
        ("X_Forwarded_For", "x-forwarded-for-missing", "missing_x_forwarded_for"),
        ("X_Forwarded_Proto", "x-forwarded-proto-missing", "missing_x_forwarded_proto"),
    ],
)
def test_what_the_load_balancer_did_not_send(
    tmp_path: Path, port: int, severity: str, header: str, rule: str, count: str
) -> None:
    analysis = asked(tmp_path, port=port, **{header: None})
    (finding,) = found(analysis, rule)
    name = header.replace("_", "-")
    assert (finding.severity, finding.title) == (
        severity,
        f"Ordinary requests reach the Gorouter without {name}: the load balancer in front sent none",
    )
    assert [(one.side, one.file, one.target) for one in finding.evidence] == [
        ("front", str(tmp_path / "front.pcap"), "/a")
    ]
    assert (analysis.requests.total, analysis.requests.judged, getattr(analysis.requests, count)) == (1, 1, 1)


@pytest.mark.parametrize(
    "got",
    [
        {"X_Forwarded_For": None, "X_Forwarded_Proto": None},
        {"X_Forwarded_For": LB_BACK, "X_Forwarded_Proto": "wss"},
        {"X_Forwarded_For": None, "X_Forwarded_Proto": None, "Forwarded": f"for={CLIENT}"},
    ],
)
def test_what_the_gorouter_makes_of_it_is_no_finding(tmp_path: Path, got: dict[str, Any]) -> None:
    analysis = asked(tmp_path, got=marks(**got))
    assert not analysis.findings
    assert analysis.requests.missing_x_forwarded_for == analysis.requests.missing_x_forwarded_proto == 0


def test_forwarded_only(tmp_path: Path) -> None:
    value = f"for={CLIENT};proto=https"
    analysis = asked(tmp_path, X_Forwarded_For=None, X_Forwarded_Proto=None, Forwarded=value)
    (instance,) = instances(analysis, "forwarded-only")
    assert (instance.side, instance.note) == ("front", value)


@pytest.mark.parametrize("value", ["ws", "https,http", "http, https"])
def test_a_scheme_that_is_none(tmp_path: Path, value: str) -> None:
    (instance,) = instances(asked(tmp_path, X_Forwarded_Proto=value), "x-forwarded-proto-wrong")
    assert (instance.side, instance.note) == ("front", value)


def test_handshakes_are_looked_at_for_their_scheme_too(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two", sent={**FORWARDED, "X_Forwarded_Proto": "wss"})
    (instance,) = instances(story.analyze(tmp_path), "x-forwarded-proto-wrong")
    assert (instance.side, instance.note, instance.handshake) == ("front", "wss", "h2")


@pytest.mark.parametrize(
    "value", [CLIENT, LB_BACK, f"198.51.100.7, {CLIENT}", "unknown, 198.51.100.7", "[2001:db8::1]:9"]
)
def test_whose_address_it_is_nobody_knows(tmp_path: Path, value: str) -> None:
    assert not found(asked(tmp_path, X_Forwarded_For=value), "x-forwarded-for-wrong")


@pytest.mark.parametrize("value", ["unknown", "198.51.100.7, _hidden", "unix:"])
def test_what_is_no_address_names_nobody(tmp_path: Path, value: str) -> None:
    (instance,) = instances(asked(tmp_path, X_Forwarded_For=value), "x-forwarded-for-wrong")
    assert (instance.side, instance.note) == ("front", f"{value}; the last is no address")


@pytest.mark.parametrize(("value", "wrong"), [(CLIENT, False), (LB_BACK, True)])
def test_a_proxy_header_names_the_client(tmp_path: Path, value: str, wrong: bool) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    front, back = story.front(), story.back()
    front.ask(
        f"PROXY TCP4 {CLIENT} {LB_BACK} 50001 80\r\n".encode()
        + request(target="/a", **{**FORWARDED, "X_Forwarded_For": value})
    )
    back.ask(request(target="/a", **marks())).reply(answer(200))
    front.reply(answer(200, X_Vcap_Request_Id="a"))
    expected = [f"{LB_BACK}; expected {CLIENT}"] if wrong else []
    assert notes(story.analyze(tmp_path), "x-forwarded-for-wrong") == expected


def test_health_checks_of_the_load_balancer_are_set_apart(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    story.front(port=8080).ask(request(target="/health", User_Agent="HTTP-Monitor/1.1")).reply(answer(200, b"ok"))
    analysis = story.analyze(tmp_path)
    assert rules(analysis) == {"health-check"}
    assert (analysis.requests.total, analysis.requests.judged) == (0, 0)


def test_a_proxy_header_that_the_gorouter_does_not_read(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    ends = b"".join(ipaddress.ip_address(end).packed for end in (CLIENT, LB_BACK))
    header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12) + ends + struct.pack(">HH", 5, 80)
    story.front().ask(header + request(target="/a", **FORWARDED)).reply(answer(400, b"no")).end(by_client=False)
    (finding,) = found(story.analyze(tmp_path), "proxy-protocol-mismatch")
    assert finding.title == "The Gorouter does not understand the PROXY protocol header that it was sent"
    assert [one.side for one in finding.evidence] == ["front"]
    assert finding.confidence == "certain"


def test_a_route_with_a_route_service(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    refusal = answer(503, b"no", X_Cf_Routererror="route_service_unsupported")
    story.front().ask(handshake("/bound", **FORWARDED)).reply(refusal).end()
    story.wait(1)
    story.page()
    (finding,) = found(story.analyze(tmp_path), "route-service-unsupported")
    assert finding.title == "The Gorouter refuses WebSocket on a route that is bound to a route service"
    assert finding.count == 1


def test_the_answer_of_another_gorouter_behind_the_app_is_not_its_own(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    front, back = story.front(), story.back()
    front.ask(request(target="/a", **FORWARDED))
    back.ask(request(target="/a", **marks())).reply(answer(404, b"no", X_Cf_Routererror="unknown_route"))
    front.reply(answer(404, b"no", X_Cf_Routererror="unknown_route", X_Vcap_Request_Id="a"))
    assert not found(story.analyze(tmp_path), "router-error")


def test_the_port_of_a_log_stream_tells_nothing_behind_the_load_balancer(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/firehose/nozzle")
    story.talk("/apps/5e9f8a0c-3d0b-4f7e-8a55-2f1d6a1c9b10/stream")
    analysis = story.analyze(tmp_path)
    assert analysis.box == GOROUTER
    assert not analysis.findings


def test_a_websocket_that_the_gorouter_cuts(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    front, back = story.front(), story.back()
    front.ask(handshake("/cut", **FORWARDED))
    back.ask(handshake("/cut", **marks(9))).reply(switching())
    front.reply(switching()).ask(frame(b"hello", masked=True))
    back.ask(frame(b"hello", masked=True))
    story.wait(60)
    front.end(by_client=False)
    back.end()
    (finding,) = found(story.analyze(tmp_path), "websocket-cut-idle")
    assert finding.title == "The Gorouter ended idle WebSockets"
    note = finding.evidence[0].note or ""
    assert note.startswith("ended by the Gorouter (FIN) without a Close frame, after 60.0 s of silence")
    assert "default" not in note, "60 s is a default of load balancers"


def test_who_broke_the_frames(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    front, back = story.front(), story.back()
    front.ask(handshake("/odd", **FORWARDED))
    back.ask(handshake("/odd", **marks(9))).reply(switching())
    front.reply(switching()).ask(frame(b"hello", masked=False)).ask(close(masked=True)).end()
    back.ask(frame(b"hello", masked=False)).ask(close(masked=True)).end()
    assert notes(story.analyze(tmp_path), "websocket-violation") == ["client or load balancer: client-unmasked"]


def test_a_replaced_refusal(tmp_path: Path) -> None:
    story = GorouterStory()
    story.talk("/one")
    story.talk("/two")
    front, back = story.front(), story.back()
    front.ask(handshake("/no", **FORWARDED))
    back.ask(handshake("/no", **marks(9))).reply(answer(503, b"no"))
    front.reply(answer(502, b"no"))
    (finding,) = found(story.analyze(tmp_path), "answer-altered")
    assert (finding.title, finding.evidence[0].note) == (
        "The Gorouter replaced the app's refusal",
        "app 503 → client 502",
    )
