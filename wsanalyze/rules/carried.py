"""Takes the pairing and what is judged, gives the requests and handshakes that both captures show: what rules on changes look at.

Only pairs that are sure are here: of a doubtful one nobody knows what the load balancer made of which request.
"""

from __future__ import annotations

import pandas as pd

from wsanalyze.pairing import Pairing
from wsanalyze.tables import Tables


def carried(pairing: Pairing, handshakes: pd.DataFrame, requests: pd.DataFrame) -> pd.DataFrame:
    """One row for each sure pair of a judged handshake or request, in the back's order.

    Columns: `front`, `back` (exchange numbers), `likely` (others were possible, or the order decided), and of handshakes
    `handshake` (id), `verdict` and `detail`, which are absent for other requests.
    """
    sure = pairing.pairs.loc[~pairing.pairs["doubtful"].to_numpy(bool), ["front", "back", "likely"]]
    named = {"front_exchange": "front", "back_exchange": "back", "id": "handshake"}
    asked = handshakes[[*named, "verdict", "detail"]].rename(columns=named).dropna(subset=["front", "back"])
    asked = sure.merge(asked.astype({"front": "int64", "back": "int64"}), on=["front", "back"])
    others = sure[sure["back"].isin(requests["exchange"].astype("int64")).to_numpy(bool)]
    # What two fronts share belongs to neither for sure.
    others = others[~others["back"].duplicated(keep=False)]
    columns = {"handshake": None, "verdict": None, "detail": None}
    rows = pd.concat([asked, others.assign(**columns)], ignore_index=True) if len(asked) else others.assign(**columns)
    return rows.sort_values("back", kind="stable", ignore_index=True)


def of(tables: Tables, numbers: pd.Series, *names: str) -> pd.DataFrame:
    """These columns of the exchanges with these numbers, row by row as `numbers`, whose index they get."""
    exchanges = tables.exchanges
    places = pd.Index(exchanges["exchange"].to_numpy("int64")).get_indexer(pd.Index(numbers.to_numpy("int64")))
    chosen: pd.DataFrame = exchanges[list(names)].take(places)
    return chosen.set_axis(numbers.index)


def connections_of(tables: Tables, numbers: pd.Series, *names: str) -> pd.DataFrame:
    """These columns of the connections of the exchanges with these numbers, row by row as `numbers`."""
    connections = tables.connections
    belonging = of(tables, numbers, "connection")["connection"].to_numpy("int64")
    places = pd.Index(connections["connection"].to_numpy("int64")).get_indexer(pd.Index(belonging))
    chosen: pd.DataFrame = connections[list(names)].take(places)
    return chosen.set_axis(numbers.index)


def whole(tables: Tables, numbers: pd.Series) -> pd.Series:
    """Whether each request's head was captured to its end: only there an absent header is absent."""
    return of(tables, numbers, "request_state")["request_state"].eq("complete")
