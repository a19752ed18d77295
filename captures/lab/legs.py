"""Takes what a Gorouter and the app behind it logged, gives what became of each handshake between them: the Gorouter judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from captures.lab.asked import Asked
from captures.lab.gorouter import Gorouter
from captures.lab.scenario import Scenario
from captures.lab.seen import Seen
from captures.lab.stream import value
from captures.lab.truth import Journey, expected, host_in, is_handshake, journeys


def legs(gorouter: Gorouter, app: Sequence[Seen], clients: Sequence[Asked], scenario: Scenario) -> dict[str, Any]:
    """Each handshake of the clients that came to the Gorouter, by its id, as the Gorouter's own two legs show it."""
    arrived = journeys([asked for asked in clients if is_handshake(asked)], gorouter.log)
    told = {}
    for seen, asked in ((journey.first, journey.asked) for journey in arrived):
        if seen is None:
            continue
        journey = journeys([_of_the_load_balancer(seen, asked.id)], app)[0]
        told[asked.id] = _line(journey, replace(scenario, router_is_asked=seen.target not in gorouter.unreached))
    return told


def _of_the_load_balancer(seen: Seen, identity: str) -> Asked:
    """What the load balancer asked of the Gorouter, as one that asks would log it."""
    return Asked(
        id=identity,
        handshake=True,
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


def _line(journey: Journey, scenario: Scenario) -> dict[str, Any]:
    asked, seen, judged = journey.asked, journey.first, expected(journey, scenario, ())
    return {
        "client": asked.client,
        "lb_front": asked.lb,
        "router_peer": seen.peer if seen else None,
        "router": seen.router if seen else None,
        "client_status": asked.status,
        "router_status": seen.status if seen else None,
        "expected": judged.verdict,
        "expected_detail": judged.detail,
        "expected_mode": judged.mode,
        "outcome": judged.outcome,
    }
