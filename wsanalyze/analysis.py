"""The whole way of the data on one page: captures → tables → pairs → verdicts → findings → `Analysis`.

Takes two captures, gives what the load balancer did and how that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wsanalyze import capture, pairing, rules, verdicts
from wsanalyze.box import GOROUTER, Box, recognise
from wsanalyze.capture import Source
from wsanalyze.completeness import sealed
from wsanalyze.filters import Filter, Selection
from wsanalyze.pairing import Pairing, alignment, legs
from wsanalyze.pairing.own import is_health_check
from wsanalyze.rules.carried import carried
from wsanalyze.rules.context import Context
from wsanalyze.rules.finding import Finding
from wsanalyze.rules.forwarded import lacks
from wsanalyze.sides import sides
from wsanalyze.tables import Tables

WEB_PORTS = (80, 443)
"""Ports on which the platform requires X-Forwarded-For and X-Forwarded-Proto."""


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Back minus front, as an interval in seconds; null where nothing bounds it or the pairs contradict each other."""

    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """The requests that are not handshakes, counted."""

    total: int
    """Distinct requests seen on either side; health checks and the load balancer's own apart."""
    judged: int
    """Of those that reached the platform's router, how many could be looked at."""
    paired: int
    missing_x_forwarded_for: int
    missing_x_forwarded_proto: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the captures tell."""

    front: Tables
    back: Tables
    clock_offset: ClockOffset
    handshakes: pd.DataFrame
    """One row a handshake, in order of time. Columns:
    id, method, host, back_host, target, back_target, key, http_version, client, lb_front, lb_back, router (`address:port`),
    verdict, detail, mode, confidence, reason, outcome, ended_by, front_status, back_status, pairing, front_file, front_frames,
    back_file, back_frames, changes (list of header, front, back), close_code, closed_by, messages_client, messages_server,
    duration_s, stream, tries (how often it was seen on the back), retried_without (once without the upgrade),
    findings (ids), time (UTC, on the front's clock), and front_exchange, back_exchange, front_connection,
    back_connection (rows of the tables). Absent values are null."""
    findings: tuple[Finding, ...]
    requests: RequestCounts
    unpaired: dict[str, int]
    """`front` and `back`: exchanges that found no partner."""
    problems: tuple[tuple[str, str], ...]
    """What limits this analysis beyond what stands in the captures' own rows: the side, and a sentence."""
    box: Box
    """Which box stands between the captures, and is judged."""
    left_out: int | None = None
    """How many handshakes a filter left out; null without a filter."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits this analysis, one sentence each."""
        return tuple(dict.fromkeys(sentence for _, sentence in self.problems))

    def notes_of(self, side: str) -> tuple[str, ...]:
        """What limits this analysis and has to do with this side."""
        return tuple(sentence for where, sentence in self.problems if where == side)


def analyze(
    front: Source | Sequence[Source],
    back: Source | Sequence[Source] | None = None,
    *,
    lb: Collection[str] = (),
    web_ports: Collection[int] = WEB_PORTS,
    clock_offset: float | None = None,
    key_logs: Sequence[Source] = (),
    only: Filter | None = None,
    box: Box | None = None,
    progress: Callable[[float], None] | None = None,
) -> Analysis:
    """Read the captures of both sides and judge what the load balancer did.

    Either side may be a file, a directory, a pattern, or several of them. Without `back`, `front` holds both legs; `lb` are the
    addresses of the box that is judged, which tell the legs apart (otherwise they are looked for in the traffic).
    `clock_offset` (seconds, back minus front) overrides what the pairs tell of the clocks; `key_logs` are files of TLS secrets, as
    SSLKEYLOGFILE names them, that decrypt either side; `only` chooses what is told of the result; `box` says
    which box is judged where its marks do not; `progress` is told the fraction of
    the bytes that have been read. Raises CaptureError where a file cannot be read at all, or where the legs cannot be told apart;
    ValueError where `lb` holds what is no IP address.
    """
    named = [capture.names_of(side) for side in (front, back) if side is not None]
    addresses = frozenset(map(legs.normal, lb))
    found = sides(capture.read(named, progress, key_logs=key_logs), addresses)
    return judge(
        found.front,
        found.back,
        web_ports=web_ports,
        clock_offset=clock_offset,
        only=only,
        box=box,
        problems=found.problems,
    )


def judge(
    front: Tables,
    back: Tables,
    *,
    web_ports: Collection[int] = WEB_PORTS,
    clock_offset: float | None = None,
    only: Filter | None = None,
    box: Box | None = None,
    problems: tuple[tuple[str, str], ...] = (),
) -> Analysis:
    """Judge tables that have been read; `only` chooses what is told of it, `problems` are what limits them."""
    clocks: alignment.Said = ()
    if clock_offset is None and alignment.is_several(front, back):
        front, back, clocks = alignment.align(front, back)
    pairs = pairing.pair(front, back, clock_offset=clock_offset)
    if clock_offset is None and pairs.clock.contradictory and not clocks:
        front, back, clocks = alignment.align(front, back)
        pairs = pairing.pair(front, back) if clocks else pairs
    if pairs.clock.exchanged and clock_offset is None:
        turned = pairing.pair(back, front)
        if not turned.clock.exchanged:
            front, back, pairs = back, front, turned
            problems = (*problems, *_exchanged(front, back))
    box = box or recognise(front, back, pairs.pairs)
    handshakes = verdicts.judge(pairs, front, back, box)
    behind = _requests(pairs, handshakes, back, front)
    both = carried(pairs, handshakes, behind)
    requests = _in_front(handshakes, front) if box == GOROUTER else behind
    context = Context(handshakes, requests, both, front, back, pairs, web_ports, box)
    selection = Selection(only, pairs, front, back) if only else None
    shown = selection.handshakes(handshakes) if selection else np.ones(len(handshakes), bool)
    kept = selection.evidence(set(handshakes.loc[shown, "id"])) if selection else None
    findings = rules.apply(context, kept)
    handshakes.insert(list(handshakes).index("time"), "findings", rules.of_handshakes(findings, handshakes))
    return Analysis(
        front=front,
        back=back,
        clock_offset=ClockOffset(pairs.clock.low, pairs.clock.high, pairs.clock.pairs),
        handshakes=handshakes[shown].reset_index(drop=True),
        findings=findings,
        requests=_counts(pairs, handshakes, front, behind, context, selection),
        unpaired=_unpaired(pairs, selection),
        problems=(*problems, *clocks, *_problems(pairs, front, back)),
        box=box,
        left_out=int((~shown).sum()) if selection else None,
    )


def _requests(pairs: Pairing, handshakes: pd.DataFrame, back: Tables, front: Tables) -> pd.DataFrame:
    """The back's requests that are judged: whole, no handshakes, nobody's health checks."""
    exchanges = back.exchanges
    ordinary = (exchanges["request_state"] == "complete").to_numpy(bool)
    ordinary = ordinary & ~exchanges["exchange"].isin(handshakes["back_exchange"].dropna()).to_numpy(bool)
    ordinary = ordinary & ~exchanges["exchange"].isin(_of_handshakes(pairs, handshakes)).to_numpy(bool)
    ordinary = (
        ordinary & ~exchanges["exchange"].isin(pairs.own).to_numpy(bool) & ~is_health_check(exchanges["user_agent"])
    )
    chosen = exchanges[ordinary]
    servers = back.connections.set_index("connection")["server_port"]
    partner = pairs.pairs.drop_duplicates("back").set_index("back")["front"]
    front_port = (
        pairs.front["server_port"].reindex(partner.reindex(chosen["exchange"]).fillna(-1).astype(int)).to_numpy()
    )
    if np.isnan(front_port.astype(float)).all() and front.connections["server_port"].nunique() == 1:
        front_port = np.full(len(chosen), front.connections["server_port"].iloc[0])
    judged: pd.DataFrame = chosen.assign(
        back_port=servers.reindex(chosen["connection"]).to_numpy(np.int64), front_port=front_port
    )
    return judged


def _in_front(handshakes: pd.DataFrame, front: Tables) -> pd.DataFrame:
    """The front's requests that are judged, where they reach a Gorouter there: whole, no handshakes, nobody's health checks."""
    chosen = front.exchanges[
        _ordinary(handshakes, front) & (front.exchanges["request_state"] == "complete").to_numpy(bool)
    ]
    ports = front.connections.set_index("connection")["server_port"].reindex(chosen["connection"]).to_numpy(np.int64)
    return chosen.assign(front_port=ports, back_port=np.nan)


def _ordinary(handshakes: pd.DataFrame, front: Tables) -> np.ndarray:
    """Whether each of the front's exchanges is a request, no handshake and nobody's health check."""
    exchanges = front.exchanges
    asked = exchanges["request_state"].notna() & ~exchanges["exchange"].isin(handshakes["front_exchange"].dropna())
    ordinary: np.ndarray = asked.to_numpy(bool) & ~is_health_check(exchanges["user_agent"])
    return ordinary


def _of_handshakes(pairs: Pairing, handshakes: pd.DataFrame) -> pd.Series:
    """Back exchanges that carried a handshake, also those of other tries."""
    mine = pairs.pairs["front"].isin(handshakes["front_exchange"].dropna())
    found: pd.Series = pairs.pairs.loc[mine, "back"]
    return found


def _exchanged(front: Tables, back: Tables) -> tuple[tuple[str, str], ...]:
    """What to say where the captures were named in the wrong order."""
    text = (
        f"The captures were named in the wrong order: the requests in {back.frames.files[0]} lie within those in "
        f"{front.frames.files[0]}, which was taken for the front."
    )
    return ("front", text), ("back", text)


def _counts(
    pairs: Pairing,
    handshakes: pd.DataFrame,
    front: Tables,
    behind: pd.DataFrame,
    context: Context,
    selection: Selection | None,
) -> RequestCounts:
    judged, side = context.requests, "front" if context.box == GOROUTER else "back"
    seen = front.exchanges.loc[_ordinary(handshakes, front), "exchange"]
    seen = seen[_asked(selection, "front", seen)]
    partners = pairs.pairs[pairs.pairs["front"].isin(seen)]
    only_back = _asked(selection, "back", behind["exchange"]) & ~behind["exchange"].isin(partners["back"]).to_numpy(
        bool
    )
    shown = _asked(selection, side, judged["exchange"])
    return RequestCounts(
        total=len(seen) + int(only_back.sum()),
        judged=int(shown.sum()),
        paired=partners["front"].nunique(),
        missing_x_forwarded_for=int((shown & lacks(context, "x_forwarded_for")).sum()),
        missing_x_forwarded_proto=int((shown & lacks(context, "x_forwarded_proto")).sum()),
    )


def _asked(selection: Selection | None, side: str, exchanges: pd.Series) -> np.ndarray:
    """Which of these exchanges of a side are told of."""
    return selection.requests(side, exchanges) if selection else np.ones(len(exchanges), bool)


def _unpaired(pairs: Pairing, selection: Selection | None) -> dict[str, int]:
    sure = pairs.pairs[~pairs.pairs["doubtful"]]
    alone = {
        "front": pairs.front.loc[~pairs.front["exchange"].isin(sure["front"]), "exchange"],
        "back": pairs.back.loc[~pairs.back["exchange"].isin(sure["back"]), "exchange"],
    }
    return {side: int(_asked(selection, side, exchanges).sum()) for side, exchanges in alone.items()}


_UNREAD = {
    "no-key": "no key log that was given names them (--keylog FILE)",
    "wrong-key": "the keys that were given for them are not theirs",
    "unsupported-cipher": "their cipher suite is not one that can be decrypted here",
    "unsupported-version": "they speak a version before TLS 1.2, which is not decrypted here",
    "handshake-not-captured": "the TLS handshake, without which no key helps, is not in the capture",
    "client-only": "there is no key for what the servers sent",
    "server-only": "there is no key for what the clients sent",
}
"""Why TLS cannot be read, by `schema.CONNECTIONS`' tls_decryption."""


def _unread(connections: pd.DataFrame, side: str) -> Iterator[str]:
    """How many connections cannot be read, and why."""
    reasons = connections.loc[sealed(connections), "tls_decryption"].fillna("handshake-not-captured")
    for reason, count in reasons.value_counts().items():
        verb = "are" if count > 1 else "is"
        yield (
            f"{count} of the {len(connections)} {side} connections {verb} TLS that cannot be read: {_UNREAD[str(reason)]}."
        )


def _problems(pairs: Pairing, front: Tables, back: Tables) -> Iterator[tuple[str, str]]:
    for side, tables in (("front", front), ("back", back)):
        connections = tables.connections
        for reason in _unread(connections, side):
            yield side, reason
        if not tables.captures["packets"].sum():
            yield side, f"The {side} capture holds no packets."
        elif not tables.captures["segments"].sum():
            yield side, f"The {side} capture holds no TCP packets."
        if pairs.clock.exchanged:
            yield side, "The requests of the front lie within those of the back: the two captures seem to be exchanged."
        elif pairs.clock.contradictory:
            yield side, "The clocks of the two captures jumped or drifted apart: no single offset fits all pairs."
        if not pairs.clock.pairs and pairs.clock.low is None and len(pairs.front) and len(pairs.back):
            yield side, "No pair of exchanges tells how far the clocks of the captures differ."
