"""Takes what a Gorouter and the app behind it logged, gives what became of each request between them: the Gorouter is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from captures.lab.asked import Asked
from captures.lab.gorouter import Gorouter
from captures.lab.scenario import Scenario
from captures.lab.seen import Seen
from captures.lab.stream import value
from captures.lab.truth import Expected, Journey, asks, describe, expected, host_in, is_handshake, journeys


def legs(gorouter: Gorouter, app: Sequence[Seen], clients: Sequence[Asked], scenario: Scenario) -> dict[str, Any]:
    """What came to the Gorouter, by id, as its own two legs show it: `handshakes` and `http`."""
    told: dict[str, Any] = {"handshakes": {}, "http": {}}
    for arrived in journeys(clients, gorouter.log):
        identity, seen = arrived.asked.id, arrived.first
        if seen is None:
            continue
        journey = journeys([_of_the_load_balancer(seen, identity)], app)[0]
        if is_handshake(arrived.asked):
            asked_of_an_app = replace(scenario, router_is_asked=seen.target not in gorouter.unreached)
            told["handshakes"][identity] = _on_the_way(journey) | _judged(expected(journey, asked_of_an_app, ()))
        else:
            lacking = describe(journey, None)["expected_missing"]
            told["http"][identity] = _on_the_way(journey) | {"expected_missing": lacking}
    return told


def _of_the_load_balancer(seen: Seen, identity: str) -> Asked:
    """What the load balancer asked of the Gorouter, as one that asks would log it."""
    return Asked(
        id=identity,
        handshake=all(asks(seen.headers)),
        method=seen.method,
        path=seen.target,
        host=host_in(seen.headers),
        version=seen.version.removeprefix("HTTP/"),
        client=seen.peer,
        lb=seen.router,
        tls=False,
        position=seen.position,
        sent=seen.headers,
        key=value(seen.headers, "sec-websocket-key"),
        asked=seen.seen,
        status=seen.status,
        received=seen.answer,
        answered=seen.answered,
    )


def _on_the_way(journey: Journey) -> dict[str, Any]:
    asked, seen = journey.asked, journey.first
    return {
        "client": asked.client,
        "lb_front": asked.lb,
        "router_peer": seen.peer if seen else None,
        "router": seen.router if seen else None,
        "client_status": asked.status,
        "router_status": seen.status if seen else None,
    }


def _judged(judged: Expected) -> dict[str, Any]:
    return {
        "expected": judged.verdict,
        "expected_detail": judged.detail,
        "expected_mode": judged.mode,
        "outcome": judged.outcome,
    }
