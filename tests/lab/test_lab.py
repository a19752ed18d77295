"""The lab's own parts: what it plans, what it configures, and how it tells what happened."""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from captures.lab import plan
from captures.lab.asked import Asked
from captures.lab.cipher_cases import CASES
from captures.lab.packages import needed
from captures.lab.programs import BALANCERS, balancer
from captures.lab.proxies import OWN
from captures.lab.scenario import Scenario
from captures.lab.scenarios import SCENARIOS
from captures.lab.seen import Seen
from captures.lab.stream import Headers
from captures.lab.truth import Journey, expected, journeys
from tests import scenarios as corpus

LARGEST = 300_000

ASKS: Headers = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", "a" * 22 + "=="))
ANSWERS: Headers = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
PLANNED = Scenario("any", "any", plan.Traffic(()))


def asked(**changes: object) -> Asked:
    """A handshake that was accepted."""
    one = Asked("id", True, "GET", "/ws/id", "h", "1.1", "c:1", "l:80", False, 0, ASKS, "a" * 22 + "==", 1.0)
    one.status, one.received, one.answered = 101, ANSWERS, 3.0
    return replace(one, **changes)  # type: ignore[arg-type]


def seen(**changes: object) -> Seen:
    """Its arrival."""
    one = Seen("l:9", "r:80", 1, 0, "HTTP/1.1", "GET", "/ws/id", ASKS, None, 1.5, 101, 2.0, ANSWERS)
    return replace(one, **changes)  # type: ignore[arg-type]


def without(*names: str) -> Headers:
    return tuple((name, value) for name, value in ASKS if name.lower() not in names)


def rekeyed() -> Headers:
    return (*without("sec-websocket-key"), ("Sec-WebSocket-Key", "b" * 22 + "=="))


@pytest.mark.parametrize(
    ("client", "arrivals", "verdict", "detail"),
    [
        (asked(), (seen(),), "passed-through", None),
        (asked(), (seen(version="HTTP/1.0"),), "passed-through", "http/1.0"),
        (asked(status=503), (seen(status=503),), "passed-through", None),
        (asked(status=502), (seen(status=None, answered=None),), "passed-through", None),
        (asked(status=None, gave_up=True, ended=1.8), (seen(),), "passed-through", None),
        (asked(), (), "terminated", "local"),
        (asked(), (seen(headers=rekeyed()),), "terminated", "re-originated"),
        (asked(), (seen(headers=without("upgrade"), status=400),), "terminated", "bridged"),
        (asked(answered=1.7), (seen(),), "terminated", "early"),
        (asked(), (seen(status=503),), "terminated", "early"),
        (asked(status=400), (seen(headers=without("upgrade"), status=400),), "stripped", "upgrade"),
        (asked(status=400), (seen(headers=without("connection"), status=400),), "stripped", "connection"),
        (
            asked(status=400),
            (seen(headers=without("upgrade", "connection"), status=400),),
            "stripped",
            "upgrade+connection",
        ),
        (asked(received=()), (seen(),), "stripped", "response"),
        (asked(status=403), (), "blocked", "by-policy"),
        (asked(status=None), (), "blocked", "silent"),
        (asked(status=None, gave_up=True, ended=1.2), (), "undetermined", "ambiguous"),
        (asked(status=502), (seen(),), "blocked", "answer-withheld"),
        (asked(status=503), (seen(status=503), seen(headers=without("upgrade"), status=200)), "passed-through", None),
    ],
)
def test_the_truth_follows_the_design(
    client: Asked, arrivals: tuple[Seen, ...], verdict: str, detail: str | None
) -> None:
    told = expected(Journey(client, arrivals), PLANNED, ())
    assert (told.verdict, told.detail) == (verdict, detail)


RESET = {"connection_ended": "reset", "stream_reset": "PROTOCOL_ERROR"}
CONNECTS: Headers = ((":method", "CONNECT"), (":protocol", "websocket"), (":path", "/ws/id"))


def asked2(**changes: object) -> Asked:
    """An extended CONNECT that was accepted."""
    as_asked = asked(version="2", method="CONNECT", sent=CONNECTS, key=None, status=200, received=((":status", "200"),))
    return replace(as_asked, **changes)  # type: ignore[arg-type]


def seen2(**changes: object) -> Seen:
    """Its arrival over HTTP/2."""
    arrived: Headers = (*CONNECTS, ("x-forwarded-for", "c"))
    return replace(seen(version="2", method="CONNECT", headers=arrived, status=200), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("client", "arrivals", "told"),
    [
        (asked2(), (seen(),), ("passed-through", None, "h2-to-h1", "established", None)),
        (asked(), (seen2(),), ("passed-through", None, "h1-to-h2", "established", None)),
        (asked2(), (seen2(),), ("passed-through", None, "h2", "established", None)),
        (asked2(), (seen2(headers=CONNECTS),), ("passed-through", None, "tcp", "established", None)),
        (asked2(status=503), (seen2(status=503),), ("passed-through", None, "h2", "refused", None)),
        (
            asked2(status=400),
            (seen(headers=without("upgrade", "connection"), status=400),),
            ("stripped", "upgrade+connection", "h2-to-h1", "refused", None),
        ),
        (asked2(status=502), (seen2(),), ("blocked", "answer-withheld", "h2", "refused", None)),
        (
            asked2(status=None, connection_ended="reset"),
            (seen2(status=None, answered=None, reset="PROTOCOL_ERROR"),),
            ("passed-through", None, "h2", "reset", "lb"),
        ),
        (asked2(status=None, **RESET), (), ("blocked", "by-policy", None, "reset", "lb")),
        (asked2(status=None, connection_ended="reset"), (), ("blocked", "silent", None, "reset", "lb")),
        (
            asked(status=502),
            (seen2(status=None, answered=None, reset="PROTOCOL_ERROR"),),
            ("passed-through", None, "h1-to-h2", "refused", None),
        ),
    ],
)
def test_the_truth_of_http2_follows_the_design(
    client: Asked, arrivals: tuple[Seen, ...], told: tuple[str, str | None, str | None, str, str | None]
) -> None:
    assert astuple(expected(Journey(client, arrivals), PLANNED, ())) == told


def test_what_has_one_path_is_joined_by_the_labs_own_header() -> None:
    client = asked(path="/ws/same")
    mine = seen(target="/ws/same", headers=(*ASKS, ("X-Lab-Id", "id")))
    another = seen(target="/ws/same", headers=(*ASKS, ("X-Lab-Id", "other")))
    assert [journey.arrivals for journey in journeys([client], [another, mine])] == [(mine,)]


def test_an_unreachable_router_is_told() -> None:
    told = expected(Journey(asked(status=503), ()), replace(PLANNED, router_up=False), ())
    assert (told.verdict, told.detail, told.outcome) == ("blocked", "router-unreachable", "refused")


def test_every_scenario_is_recorded_and_every_recording_is_a_scenario() -> None:
    assert {scenario.name for scenario in SCENARIOS} == {scenario.name for scenario in corpus.SCENARIOS}
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize("folder", sorted(BALANCERS.iterdir()), ids=lambda folder: folder.name)
def test_every_configuration_is_complete(folder: Path) -> None:
    chosen = balancer(folder.name)
    assert chosen.files
    assert chosen.listens
    assert chosen.apt or chosen.pip
    assert any(scenario.program == folder.name for scenario in SCENARIOS), "recorded by no scenario"


def test_every_case_of_tls_is_recorded_and_listed() -> None:
    folder = corpus.CAPTURES / "tls"
    told = {case["name"]: case for case in json.loads((folder / "cases.json").read_text(encoding="utf-8"))["cases"]}
    assert list(told) == [case.name for case in CASES]
    assert {path.stem for path in folder.glob("*.pcap")} == set(told) == {p.stem for p in folder.glob("*.keylog")}
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for case in CASES:
        assert f"| `{case.name}` |" in readme
        assert len(told[case.name]["connections"]) == 1 + len(case.again)
        assert all(one["established"] != case.fails for one in told[case.name]["connections"])


def test_every_proxy_is_recorded() -> None:
    assert set(OWN) <= {scenario.program for scenario in SCENARIOS}


def test_packages_are_named() -> None:
    assert {"haproxy", "nginx"} <= set(needed("apt"))


@pytest.mark.parametrize("scenario", corpus.SCENARIOS, ids=lambda scenario: scenario.name)
def test_recordings_stay_small(scenario: corpus.Scenario) -> None:
    for path in (scenario.front, scenario.back):
        assert path.stat().st_size <= LARGEST, path
