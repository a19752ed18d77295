"""Takes the same replay done twice, gives what differs from one time to the next: that tells nothing about the load balancer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from wsanalyze.replay.model import Replayed

OUTCOME: Final = "outcome"
SENT: Final = "messages sent"
TEXT: Final = "text messages received"
BINARY: Final = "binary messages received"
CLOSE_CODE: Final = "close code"

_ALWAYS: Final = frozenset(
    {
        "age",
        "alt-svc",
        "cf-ray",
        "content-length",
        "date",
        "etag",
        "expires",
        "keep-alive",
        "last-modified",
        "nel",
        "report-to",
        "sec-websocket-accept",
        "server-timing",
        "set-cookie",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "x-amzn-trace-id",
        "x-envoy-upstream-service-time",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-response-time",
        "x-runtime",
        "x-varnish",
    }
)
"""Headers of the moment, of the body's framing, or of the key; what follows Sec-WebSocket-Accept is whether it is right."""
_AN_ID: Final = re.compile(
    r"(?:^|[-_])(?:request|trace|correlation|transaction|span|instance|session)[-_]?(?:id|index)$|^x-b3-"
)


Names = Mapping[str, frozenset[str]]
"""Names by the id of an exchange."""


@dataclass(frozen=True, slots=True)
class Volatile:
    """What is no difference in an exchange: headers, named in lower case, and other facts."""

    headers: Names = field(default_factory=dict)
    facts: Names = field(default_factory=dict)
    everywhere: frozenset[str] = frozenset()
    """Headers that tell nothing in any exchange."""

    def has_header(self, id_: str, name: str) -> bool:
        """Whether a header is of the moment: by its name, or by what was learned."""
        return (
            name in _ALWAYS
            or name in self.everywhere
            or name in self.headers.get(id_, ())
            or _AN_ID.search(name[-100:]) is not None
        )

    def has_fact(self, id_: str, name: str) -> bool:
        """Whether a fact is another one each time."""
        return name in self.facts.get(id_, ())


NOTHING_LEARNED: Final = Volatile()


def facts(replayed: Replayed) -> dict[str, object]:
    """What is compared of a replayed exchange besides its headers."""
    return {
        OUTCOME: (replayed.outcome, replayed.status, replayed.accept_valid),
        SENT: replayed.sent,
        TEXT: replayed.received_text,
        BINARY: replayed.received_binary,
        CLOSE_CODE: replayed.close_code,
    }


def learn(first: Iterable[Replayed], second: Iterable[Replayed]) -> Volatile:
    """What differs between two replays of the same exchanges. What was sent in one of them only tells nothing."""
    unlike: tuple[defaultdict[str, set[str]], ...] = (defaultdict(set), defaultdict(set))
    for one, other in _both(first, second):
        unlike[0][one.id] |= _unlike_headers(one, other)
        ours, theirs = facts(one), facts(other)
        unlike[1][one.id].update(name for name, value in ours.items() if value != theirs[name])
    headers, others = ({id_: frozenset(names) for id_, names in found.items() if names} for found in unlike)
    return Volatile(headers, others)


def _both(first: Iterable[Replayed], second: Iterable[Replayed]) -> Iterator[tuple[Replayed, Replayed]]:
    """The same exchange of both, repetitions in their order."""
    again: defaultdict[str, list[Replayed]] = defaultdict(list)
    for replayed in second:
        again[replayed.id].append(replayed)
    partners = {id_: iter(found) for id_, found in again.items()}
    for replayed in first:
        other = next(partners.get(replayed.id, iter(())), None)
        if other is not None and replayed.outcome is not None and other.outcome is not None:
            yield replayed, other


def _unlike_headers(one: Replayed, other: Replayed) -> set[str]:
    found: list[dict[str, list[str]]] = []
    for replayed in (one, other):
        lines: dict[str, list[str]] = {}
        for name, value in replayed.headers:
            lines.setdefault(name.lower(), []).append(value)
        found.append(lines)
    return {name for name in {*found[0], *found[1]} if found[0].get(name) != found[1].get(name)}
