"""Takes tables that hold both legs of a box, gives the legs: told apart by the box's addresses, named or found in the traffic.

A box is who was asked and asks on: the same handshake or request comes to one of its addresses and leaves from one of them
for another machine. Where several boxes stand one behind the other, as a load balancer before a Gorouter, which is to be
judged cannot be found in the traffic.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from wsanalyze.pairing.clock import NEVER
from wsanalyze.pairing.prepare import last_forwarded, prepare, times
from wsanalyze.tables import Tables

_Link = tuple[str, str, str]
"""The address that a request came to, that from which it left, and whom it was sent to."""
RARE = 20
"""How many times more often the most frequent link is seen than one that is a coincidence."""
GOOD_PART = 4
"""A quarter: load balancers refuse or answer many handshakes themselves, and hand on some."""
SAMPLE = 100
"""Values of each server that stand on several connections, that are looked at: most of them show whose server it is."""
MAX_HOPS = 8
"""Connections with the same value that are looked at; more are one client that always asks the same."""


@dataclass(frozen=True, slots=True)
class Box:
    """A machine, or several that do the same, that is asked and asks on."""

    addresses: frozenset[str]
    seen: int
    """How many requests were seen on both of its legs."""
    behind: frozenset[str] = frozenset()
    """Addresses that it asks."""

    def options(self) -> str:
        """How it is named on the command line."""
        return " ".join(f"--lb {address}" for address in _sorted(self.addresses))


@dataclass(frozen=True, slots=True)
class Legs:
    """What belongs to which leg."""

    front: Tables
    back: Tables
    neither: int
    """Connections that have nothing to do with the box."""


def split(tables: Tables, addresses: Collection[str]) -> Legs:
    """The legs of the box with these addresses: what was opened to it, and what it opened to others."""
    connections = tables.connections
    asked, asking = (connections[f"{end}_address"].isin(addresses).to_numpy(bool) for end in ("server", "client"))
    return Legs(tables.only(asked & ~asking), tables.only(asking & ~asked), int((asked == asking).sum()))


def boxes(tables: Tables) -> list[Box]:
    """The boxes that the traffic shows, the one that is asked first before those behind it."""
    links = _links(tables)
    if not links:
        return _by_role(tables)
    counts: Counter[_Link] = Counter()
    for (link, _), count in links.items():
        counts[link] += count
    most = max(counts.values())
    # One link among hundreds is a coincidence; where only the order of time tells, a few among some are.
    sure = {link: count for link, count in counts.items() if count * (RARE if (link, True) in links else 2) >= most}
    parts: list[set[str]] = []
    for outer, inner, _ in sure:
        joined = {outer, inner}.union(*(part for part in parts if part & {outer, inner}))
        parts = [*(part for part in parts if not part & joined), joined]
    found = [
        Box(
            frozenset(part),
            sum(count for (outer, _, _), count in sure.items() if outer in part),
            frozenset(behind for outer, _, behind in sure if outer in part),
        )
        for part in parts
    ]
    return sorted(found, key=lambda box: sum(bool(other.behind & box.addresses) for other in found))


def are_several(tables: Tables) -> bool:
    """Whether more than one leg is in what should be one: handshakes that stand to different servers, and a box between.

    A client can make it look so for its own handshakes, so that it has to be so for a good part of all.
    """
    exchanges = tables.exchanges
    keys = exchanges["expected_accept_hash"].fillna(exchanges["accept_hash"])
    # Most often nothing stands twice, and there is no more to look at.
    if not keys.dropna().duplicated().any():
        return False
    servers = tables.rows("connections", exchanges["connection"], "server_address")["server_address"]
    seen = pd.DataFrame({"key": keys, "server": servers.to_numpy(object)}).dropna().drop_duplicates()
    twice = int((seen["key"].value_counts() > 1).sum())
    return twice * GOOD_PART >= max(1, seen["key"].nunique()) and any(named for _, named in _links(tables))


def outer(tables: Tables) -> Tables:
    """What came to the boxes that the traffic shows, or has nothing to do with them: without what they opened."""
    return tables.only(~tables.connections["client_address"].isin(spread(boxes(tables))).to_numpy(bool))


def abreast(found: Sequence[Box]) -> bool:
    """Whether none of these boxes stands behind another."""
    return spread(found).isdisjoint(frozenset().union(*(box.behind for box in found)))


def normal(address: str) -> str:
    """An address as the tables write it. Raises ValueError for what is none."""
    return str(ipaddress.ip_address(address.strip().strip("[]")))


def _sorted(addresses: Collection[str]) -> list[str]:
    return sorted(addresses, key=lambda address: (":" in address, [int(part, 16) for part in address.replace(".", ":").split(":") if part]))  # fmt: skip


def _by_role(tables: Tables) -> list[Box]:
    """Who both answers and asks, where no request shows it: layer 4 that nobody can read, or nothing was passed on."""
    connections = tables.connections
    there = connections[connections["opened"] == "established"]
    asked, asking = there["server_address"], there["client_address"]
    both = set(asked) & set(asking)
    behind = there[asking.isin(both)].groupby("client_address")["server_address"].agg(frozenset)
    return [Box(frozenset({one}), 0, behind[one]) for one in sorted(both)]


def _links(tables: Tables) -> Counter[tuple[_Link, bool]]:
    """How many requests were passed on, and whether addresses tell it, or the order of time only."""
    for rows, by in _carried(tables):
        twice = rows[rows.duplicated(by, keep=False).to_numpy(bool)]
        sample = twice.drop_duplicates([by, "server_address"]).groupby("server_address", sort=False).head(SAMPLE)[by]
        looked_at = twice[twice[by].isin(sample).to_numpy(bool)]
        groups = [group for _, group in looked_at.groupby(by, sort=False) if len(group) <= MAX_HOPS]
        found = [link for group in groups for link in _hops(group)]
        if found:
            return Counter(found)
    return Counter()


def _carried(tables: Tables) -> Iterator[tuple[pd.DataFrame, str]]:
    """What may be passed on, by the column that tells it: handshakes, other requests; where none is seen, TLS by its ClientHello."""
    rows = prepare(tables)
    there = rows[(rows["began"] != NEVER).to_numpy(bool)]
    for by in ("identity", "content"):
        yield there[(there[by] != 0).to_numpy(bool)], by
    hellos = tables.connections.dropna(subset=["tls_client_random"])
    yield (
        hellos.assign(
            hello=hellos["tls_client_random"].astype(object),
            x_forwarded_for=None,
            began=times(hellos["first"]),
            over=times(hellos["last"]),
        ),
        "hello",
    )


@dataclass(frozen=True, slots=True)
class _Way:
    """One exchange or connection, as far as it tells where it went."""

    client: str
    server: str
    forwarded: str | None
    """Whom X-Forwarded-For names last."""
    began: int
    over: int


def _hops(group: pd.DataFrame) -> Iterator[tuple[_Link, bool]]:
    """The links between those that carry the same value: each to the one that it was passed on in."""
    columns = (group[name] for name in ("client_address", "server_address", "x_forwarded_for", "began", "over"))
    ways = [_Way(client, server, last_forwarded(named), *moments) for client, server, named, *moments in zip(*columns, strict=True)]  # fmt: skip
    ways.sort(key=lambda way: way.began)
    after = {at: later for at in range(len(ways)) if (later := _passed_on(ways, at)) is not None}
    chains = [_chain(ways, after, at) for at in range(len(ways)) if at not in after.values()]
    for at, later in after.items():
        yield (ways[at].server, ways[later].client, ways[later].server), True
    # Where nothing names anybody, the order of time is left: what came next while this was under way.
    for chain in chains:
        last = chain[-1]
        known = {end for way in chain for end in (way.client, way.server)}
        for other in chains:
            first, ends = other[0], {end for way in other for end in (way.client, way.server)}
            if not known & ends and first.forwarded is None and last.began <= first.began <= last.over:
                yield (last.server, first.client, first.server), False
                break


def _passed_on(ways: Sequence[_Way], at: int) -> int | None:
    """In which of the others this one was passed on, as addresses or X-Forwarded-For tell."""
    one = ways[at]
    for later, other in enumerate(ways):
        if one.client == other.client or other.server in {one.server, one.client}:
            continue
        if one.server == other.client or other.forwarded == one.client:
            return later
    return None


def _chain(ways: Sequence[_Way], after: dict[int, int], at: int) -> list[_Way]:
    """One after the other, from this one on."""
    found = [at]
    while (following := after.get(found[-1])) is not None and following not in found:
        found.append(following)
    return [ways[index] for index in found]


def spread(found: Sequence[Box]) -> frozenset[str]:
    """All addresses of boxes that stand abreast."""
    return frozenset().union(*(box.addresses for box in found))
