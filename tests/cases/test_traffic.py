"""What is no handshake, what is nobody's request, and how WebSockets end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import (
    CLIENT,
    LB_BACK,
    LB_FRONT,
    ROUTER,
    Story,
    answer,
    close,
    frame,
    handshake,
    request,
    rules,
    switching,
    told,
)
from wsanalyze.failure import CaptureError


def test_connection_upgrade_alone_is_no_handshake(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(request(Connection="upgrade"))
    back.ask(request(Connection="upgrade", X_Forwarded_For="1.2.3.4", X_Forwarded_Proto="http")).reply(answer(200))
    front.reply(answer(200))
    analysis = story.analyze(tmp_path)
    assert not len(analysis.handshakes)
    assert (analysis.requests.total, analysis.requests.judged, analysis.requests.paired) == (1, 1, 1)


def test_h2c_is_no_websocket(tmp_path: Path) -> None:
    story = Story()
    story.front().ask(request(Upgrade="h2c", Connection="Upgrade")).reply(
        answer(101, Upgrade="h2c", Connection="Upgrade")
    ).reply(bytes(50))
    assert not len(story.analyze(tmp_path).handshakes)


@pytest.mark.parametrize(
    "probe",
    [
        request(target="/health", User_Agent="HTTP-Monitor/1.1"),
        request(target="/health", User_Agent="ELB-HealthChecker/2.0"),
        request("OPTIONS", "/", version="1.0", Host=None),
        request(target="/probe", X_Forwarded_For="::"),
    ],
)
def test_health_checks_are_nobodys_requests(tmp_path: Path, probe: bytes) -> None:
    story = Story()
    story.page()
    story.back().ask(probe).reply(answer(200)).end()
    story.page()
    analysis = story.analyze(tmp_path)
    assert rules(analysis) == {"health-check"}
    assert (analysis.requests.total, analysis.requests.judged) == (2, 2)


def test_a_request_that_may_be_a_clients_is_judged(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(request(target="/a"))
    back.ask(request(target="/rewritten/b")).reply(answer(200))
    front.reply(answer(200))
    story.page()
    analysis = story.analyze(tmp_path)
    assert rules(analysis) == {"x-forwarded-for-missing", "x-forwarded-proto-missing"}


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_blank_counts_as_missing(tmp_path: Path, blank: str | None) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(request())
    back.ask(request(X_Forwarded_For=blank, X_Forwarded_Proto="http")).reply(answer(200))
    front.reply(answer(200))
    analysis = story.analyze(tmp_path)
    assert rules(analysis) == {"x-forwarded-for-missing"}
    assert analysis.requests.missing_x_forwarded_for == 1


@pytest.mark.parametrize(("front_port", "back_port", "ports", "severity"), [
    (80, 8080, (80, 443), "error"), (8080, 80, (80, 443), "error"), (8080, 8081, (80, 443), "warning"), (8080, 8081, (8080,), "error"),
])  # fmt: skip
def test_severity_follows_the_ports(
    tmp_path: Path, front_port: int, back_port: int, ports: tuple[int, ...], severity: str
) -> None:
    story = Story()
    front, back = story.front(port=front_port), story.back(port=back_port)
    front.ask(request())
    back.ask(request()).reply(answer(200))
    front.reply(answer(200))
    analysis = story.analyze(tmp_path, web_ports=ports)
    assert [finding.severity for finding in analysis.findings] == [severity] * 2


def test_pipelining_continue_head_and_bodies(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    names = {"X_Forwarded_For": "203.0.113.10", "X_Forwarded_Proto": "http"}
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n"
    front.ask(request(target="/1") + request("HEAD", "/2") + request(target="/3"))
    back.ask(request(target="/1", **names) + request("HEAD", "/2", **names) + request(target="/3", **names))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    for leg in (back, front):
        leg.reply(chunked + head + answer(204))
    post = {"Content_Length": "5", "Expect": "100-continue"}
    for leg, more in ((front, {}), (back, names)):
        leg.ask(request("POST", "/4", **post, **more))
    for leg in (back, front):
        leg.reply(b"HTTP/1.1 100 Continue\r\n\r\n")
    for leg in (front, back):
        leg.ask(b"GET /")
    for leg in (back, front):
        leg.reply(answer(201))
    front.ask(handshake("/ws"))
    back.ask(handshake("/ws", **names)).reply(switching())
    front.reply(switching())
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("passed-through", None, "established")
    assert (analysis.requests.total, analysis.requests.judged, analysis.requests.paired) == (4, 4, 4)
    statuses = analysis.front.exchanges.set_index("target")["status"].to_dict()
    assert statuses == {"/1": 200, "/2": 200, "/3": 204, "/4": 201, "/ws": 101}


@pytest.mark.parametrize("who", ["client", "server", "lb", "lb without a word"])
def test_who_closed(tmp_path: Path, who: str) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(Via="lb")).reply(switching())
    front.reply(switching())
    if who == "client":
        for leg in (front, back):
            leg.ask(close(1001, masked=True)).end()
    elif who == "server":
        for leg in (back, front):
            leg.reply(close(1008, masked=False)).end(by_client=False)
    elif who == "lb":
        front.reply(close(1001, masked=False)).end(by_client=False)
        back.ask(close(1001, masked=True)).end()
    else:
        story.wait(60)
        front.reset(by_client=False)
        back.reset(by_client=True)
    row = story.analyze(tmp_path).handshakes.iloc[0]
    assert row["closed_by"] == who.partition(" ")[0]
    expected = {"client": 1001, "server": 1008, "lb": 1001}.get(who)
    assert (row["close_code"] if expected else None) == expected


@pytest.mark.parametrize(("target", "stream"), [
    ("/apps/0f3ec8a2-1111-2222-3333-444455556666/stream", "loggregator-app-logs"),
    ("/firehose/my-nozzle?filter-type=logs", "loggregator-firehose"),
    ("/apps/x/streams", None), ("/ws", None),
])  # fmt: skip
def test_streams(tmp_path: Path, target: str, stream: str | None) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake(target))
    back.ask(handshake(target, Via="lb")).reply(switching())
    front.reply(switching())
    assert story.analyze(tmp_path).handshakes.iloc[0]["stream"] == stream


def test_an_accept_that_does_not_answer_the_key(tmp_path: Path) -> None:
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(Via="lb")).reply(switching("AAAAAAAAAAAAAAAAAAAAAA=="))
    front.reply(switching("AAAAAAAAAAAAAAAAAAAAAA=="))
    analysis = story.analyze(tmp_path)
    assert told(analysis)[0] == "passed-through"
    assert rules(analysis) == {"accept-invalid"}


def test_the_back_capture_also_holds_the_routers_other_side(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For="203.0.113.10"))
    app = story.tcp("back", ROUTER, "10.255.1.2", 61001).connect()
    app.ask(handshake(X_Forwarded_For=f"203.0.113.10, {LB_BACK}", X_Forwarded_Proto="http")).reply(switching())
    back.reply(switching())
    front.reply(switching())
    for leg in (front, back, app):
        leg.ask(frame(b"hi", masked=True))
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis) == ("passed-through", None, "established")
    row = analysis.handshakes.iloc[0]
    assert (row["router"], row["lb_back"].partition(":")[0]) == (f"{ROUTER}:80", LB_BACK)
    assert any("opened by who is asked on the back" in note for note in analysis.notes_of("back"))


def test_a_front_that_has_no_part_in_what_the_back_shows(tmp_path: Path) -> None:
    story = Story()
    # The same client's handshake before its destination was translated, and what the load balancer's own machine saw.
    ways = [("front", CLIENT, "198.51.100.7"), ("back", CLIENT, LB_FRONT), ("back", LB_FRONT, ROUTER)]
    legs = [story.tcp(side, client, server, 80).connect().ask(handshake()) for side, client, server in ways]
    for leg in reversed(legs):
        leg.reply(switching())
    with pytest.raises(CaptureError, match="nothing in it belongs to the box"):
        story.analyze(tmp_path)


def test_two_hundred_at_once_over_pooled_connections(tmp_path: Path) -> None:
    story = Story()
    pool = [story.back() for _ in range(10)]
    fronts = [story.front(f"203.0.113.{number % 50 + 1}") for number in range(200)]
    for number, front in enumerate(fronts):
        front.ask(handshake(f"/{number}", key=f"{number:022}=="))
        if number >= 10:
            fronts[number - 10].reply(answer(503, X_Cf_Routererror="no_endpoints"))
        pool[number % 10].ask(handshake(f"/{number}", key=f"{number:022}==", X_Forwarded_For="x"))
        pool[number % 10].reply(answer(503, X_Cf_Routererror="no_endpoints"))
    for front in fronts[-10:]:
        front.reply(answer(503, X_Cf_Routererror="no_endpoints"))
    analysis = story.analyze(tmp_path)
    rows = analysis.handshakes
    assert len(rows) == 200
    assert set(rows["verdict"]) == {"passed-through"}
    assert set(rows["outcome"]) == {"refused"}
    assert list(rows["id"]) == [f"h{number}" for number in range(1, 201)]
    assert (rows["target"] == rows["back_target"]).all()
