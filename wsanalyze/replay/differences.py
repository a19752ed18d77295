"""Takes an exchange as captured and as replayed, gives what one answer has and the other has not, fact by fact.

Only some of it tells of another outcome, and counts: who answers, and with what decoration, is told and does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from wsanalyze.replay import volatile
from wsanalyze.replay.fields import by_name, parsed
from wsanalyze.replay.model import ESTABLISHED, Captured, Replayed
from wsanalyze.replay.volatile import Volatile
from wsanalyze.rules.header_lists import elements, extensions

ROUTER_ERROR: Final = "x-cf-routererror"
_ABSENT: Final = ("", None)
MAX_LATER: Final = 64
"""Headers beyond those that count that are told of an answer: an answer may have any number of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that differs; None where it is absent."""

    what: str
    """A header's name, or what `volatile` calls the fact."""
    captured: str | None
    replayed: str | None
    counts: bool
    header: bool = False


def _as_it_is(value: str | None) -> object:
    return value


def _upgrades(value: str | None) -> object:
    """Whether the connection is upgraded: `keep-alive` and the like concern the next hop only (RFC 9110 7.6.1)."""
    return any(option.lower() == "upgrade" for option in elements(value))


def _protocols(value: str | None) -> object:
    return tuple(protocol.lower() for protocol in elements(value))


def _media_type(value: str | None) -> object:
    """Without its parameters (RFC 9110 8.3.1)."""
    return (value or "").partition(";")[0].strip().lower()


_COUNT: Final[Mapping[str, Callable[[str | None], object]]] = {
    ROUTER_ERROR: _as_it_is,
    "upgrade": _protocols,
    "connection": _upgrades,
    "location": _as_it_is,
    "www-authenticate": lambda value: next(elements(value, " "), "").lower(),
    "content-type": _media_type,
    "sec-websocket-protocol": _as_it_is,
    "sec-websocket-extensions": extensions,
    "sec-websocket-version": lambda value: tuple(elements(value)),
}
"""Headers that count, with the form in which they are compared."""
_OF_THE_HOP: Final = frozenset({"upgrade", "connection"})
"""Headers that HTTP/2 has not (RFC 9113 8.2.2)."""


def reference(captured: Captured) -> tuple[bytes | None, int | None]:
    """The answer that the replayed one is compared with, head and status: the router's own where it was captured.

    None for both where the load balancer accepted what the router did not: the router was asked something else then.
    """
    if captured.router_answer is None and captured.router_status is None:
        return captured.answer, captured.status
    if captured.verdict == "terminated" and captured.outcome == ESTABLISHED and not _accepts(captured):
        return None, None
    return captured.router_answer, captured.router_status


def _accepts(captured: Captured) -> bool:
    """Whether the router accepted the handshake: in HTTP/2 by any 2xx (RFC 8441 5)."""
    status = captured.router_status or 0
    return status == 101 or ((captured.router_answer or b"").startswith(b":") and 200 <= status < 300)


def differences(captured: Captured, replayed: Replayed, learned: Volatile) -> tuple[Difference, ...]:
    """What differs, what counts first."""
    head, status = reference(captured)
    found: list[Difference] = []
    both_established = captured.outcome == replayed.outcome == ESTABLISHED
    if status is not None and replayed.status is not None and status != replayed.status and not both_established:
        found.append(Difference("status", str(status), str(replayed.status), counts=True))
    if head is not None and replayed.status is not None:
        found += _headers(captured, head, replayed, learned)
    if both_established and not replayed.interrupted:
        found += (one for one in _conversation(captured, replayed) if not learned.has_fact(captured.id, one.what))
    return tuple(sorted(found, key=lambda one: not one.counts))


def _headers(captured: Captured, head: bytes, replayed: Replayed, learned: Volatile) -> Iterator[Difference]:
    answer = parsed(head)
    before, after = by_name(answer.fields), by_name(replayed.headers)
    told = 0
    for lowered in sorted({*before, *after} - {""}, key=lambda name: (name not in _COUNT, name)):
        # The page of a refusal tells little; that of a request is what was asked for.
        form = None if captured.handshake and lowered == "content-type" else _COUNT.get(lowered)
        across = not answer.start and lowered in _OF_THE_HOP
        if across or lowered.startswith(":") or told == MAX_LATER or learned.has_header(captured.id, lowered):
            continue
        (_, then), (name, now) = before.get(lowered, _ABSENT), after.get(lowered, _ABSENT)
        if (form or _as_it_is)(then) != (form or _as_it_is)(now):
            told += form is None
            name = name or before[lowered][0]
            yield Difference(name, then, now, counts=form is not None, header=True)


def _conversation(captured: Captured, replayed: Replayed) -> Iterator[Difference]:
    """What was said on the WebSocket; not where the capture lacks some of it."""
    if captured.lost is None:
        for what, by_client, opcodes, now in (
            (volatile.SENT, True, (1, 2), replayed.sent),
            (volatile.TEXT, False, (1,), replayed.received_text),
            (volatile.BINARY, False, (2,), replayed.received_binary),
        ):
            # A message's first frame tells its kind, the others continue it (RFC 6455 5.4).
            then = sum(frame.by_client is by_client and frame.opcode in opcodes for frame in captured.frames)
            if then != now:
                yield Difference(what, str(then), str(now), counts=True)
    if None not in {captured.close_code, replayed.close_code} and captured.close_code != replayed.close_code:
        yield Difference(volatile.CLOSE_CODE, str(captured.close_code), str(replayed.close_code), counts=True)
