"""Takes both sides' tables and their pairs, gives which box is judged; takes words about a load balancer, gives them for that box.

Usually a load balancer stands between the captures. Where they were taken on a Gorouter, with the load balancer in front of it and
the app behind it, the Gorouter is judged, and what is said of "the router" behind a load balancer holds for the app.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

import pandas as pd

from wsanalyze.pairing.prepare import last_forwarded
from wsanalyze.tables import Tables, equal

Box = Literal["load-balancer", "gorouter"]
LOAD_BALANCER: Final = "load-balancer"
GOROUTER: Final = "gorouter"

SEVERAL = 2
"""Pairs that have to bear a Gorouter's marks: one may be somebody's experiment."""
ENOUGH = 1000
"""Pairs whose heads are looked at: where so many agree, more would say the same."""

_OWN: Final = frozenset({b"x-cf-applicationid", b"x-cf-instanceid", b"x-vcap-request-id"})
"""Headers that a Gorouter puts on each request to an app, over whatever came in (cloudfoundry/gorouter)."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the three ends are called where somebody is named as the one who did something."""

    client: tuple[str, ...]
    """Who may have done what is seen on the front: a load balancer in front of a Gorouter is its client, and may act for others."""
    itself: str
    router: str


NAMES: Final[dict[Box, Names]] = {
    LOAD_BALANCER: Names(("client",), "load balancer", "router"),
    GOROUTER: Names(("client", "load balancer"), "Gorouter", "app"),
}

# Neither a placeholder nor part of a name such as `router-unreachable`.
_SPOKEN = re.compile(r"\b(a )?(?<![{-])(load balancer|router)(s?)\b(?![}-])", re.IGNORECASE)


def worded(text: str, box: Box) -> str:
    """A text of this program on a load balancer and its routers, as it reads for this box.

    Only for what stands in this program: what was captured is evidence, and stays as it is.
    """
    if box == LOAD_BALANCER:
        return text
    names = NAMES[box]

    def spoken(match: re.Match[str]) -> str:
        article, noun, plural = match.groups()
        name = names.router if noun.lower() == "router" else names.itself
        if not article:
            return f"{name[0].upper() if noun[0].isupper() else name[0]}{name[1:]}{plural}"
        indefinite = "an" if name[0] in "aeiou" else "a"
        return f"{indefinite.capitalize() if article[0].isupper() else indefinite} {name}{plural}"

    return _SPOKEN.sub(spoken, text)


def named(who: str, box: Box) -> str:
    """Who did something: `client`, `load balancer`, `router`, or several joined by ` or `, as they are called around this box."""
    names = NAMES[box]
    called = {"client": names.client, "load balancer": (names.itself,), "router": (names.router,)}
    told = [name for one in who.split(" or ") for name in called[one]]
    return " or ".join(filter(None, (", ".join(told[:-1]), told[-1])))


def received_on(box: Box) -> Literal["front", "back"]:
    """The side on which a Gorouter is reached: there it is seen what it was told of the clients."""
    return "front" if box == GOROUTER else "back"


def recognise(front: Tables, back: Tables, pairs: pd.DataFrame) -> Box:
    """Which box carried the requests: a Gorouter where several pairs bear its marks and none contradicts, else a load balancer.

    A Gorouter adds headers of its own to what it sends to an app, and X-Vcap-Request-Id to what the app answers. A load balancer
    gets neither from its clients, and hands on the X-Vcap-Request-Id of the router's answers.
    """
    sure = pairs.loc[~(pairs["doubtful"] | pairs["likely"]).to_numpy(bool), ["front", "back"]].drop_duplicates("back")
    ours, theirs = (
        tables.rows("exchanges", sure[side], *_LOOKED_AT) for side, tables in (("front", front), ("back", back))
    )
    if _skips_a_box(front, theirs, sure):
        return LOAD_BALANCER
    marks = 0
    for bears in _testimony(ours, theirs):
        if not bears:
            return LOAD_BALANCER
        marks += 1
    return GOROUTER if marks >= SEVERAL else LOAD_BALANCER


def _skips_a_box(front: Tables, theirs: pd.DataFrame, sure: pd.DataFrame) -> bool:
    """Whether X-Forwarded-For names others than the front's clients last: then another box stands between the captures as well."""
    last = theirs["x_forwarded_for"].map(last_forwarded).to_numpy(object)
    named = pd.notna(last)
    if not named.any():
        return False
    connections = front.rows("exchanges", sure["front"][named], "connection")["connection"]
    clients = front.rows("connections", connections, "client_address")["client_address"].to_numpy(object)
    return bool((last[named] != clients).all())


_LOOKED_AT = ("x_forwarded_for", "request_state", "request_head", "response_state", "x_vcap_request_id")


def _testimony(ours: pd.DataFrame, theirs: pd.DataFrame) -> Iterator[bool]:
    """For each pair that tells something, whether it bears a Gorouter's marks."""
    whole, answered = (
        equal(ours[state], "complete") & equal(theirs[state], "complete")
        for state in ("request_state", "response_state")
    )
    heads = whole & ours["request_head"].notna().to_numpy(bool) & theirs["request_head"].notna().to_numpy(bool)
    both = zip(ours.loc[heads, "request_head"], theirs.loc[heads, "request_head"], strict=True)
    yield from (_is_marked(one, other) for one, other in islice(both, ENOUGH))
    # The tables keep no heads of other requests: there the answers tell.
    others = answered & ~heads & ours["x_vcap_request_id"].notna().to_numpy(bool)
    given, got = (side.loc[others, "x_vcap_request_id"].fillna("") for side in (ours, theirs))
    yield from (given.to_numpy(object) != got.to_numpy(object)).tolist()


def _is_marked(sent: bytes, got: bytes) -> bool:
    """Whether a request left with headers of a Gorouter's own that it did not come with."""
    return bool(_own_headers(got) - _own_headers(sent))


def _own_headers(head: bytes) -> set[tuple[bytes, bytes]]:
    pairs = (line.partition(b":") for line in head.splitlines()[1:])
    return {(name.strip().lower(), value.strip()) for name, _, value in pairs if name.strip().lower() in _OWN}
