"""Takes what happened to each request, gives the findings that a right analysis makes of it: rule and path.

Written from the endpoints' logs alone, rule by rule; it shares nothing with the rules of wsanalyze but their names.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from captures.lab.answers import accept_of
from captures.lab.asked import Asked
from captures.lab.scenario import Scenario
from captures.lab.seen import Seen
from captures.lab.stream import Headers, values
from captures.lab.truth import Expected, Journey, accepted, asks, host_in, switched, tokens

Found = tuple[str, str | None]
"""The rule, and the path of the request as the client sent it; None where it is no request's."""

_KNOWN_DEFAULTS = (30, 60, 240, 350, 900)
_ABNORMAL = {1002, 1003, 1007, 1008, 1009, 1010, 1011}
_IDLE = 10.0


def findings(
    scenario: Scenario, told: Sequence[tuple[Journey, Expected | None]], strangers: Sequence[Seen]
) -> list[dict[str, Any]]:
    """Every finding that is due."""
    found: list[Found] = []
    for journey, judged in told:
        if judged is not None:
            found.extend((rule, journey.asked.path) for rule in _of_verdict(judged))
            found.extend((rule, journey.asked.path) for rule in _of_handshake(journey, judged))
        elif journey.first is not None:
            found.extend((rule, journey.asked.path) for rule in _of_request(journey))
        if journey.first is not None:
            found.extend((rule, journey.asked.path) for rule in _of_both(journey))
        if (
            journey.asked.handshake
            and tokens(journey.asked.received, "upgrade") == ["h2c"]
            and journey.asked.status == 101
        ):
            found.append(("h2c-answered-by-lb", journey.asked.path))
    found.extend(_shared_keys([journey.asked for journey, judged in told if judged is not None]))
    found.extend(("health-check", None) for _ in strangers[:1])
    found.extend(
        ("proxy-protocol-mismatch", journey.asked.path)
        for journey, _ in told
        if scenario.router_speaks != "any" and journey.first is not None and journey.first.proxy
    )
    if not (scenario.router_up and scenario.router_is_asked) and any(j.first is None for j, _ in told):
        found.append(("router-unreachable", None))
    return [{"rule": rule, "path": path} for rule, path in sorted(set(found), key=lambda f: (f[0], f[1] or ""))]


def _of_verdict(judged: Expected) -> Iterator[str]:
    if judged.verdict == "stripped" or (judged.detail == "bridged" and judged.mode is not None):
        yield "upgrade-stripped"
    if judged.verdict == "terminated":
        yield "websocket-terminated"
    if judged.verdict == "blocked":
        yield "handshake-blocked"
    if judged.detail == "answer-withheld":
        yield "answer-withheld"


def _of_handshake(journey: Journey, judged: Expected) -> Iterator[str]:
    asked, seen = journey.asked, journey.first
    if _streams(asked.path):
        yield from _of_stream(asked, judged)
    if _is_invalid(asked, seen):
        yield "handshake-invalid"
    if switched(asked):
        yield from _of_websocket(asked, seen)
    if seen is None:
        return
    if seen.version == "HTTP/1.0" and asked.version == "1.1":
        yield "http10-upstream"
    if len(journey.arrivals) > 1 and any(not all(asks(one.headers)) for one in journey.arrivals):
        yield "handshake-retried"
    for error in {error for one in journey.arrivals for error in values(one.answer, "x-cf-routererror")}:
        yield "route-service-unsupported" if error == "route_service_unsupported" else "router-error"
    # After a second try the client gets the answer to that one.
    answering = next((one for one in journey.arrivals if one.status == asked.status), seen)
    yield from _of_answer(asked, answering)
    if judged.detail != "re-originated":
        yield from _of_agreements(asked, seen)


def _of_stream(asked: Asked, judged: Expected) -> Iterator[str]:
    """What concerns the platform's own streams."""
    if asked.lb.rpartition(":")[2] != "443":
        yield "loggregator-port"
    if judged.verdict in {"stripped", "terminated", "blocked"}:
        yield "loggregator-stream-affected"


def _of_agreements(asked: Asked, seen: Seen) -> Iterator[str]:
    """Whether what client and router agree on was touched between them."""
    for name, rule in (
        ("sec-websocket-extensions", "extension-altered"),
        ("sec-websocket-protocol", "subprotocol-altered"),
    ):
        offered = tokens(asked.sent, name) != tokens(seen.headers, name)
        answered = switched(asked) and accepted(seen) and tokens(asked.received, name) != tokens(seen.answer, name)
        if offered or answered:
            yield rule


def _of_answer(asked: Asked, seen: Seen) -> Iterator[str]:
    """What the router's answer and its way to the client give rise to."""
    error = values(seen.answer, "x-cf-routererror")
    key = (values(seen.headers, "sec-websocket-key") or [""])[0]
    if seen.status == 101 and values(seen.answer, "sec-websocket-accept") != [accept_of(key)]:
        yield "accept-invalid"
    # Where the router speaks HTTP/2 there is none to pass on: the load balancer has to work it out.
    if asked.status == 101 and asked.key and values(asked.received, "sec-websocket-accept") != [accept_of(asked.key)]:
        yield "accept-invalid"
    if seen.status is None or accepted(seen) or asked.status in {None, 101} or switched(asked):
        return
    if seen.status != asked.status or (error and not values(asked.received, "x-cf-routererror")):
        yield "answer-altered"


def _of_request(journey: Journey) -> Iterator[str]:
    seen = journey.first
    assert seen is not None
    error = values(seen.answer, "x-cf-routererror")
    if error:
        yield "router-error"
    lacks = {
        name: not "".join(values(seen.headers, name)).strip(" \t,") for name in ("x-forwarded-for", "x-forwarded-proto")
    }
    for name, missing in lacks.items():
        if missing:
            yield f"{name}-missing"
    if all(lacks.values()) and "".join(values(seen.headers, "forwarded")).strip():
        yield "forwarded-only"


def _of_both(journey: Journey) -> Iterator[str]:
    """What holds for handshakes and for ordinary requests."""
    asked, seen = journey.asked, journey.first
    assert seen is not None
    if _host(asked.host) != _host(host_in(seen.headers)):
        yield "host-altered"
    arrived = _listed(seen.headers, "x-forwarded-for")
    own = _listed(asked.sent, "x-forwarded-for")
    added = arrived[len(own) :] if arrived[: len(own)] == own else arrived
    client = _address(asked.client)
    if arrived and client not in [_address(one) for one in (added or arrived[-1:])]:
        yield "x-forwarded-for-wrong"
    protos = _listed(seen.headers, "x-forwarded-proto")
    if protos and (
        len(protos) > 1 or protos[0].lower() not in {"http", "https"} or (asked.tls and protos[0] == "http")
    ):
        yield "x-forwarded-proto-wrong"


def _of_websocket(asked: Asked, seen: Seen | None) -> Iterator[str]:
    """How an established WebSocket went."""
    if seen is not None and "violating" in seen.target:
        yield "websocket-violation"
    if "/odd/" in asked.path:
        yield "websocket-violation"
    if asked.closed_by is not None:
        if asked.close_code in _ABNORMAL:
            yield "websocket-closed-abnormally"
        return
    by_router = seen is not None and seen.left_by == "router"
    if asked.left_by == "client" or by_router:
        yield "websocket-closed-abnormally"
    elif asked.left_by == "peer" and asked.ended and asked.answered:
        ages = [asked.ended - asked.answered]
        if seen is not None and seen.ended and seen.answered:
            ages.append(seen.ended - seen.answered)
        near = any(abs(age - known) <= max(1.0, 0.03 * known) for age in ages for known in _KNOWN_DEFAULTS)
        silence = asked.ended - (asked.last_frame or asked.answered)
        cut = "websocket-cut-lifetime" if near else "websocket-closed-abnormally"
        yield "websocket-cut-idle" if silence >= _IDLE else cut


def _shared_keys(asked: Sequence[Asked]) -> Iterator[Found]:
    counts = Counter(one.key for one in asked if one.key)
    for one in asked:
        if one.key and counts[one.key] > 1:
            yield "key-shared", one.path


def _streams(path: str) -> bool:
    return (path.startswith("/apps/") and path.endswith("/stream")) or path.startswith("/firehose/")


def _is_invalid(asked: Asked, seen: Seen | None) -> bool:
    """Whether the client's handshake breaks a rule of RFC 6455 4.1, or the load balancer made it break one."""
    sent = asked.sent
    if asked.version == "2":
        # Of what RFC 6455 demands, an extended CONNECT keeps the version (RFC 8441 5).
        if values(sent, "sec-websocket-version") != ["13"]:
            return True
    elif asked.method != "GET" or asked.version < "1.1" or not asks(sent)[1] or any(broken(sent) for broken in _BROKEN):
        return True
    if seen is None or seen.version == "2":
        return False
    return all(asks(seen.headers)) and any(broken(seen.headers) for broken in _BROKEN)


_BROKEN: tuple[Callable[[Headers], bool], ...] = (
    lambda headers: len([host for host in values(headers, "host") if host]) != 1,
    lambda headers: [_is_nonce(key) for key in values(headers, "sec-websocket-key")] != [True],
    lambda headers: values(headers, "sec-websocket-version") != ["13"],
)
"""What a handshake's headers may break, by whoever wrote them."""


def _is_nonce(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _host(host: str | None) -> str | None:
    return None if host is None else host.lower().removesuffix(":80").removesuffix(":443")


def _listed(headers: Headers, name: str) -> list[str]:
    return [part.strip() for value in values(headers, name) for part in value.split(",") if part.strip()]


def _address(text: str) -> str:
    """An address without its port, in its shortest form."""
    bare = text.rpartition(":")[0] if text.startswith("[") or text.count(":") == 1 else text
    try:
        return str(ipaddress.ip_address(bare.strip("[]")))
    except ValueError:
        return bare
