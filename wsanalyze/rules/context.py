"""What a rule sees, and what it gives.

Takes the judged handshakes and the tables, gives the means to make evidence of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.box import Box, received_on, worded
from wsanalyze.pairing import Pairing
from wsanalyze.rules.finding import Confidence, Evidence, Severity, Side
from wsanalyze.tables import Tables

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AtGorouter:
    """What a rule says where the judged box is a Gorouter."""

    advice: str
    """What who runs the platform has to change or to look at."""
    title: str | None = None
    """Null where the usual one holds, in the words for a Gorouter."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding that has no number yet; its words are those for a load balancer."""

    severity: Severity
    title: str
    advice: str
    evidence: tuple[Evidence, ...] = field(default=())
    confidence: Confidence = "certain"
    about: str | None = None
    """What was captured and belongs to the title, such as a header's value."""
    at_gorouter: str | None = None
    """Advice on this problem at a Gorouter; null where the rule's holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Everything that a rule may look at."""

    handshakes: pd.DataFrame
    requests: pd.DataFrame
    """The other requests that reached the platform's router and can be judged: columns of `schema.EXCHANGES` of the side
    `received_on` (exchange, connection, request_frames, method, host, target, x_forwarded_for, x_forwarded_proto, forwarded), and
    `front_port`, `back_port`."""
    carried: pd.DataFrame
    """The handshakes and requests that both captures show for sure, as `rules.carried` gives them."""
    front: Tables
    back: Tables
    pairing: Pairing
    web_ports: Collection[int]
    box: Box
    """Which box is judged."""

    _known: dict[Callable[[Context], Any], Any] = field(default_factory=dict, repr=False)

    def once(self, make: Callable[[Context], T]) -> T:
        """What `make` says of this context, worked out for the first rule that asks."""
        if make not in self._known:
            self._known[make] = make(self)
        known: T = self._known[make]
        return known

    def rows(self, which: npt.ArrayLike | None = None) -> Iterator[dict[str, Any]]:
        """The handshakes as `rows` gives them, made for the first rule that asks; those for which `which` holds."""
        known = self.once(_rows)
        return iter(known) if which is None else (known[place] for place in np.flatnonzero(np.asarray(which, bool)))

    @property
    def received_on(self) -> Side:
        """The side on which the platform's router, a Gorouter, is reached."""
        return received_on(self.box)

    def worded(self, text: str) -> str:
        """Words of a rule's own about a load balancer, as they read for the judged box."""
        return worded(text, self.box)

    def tables(self, side: Side) -> Tables:
        """The tables of this side."""
        return self.front if side == "front" else self.back


def on_side(row: dict[str, Any], note: str | None = None) -> tuple[Evidence, ...]:
    """A handshake as evidence: one instance, shown where its problem can be seen best."""
    side: Side = "back" if row["back_frames"] and (row["verdict"] == "stripped" or not row["front_frames"]) else "front"
    return (at(row, side, note),)


def at(row: dict[str, Any], side: Side, note: str | None = None) -> Evidence:
    """A handshake as evidence on this side."""
    prefix = "back_" if side == "back" else ""
    return Evidence(
        side=side,
        file=row[f"{side}_file"] or "",
        frames=tuple(row[f"{side}_frames"]),
        method=row["method"],
        host=row[f"{prefix}host"],
        target=row[f"{prefix}target"],
        note=note,
        handshake=row["id"],
    )


def rows(handshakes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Handshakes as dictionaries, absent values as None."""
    if not len(handshakes):
        return
    for record in handshakes.to_dict("records"):
        yield {str(key): _none(value) for key, value in record.items()}


def _rows(context: Context) -> list[dict[str, Any]]:
    return list(rows(context.handshakes))


def _none(value: Any) -> Any:
    return None if value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value) else value  # noqa: PLR0124


def text(value: Any) -> str | None:
    """A cell of a text column; None where it is absent."""
    return value if isinstance(value, str) else None
