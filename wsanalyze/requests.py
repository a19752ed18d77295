"""Takes the exchanges and the judged handshakes, gives the other requests: those that are judged, and how many there are.

A stripped handshake is a handshake; health checks and the load balancer's own requests are nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wsanalyze.box import GOROUTER
from wsanalyze.filters import Selection
from wsanalyze.pairing import Pairing
from wsanalyze.pairing.own import checks
from wsanalyze.rules.context import Context
from wsanalyze.rules.forwarded import lacks
from wsanalyze.tables import Flags, Tables, chosen, equal


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


_TOLD = (
    *("exchange", "connection", "request_frames", "method", "host", "target"),
    *("x_forwarded_for", "x_forwarded_proto", "forwarded"),
)
"""Columns of the judged requests that rules look at."""


def behind_box(pairs: Pairing, handshakes: pd.DataFrame, back: Tables, front: Tables) -> pd.DataFrame:
    """The back's requests that are judged: whole, no handshakes, nobody's health checks."""
    exchanges = back.exchanges
    asked = handshakes["back_exchange"].dropna().to_numpy(np.int64)
    others = [*asked.tolist(), *_of_handshakes(pairs, handshakes).tolist(), *pairs.own]
    ordinary = equal(exchanges["request_state"], "complete") & ~exchanges["exchange"].isin(others).to_numpy(bool)
    ordinary &= ~back.once(checks)
    judged = chosen(exchanges, ordinary, *_TOLD)
    servers = back.rows("connections", judged["connection"], "server_port")["server_port"]
    partner = pairs.pairs.drop_duplicates("back").set_index("back")["front"].reindex(judged["exchange"]).fillna(-1)
    front_port = pairs.front["server_port"].reindex(partner.astype(int)).to_numpy()
    if np.isnan(front_port.astype(float)).all() and front.connections["server_port"].nunique() == 1:
        front_port = np.full(len(judged), front.connections["server_port"].iloc[0])
    return judged.assign(back_port=servers.to_numpy(np.int64), front_port=front_port)


def in_front(handshakes: pd.DataFrame, front: Tables) -> pd.DataFrame:
    """The front's requests that are judged, where they reach a Gorouter there: whole, no handshakes, nobody's health checks."""
    whole = equal(front.exchanges["request_state"], "complete")
    judged = chosen(front.exchanges, _ordinary(handshakes, front) & whole, *_TOLD)
    ports = front.rows("connections", judged["connection"], "server_port")["server_port"]
    return judged.assign(front_port=ports.to_numpy(np.int64), back_port=np.nan)


def _ordinary(handshakes: pd.DataFrame, front: Tables) -> np.ndarray:
    """Whether each of the front's exchanges is a request, no handshake and nobody's health check."""
    exchanges = front.exchanges
    asked = exchanges["request_state"].notna() & ~exchanges["exchange"].isin(handshakes["front_exchange"].dropna())
    ordinary: Flags = asked.to_numpy(bool) & ~front.once(checks)
    return ordinary


def _of_handshakes(pairs: Pairing, handshakes: pd.DataFrame) -> pd.Series:
    """Back exchanges that carried a handshake, also those of other tries."""
    mine = pairs.pairs["front"].isin(handshakes["front_exchange"].dropna())
    found: pd.Series = pairs.pairs.loc[mine, "back"]
    return found


def count(
    pairs: Pairing,
    handshakes: pd.DataFrame,
    front: Tables,
    behind: pd.DataFrame,
    context: Context,
    selection: Selection | None,
) -> RequestCounts:
    """How many there are; `behind` are those of the back, `selection` chooses which are told."""
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


def unpaired(pairs: Pairing, selection: Selection | None) -> dict[str, int]:
    """`front` and `back`: exchanges that found no partner."""
    sure = pairs.pairs[~pairs.pairs["doubtful"]]
    alone = {
        "front": pairs.front.loc[~pairs.front["exchange"].isin(sure["front"]), "exchange"],
        "back": pairs.back.loc[~pairs.back["exchange"].isin(sure["back"]), "exchange"],
    }
    return {side: int(_asked(selection, side, exchanges).sum()) for side, exchanges in alone.items()}
