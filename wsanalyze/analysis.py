"""The whole way of the data on one page: captures → tables → sides → pairs → verdicts → findings → `Analysis`.

Takes captures, gives what the load balancer did and how that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wsanalyze import capture, requests, rules, verdicts
from wsanalyze.box import GOROUTER, Box, recognise
from wsanalyze.capture import Source
from wsanalyze.filters import Filter, Selection
from wsanalyze.limits import limits
from wsanalyze.pairing import legs, orientation
from wsanalyze.requests import RequestCounts
from wsanalyze.rules.carried import carried
from wsanalyze.rules.context import Context
from wsanalyze.rules.finding import Finding
from wsanalyze.sides import sides
from wsanalyze.tables import Tables
from wsanalyze.verdicts.replayed import undecided

WEB_PORTS = (80, 443)
"""Ports on which the platform requires X-Forwarded-For and X-Forwarded-Proto."""


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Back minus front, as an interval in seconds; null where nothing bounds it or the pairs contradict each other."""

    low: float | None
    high: float | None
    pairs: int


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
    front, back, pairs, said = orientation.paired(front, back, clock_offset=clock_offset)
    box = box or recognise(front, back, pairs.pairs)
    handshakes = verdicts.judge(pairs, front, back, box)
    behind = requests.behind_box(pairs, handshakes, back, front)
    accused = handshakes
    if back.was_captured_apart_from(front):
        # What a replay sent says nothing of the load balancer.
        handshakes = undecided(handshakes, front, back)
        accused, behind = handshakes.iloc[:0], behind.iloc[:0]
    both = carried(pairs, accused, behind, front, back)
    judged = requests.in_front(accused, front) if box == GOROUTER else behind
    context = Context(accused, judged, both, front, back, pairs, web_ports, box)
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
        requests=requests.count(pairs, handshakes, front, behind, context, selection),
        unpaired=requests.unpaired(pairs, selection),
        problems=(*problems, *said, *limits(pairs, front, back)),
        box=box,
        left_out=int((~shown).sum()) if selection else None,
    )
