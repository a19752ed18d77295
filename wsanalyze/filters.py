"""Takes an analysis' rows, gives those that a user asks for: by port, by host, by time.

What is left out was judged all the same: verdicts, findings and their ids are those of the whole captures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.pairing import Pairing
from wsanalyze.pairing.clock import NEVER
from wsanalyze.pairing.prepare import times
from wsanalyze.rules.finding import Evidence
from wsanalyze.tables import Flags, Tables

_RELATIVE = re.compile(r"([+-])(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}

_MAX = 1 << 62
"""Nanoseconds; no capture goes on for longer, and 64 bits hold its sum with any time of this century."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: nanoseconds since the epoch, or from the beginning (`+`) or the end (`-`) of the front's captures."""

    nanoseconds: int
    relative: str = ""

    @classmethod
    def of(cls, text: str) -> Moment:
        """From `2026-11-28T00:30:00Z`, with UTC where no zone is named; `+90s`; `-5m`. Raises ValueError for anything else."""
        match = _RELATIVE.fullmatch(text.strip())
        if match:
            sign, amount, unit = match.groups()
            nanoseconds = float(amount) * _UNITS[unit]
            if nanoseconds > _MAX:
                raise ValueError(text)
            return cls(round(nanoseconds), sign)
        if not re.match(r"\s*\d{4}-\d\d", text):
            raise ValueError(text)
        moment = pd.Timestamp(text.strip())
        utc = moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")
        return cls(int(utc.as_unit("ns").value))

    def on(self, first: int, last: int) -> int:
        """As nanoseconds since the epoch, in captures that go from `first` to `last`."""
        return {"+": first + self.nanoseconds, "-": last - self.nanoseconds}.get(self.relative, self.nanoseconds)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; where nothing is named, everything."""

    ports: Collection[int] = ()
    """TCP ports on which the load balancer or the router was asked."""
    hosts: Collection[str] = ()
    """Host names, `*` stands for anything; TLS that cannot be read goes by its server name."""
    since: Moment | None = None
    until: Moment | None = None

    def __bool__(self) -> bool:
        return bool(self.ports or self.hosts or self.since or self.until)

    def named(self, host: object) -> bool:
        """Whether a host is one of those asked for."""
        if not isinstance(host, str):
            return False
        name = host.lower()
        bare = name if name.endswith("]") else re.sub(r":\d+$", "", name)
        # Brackets are those of IPv6 addresses.
        patterns = [pattern.lower().replace("[", "[[]") for pattern in self.hosts]
        return any(fnmatchcase(one, pattern) for pattern in patterns for one in (name, bare))


class Selection:
    """The rows of one analysis that a filter asks for."""

    def __init__(self, asked: Filter, pairs: Pairing, front: Tables, back: Tables) -> None:
        """`pairs` join the exchanges of the tables."""
        self._asked, self._pairs, self._tables = asked, pairs, {"front": front, "back": back}
        spans = [times(front.captures[name]) for name in ("first", "last")]
        known = [moments[moments != NEVER] for moments in spans]
        first, last = (int(known[0].min()), int(known[1].max())) if len(known[0]) else (0, 0)
        self._since = asked.since.on(first, last) if asked.since else None
        self._until = asked.until.on(first, last) if asked.until else None

    def _in_time(self, moments: npt.NDArray[np.int64]) -> Flags:
        inside = np.ones(len(moments), bool)
        if self._since is not None:
            inside &= moments >= self._since
        if self._until is not None:
            inside &= (moments <= self._until) & (moments != NEVER)
        return inside

    def handshakes(self, rows: pd.DataFrame) -> Flags:
        """Which of the judged handshakes are asked for; the columns are those of `Analysis.handshakes`."""
        kept = self._in_time(times(rows["time"])) if len(rows) else np.zeros(0, bool)
        if self._asked.hosts:
            names = self._tables["front"].connections.set_index("connection")["tls_sni"]
            sealed = (
                rows["front_connection"].map(names).where(rows["front_exchange"].isna() & rows["back_exchange"].isna())
            )
            kept &= np.array(
                [
                    any(map(self._asked.named, hosts))
                    for hosts in zip(rows["host"], rows["back_host"], sealed, strict=True)
                ],
                bool,
            )
        if self._asked.ports:
            kept &= np.array(
                [
                    any(_port(end) in self._asked.ports for end in ends)
                    for ends in zip(rows["lb_front"], rows["router"], strict=True)
                ],
                bool,
            )
        return kept

    @cached_property
    def _exchanges(self) -> dict[str, frozenset[int]]:
        """The exchanges of each side that are asked for."""
        rows = {"front": self._pairs.front, "back": self._pairs.back}
        fits = {}
        for side, exchanges in rows.items():
            began = np.where(exchanges["began"] == NEVER, exchanges["answer"], exchanges["began"]).astype(np.int64)
            moved = np.where(began == NEVER, NEVER, began - (self._pairs.clock.rough if side == "back" else 0))
            fits[side] = pd.DataFrame(
                {
                    "time": self._in_time(moved),
                    "host": [not self._asked.hosts or self._asked.named(host) for host in exchanges["host"]],
                    "port": exchanges["server_port"].isin(self._asked.ports).to_numpy(bool) | (not self._asked.ports),
                },
                index=exchanges["exchange"].to_numpy(),
            )
        joined = self._pairs.pairs[["front", "back"]]
        front, back = (fits[side].reindex(joined[side].to_numpy()).to_numpy(bool) for side in ("front", "back"))
        either = pd.DataFrame(front | back, columns=["time", "host", "port"]).assign(time=front[:, 0])
        for side, table in fits.items():
            of_pairs = either.groupby(joined[side].to_numpy()).any()
            table.loc[of_pairs.index, ["time", "host", "port"]] = of_pairs.to_numpy(bool)
        return {side: frozenset(table.index[table.all(axis=1).to_numpy(bool)]) for side, table in fits.items()}

    def requests(self, side: str, numbers: pd.Series) -> Flags:
        """Which of these exchanges of a side are asked for."""
        return numbers.isin(self._exchanges[side]).to_numpy(bool)

    def evidence(self, handshakes: Collection[str]) -> Callable[[Evidence], bool]:
        """Tells whether an instance of a finding is asked for; `handshakes` are the ids of those that are."""
        shown: dict[str, set[int]] = {}
        known: dict[str, set[int]] = {}
        for side, tables in self._tables.items():
            frames = tables.exchanges[["exchange", "request_frames"]].dropna().explode("request_frames")
            known[side] = set(frames["request_frames"].astype("int64"))
            shown[side] = set(frames.loc[self.requests(side, frames["exchange"]), "request_frames"].astype("int64"))

        def kept(evidence: Evidence) -> bool:
            if evidence.handshake is not None:
                return evidence.handshake in handshakes
            of_requests = known[evidence.side].intersection(evidence.frames)
            # What is said of files and connections limits everything.
            return not of_requests or bool(of_requests & shown[evidence.side])

        return kept


def _port(end: object) -> int | None:
    return int(end.rpartition(":")[2]) if isinstance(end, str) else None
