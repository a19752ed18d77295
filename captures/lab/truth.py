"""Takes what the client and the router logged, and the scenario; gives what really happened to each request.

Nothing that was captured is looked at. A request and what arrived of it are joined by the unique id in its path, or, where
paths are all the same, in a header that no program but the lab knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from captures.lab.asked import Asked
from captures.lab.scenario import Scenario
from captures.lab.seen import Raw, Seen
from captures.lab.stream import Headers, value, values

LAB_ID = "x-lab-id"
HASTE = 1.0
"""Seconds that a client must have waited before its leaving says anything about the load balancer."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One request of the client with every arrival of it at a router."""

    asked: Asked
    arrivals: tuple[Seen, ...]

    @property
    def first(self) -> Seen | None:
        """The arrival that counts: one that still asks for what the client asked, and whose answer the client got if any is so."""
        asking = [seen for seen in self.arrivals if asks(seen.headers) == (True, True)]
        answered = [seen for seen in asking if _same_answer(seen, self.asked)]
        return next(iter((*answered, *asking, *self.arrivals)), None)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a right analysis says of a handshake."""

    verdict: str
    detail: str | None
    mode: str | None
    outcome: str
    ended_by: str | None


def journeys(asked: Sequence[Asked], seen: Sequence[Seen]) -> list[Journey]:
    """Each request of the client with what arrived of it."""
    return [Journey(one, tuple(arrival for arrival in seen if _is_of(arrival, one))) for one in asked]


def _is_of(seen: Seen, asked: Asked) -> bool:
    return asked.id in seen.target or asked.id in values(seen.headers, LAB_ID)


def _same_answer(seen: Seen, asked: Asked) -> bool:
    return seen.status == asked.status or (accepted(seen) and switched(asked))


def asks(headers: Headers) -> tuple[bool, bool]:
    """Whether Upgrade lists websocket, and Connection lists upgrade; an extended CONNECT says both in one (RFC 8441 4)."""
    if value(headers, ":protocol") == "websocket":
        return True, True
    return "websocket" in tokens(headers, "upgrade"), "upgrade" in tokens(headers, "connection")


def tokens(headers: Headers, name: str) -> list[str]:
    """What the comma-separated lists of these lines hold, in lower case."""
    return [token.strip().lower() for value in values(headers, name) for token in value.split(",") if token.strip()]


def expected(journey: Journey, scenario: Scenario, raw: Sequence[Raw]) -> Expected:
    """The verdict that what happened deserves."""
    outcome, ended_by = _outcome(journey.asked)
    established = outcome == "established"
    verdict, detail = (_established if established else _refused)(journey, scenario, raw)
    if scenario.program == "own-reuse-key" and established and verdict == "passed-through":
        # What it is made for: the endpoints see the client's key on both sides, in the right order.
        verdict, detail = "terminated", "re-originated"
    mode = None
    if (seen := journey.first) is not None:
        asked = journey.asked
        same = (seen.headers, seen.target) == (asked.sent, asked.path)
        mode = "tcp" if same else _MODES[asked.version == "2", seen.version == "2"]
    return Expected(verdict, detail, mode, outcome, ended_by)


_MODES = {(False, False): "http", (True, False): "h2-to-h1", (False, True): "h1-to-h2", (True, True): "h2"}
"""By whether the front and the back speak HTTP/2."""


def accepted(seen: Seen) -> bool:
    """Whether the router took the WebSocket (RFC 6455 4.2.2; RFC 8441 5)."""
    return seen.status == 101 or (seen.version == "2" and seen.method == "CONNECT" and seen.status == 200)


def switched(asked: Asked) -> bool:
    """Whether the client got its WebSocket (RFC 6455 4.1; RFC 8441 5)."""
    return asked.status == 101 or (asked.version == "2" and asked.status is not None and 200 <= asked.status < 300)


def _outcome(asked: Asked) -> tuple[str, str | None]:
    if switched(asked):
        return "established", None
    if asked.status is not None:
        return "refused", None
    if asked.gave_up:
        return "reset", "client"
    return ("reset", "lb") if asked.connection_ended else ("no-answer", None)


def _established(journey: Journey, _: Scenario, raw: Sequence[Raw]) -> tuple[str, str | None]:
    asked, seen = journey.asked, journey.first
    if seen is None:
        said = (asked.first_message or "\0").encode()
        return "terminated", "bridged" if any(one.first.startswith(said) for one in raw) else "local"
    if _lost(asked.sent, seen.headers):
        return "terminated", "bridged"
    if _rekeyed(asked, seen):
        return "terminated", "re-originated"
    if not accepted(seen) or seen.answered is None or (asked.answered or 0) < seen.answered:
        return "terminated", "early"
    if asked.version != "2" and asks(asked.received) != (True, True):
        return "stripped", "response"
    return "passed-through", _lowered(asked, seen)


def _refused(journey: Journey, scenario: Scenario, _: Sequence[Raw]) -> tuple[str, str | None]:
    asked, seen = journey.asked, journey.first
    if seen is None:
        return _unseen(asked, scenario)
    if lost := _lost(asked.sent, seen.headers):
        return "stripped", lost
    if _rekeyed(asked, seen):
        return "terminated", "re-originated"
    left_first = asked.gave_up and (asked.ended or 0) < (seen.answered or 0)
    if accepted(seen) and not left_first:
        return "blocked", "answer-withheld"
    return "passed-through", _lowered(asked, seen)


def _unseen(asked: Asked, scenario: Scenario) -> tuple[str, str]:
    """No router got it."""
    reachable = scenario.router_up and scenario.router_is_asked
    if not reachable and (asked.status is None or asked.status >= 500):
        return "blocked", "router-unreachable"
    if asked.status is not None or asked.stream_reset or asked.goaway:
        return "blocked", "by-policy"
    waited = not asked.gave_up or (asked.ended or asked.asked) - asked.asked >= HASTE
    return ("blocked", "silent") if waited else ("undetermined", "ambiguous")


def _lost(sent: Headers, arrived: Headers) -> str | None:
    """Which of the two headers that the client had sent did not arrive as they must."""
    names = [
        name
        for name, before, after in zip(("upgrade", "connection"), asks(sent), asks(arrived), strict=True)
        if before and not after
    ]
    return "+".join(names) or None


def _rekeyed(asked: Asked, seen: Seen) -> bool:
    """Whether the handshake has another key than the client's; over HTTP/2 keys say nothing (RFC 8441 5)."""
    if "2" in {asked.version, seen.version}:
        return False
    return values(seen.headers, "sec-websocket-key") != values(asked.sent, "sec-websocket-key")


def _lowered(asked: Asked, seen: Seen) -> str | None:
    return "http/1.0" if seen.version == "HTTP/1.0" and asked.version != "1.0" else None


def host_in(headers: Headers) -> str | None:
    """Host, or what HTTP/2 has in its place (RFC 9113 8.3.1)."""
    return value(headers, "host") or value(headers, ":authority")


def is_handshake(asked: Asked) -> bool:
    """Whether a request asks for WebSocket."""
    return asked.handshake and (asked.version == "2" or asks(asked.sent)[0])


def undecided(scenario: Scenario) -> bool:
    """Whether the recording leaves out so much that `undetermined` is right, too."""
    recording = scenario.recording
    return bool(recording.loss or recording.snaplen)


def describe(journey: Journey, judged: Expected | None) -> dict[str, Any]:
    """A request as truth.json tells it."""
    asked, seen = journey.asked, journey.first
    told: dict[str, Any] = {
        "id": asked.id,
        "path": asked.path,
        "method": asked.method,
        "host": asked.host,
        "http_version": asked.version,
        "client": asked.client,
        "lb_front": asked.lb,
        "tls": asked.tls,
        "nth_on_connection": asked.position,
        **_on_http2(asked.stream, asked.stream_reset, ""),
        **({"goaway": asked.goaway} if asked.goaway else {}),
        **_over_tls(asked),
        "key": asked.key,
        "asked": round(asked.asked, 6),
        "client_sent": asked.sent,
        "client_status": asked.status,
        "client_received": asked.received,
        "client_gave_up": asked.gave_up,
        "router_saw_request": seen is not None,
        "router_requests": len(journey.arrivals),
    }
    if seen is not None:
        told |= {
            "router_path": seen.target,
            "router_host": host_in(seen.headers),
            "router_version": seen.version.removeprefix("HTTP/"),
            "router_peer": seen.peer,
            **_on_http2(seen.stream, seen.reset, "router_"),
            "router": seen.router,
            "router_proxy": seen.proxy,
            "router_headers": seen.headers,
            "router_status": seen.status,
            "router_saw_upgrade": asks(seen.headers) == (True, True),
            "router_xff": values(seen.headers, "x-forwarded-for"),
            "router_xfp": values(seen.headers, "x-forwarded-proto"),
        }
    if judged is None:
        lacking = [
            name
            for name in ("X-Forwarded-For", "X-Forwarded-Proto")
            if seen is not None and not "".join(values(seen.headers, name)).strip(" \t,")
        ]
        return told | {"expected_missing": lacking}
    if switched(asked):
        told |= {
            "client_frames": {"sent": asked.frames_sent, "received": asked.frames_received},
            "close_code": asked.close_code,
            "closed_by": asked.closed_by,
            "left_by": asked.left_by,
        }
    return told | {
        f"expected_{name}" if name != "verdict" else "expected": value for name, value in asdict(judged).items()
    }


def _on_http2(stream: int | None, reset: str | None, whose: str) -> dict[str, Any]:
    return {} if stream is None else {f"{whose}stream": stream, f"{whose}stream_reset": reset}


def _over_tls(asked: Asked) -> dict[str, Any]:
    told: dict[str, Any] = {"tls_version": asked.tls_version, "tls_cipher": asked.cipher, "tls_resumed": asked.resumed}
    return {name: text for name, text in told.items() if text is not None}
