"""Replays of the recorded scenarios: what is valid is accepted by a router that accepts, and refused by one that refuses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from anyio.from_thread import start_blocking_portal

from tests.replay.test_captured import of_one
from tests.scenarios import SCENARIOS, Scenario
from wsanalyze import router
from wsanalyze.replay.edits import Edits
from wsanalyze.replay.heads import Head
from wsanalyze.replay.model import Captured, Plan
from wsanalyze.replay.plan import Bounds, plan
from wsanalyze.replay.run import captured_addresses, looked_up, replay
from wsanalyze.replay.sending import Settings, Target
from wsanalyze.router import Behaviour, Router

FAST = Settings(speed=float("inf"), max_gap=0.05, concurrency=20, timeout=5.0)


@pytest.fixture(scope="module")
def refusing() -> Iterator[Target]:
    """A router that refuses all handshakes with 503."""
    with start_blocking_portal() as portal:
        serving = Router(router.Settings(behaviour=Behaviour.parse("refuse=503"))).serve()
        with portal.wrap_async_context_manager(serving) as (host, port):
            yield Target("http", host, port)


@cache
def of_front(scenario: Scenario) -> Plan:
    found = [one for one in of_one(scenario.front, key_logs=scenario.key_logs) if one.handshake]
    return plan(found, Edits(), Bounds())


def is_valid(one: Captured) -> bool:
    """RFC 6455 4.2.1, RFC 8441 4."""
    head = Head.parse(one.head, http2=one.version == "2")

    def lists(name: str, token: str) -> bool:
        return token in [part.strip().lower() for value in head.values(name) for part in value.split(",")]

    if head.values("sec-websocket-version") != ["13"]:
        return False
    if one.version == "2":
        return head.method == "CONNECT"
    return (
        (one.version, head.method) == ("1.1", "GET")
        # Of several protocols a server may choose none.
        and [value.lower() for value in head.values("upgrade")] == ["websocket"]
        and lists("connection", "upgrade")
        and len(head.values("host")) == 1
        and [len(key) for key in head.values("sec-websocket-key")] == [24]
    )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_router_that_accepts(scenario: Scenario) -> None:
    made = of_front(scenario)
    ran = replay(made, None, FAST)
    assert len(ran.compared) == sum(len(one.requests) for one in made.connections) + len(made.not_sent)
    for one in ran.compared:
        if one.replayed is None:
            assert one.captured.head == b"" or Head.parse(one.captured.head, http2=False).method == "POST"
            continue
        assert one.replayed.error is None
        valid = is_valid(one.captured)
        assert (one.replayed.outcome == "established") == valid, one.captured.head
        assert one.works == valid
        if valid and one.captured.version != "2":
            assert (one.replayed.status, one.replayed.accept_valid) == (101, True)
        assert one.result in ({"same", "better", "different"} if valid else {"same", "different", "worse"})


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_router_that_refuses(scenario: Scenario, refusing: Target) -> None:
    for one in replay(of_front(scenario), refusing, FAST).compared:
        if one.replayed is not None:
            assert (one.replayed.outcome, one.replayed.error) == ("refused", None)
            assert one.replayed.status == 503 or not is_valid(one.captured)
            assert one.result in {"same", "worse", "different"}


@pytest.mark.parametrize(
    ("target", "captured", "found"),
    [
        ("127.0.0.1", ["127.0.0.1", "10.0.0.9"], True),
        ("localhost", ["127.0.0.1"], True),
        ("::ffff:127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.1", ["::ffff:127.0.0.1"], True),
        ("0.0.0.0", ["127.0.0.1"], True),  # noqa: S104 - nothing listens
        ("0x7f000001", ["127.0.0.1"], True),
        ("127.0.0.1", ["10.0.0.9", "::1"], False),
        ("127.0.0.2", ["127.0.0.1"], False),
    ],
)
def test_captured_addresses_are_known_however_they_are_written(target: str, captured: list[str], found: bool) -> None:
    looked = looked_up(Target("http", target, 80))
    assert looked.checked
    assert bool(captured_addresses(looked, captured)) == found
