"""Takes the pairing and what is judged, gives the requests and handshakes that both captures show: what rules on changes look at.

Only pairs that are sure are here: of a doubtful one nobody knows what the load balancer made of which request.
"""

from __future__ import annotations

import pandas as pd

from wsanalyze.pairing import Pairing
from wsanalyze.rules.context import Context
from wsanalyze.tables import Flags, Tables, chosen, equal


def carried(
    pairing: Pairing, handshakes: pd.DataFrame, requests: pd.DataFrame, front: Tables, back: Tables
) -> pd.DataFrame:
    """One row for each sure pair of a judged handshake or request, in the back's order.

    Columns: `front`, `back` (exchange numbers), `likely` (others were possible, or the order decided), `whole` (both requests'
    heads were captured to their ends), and of handshakes `handshake` (id), `verdict` and `detail`, which are absent for
    other requests.
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
    rows = rows.sort_values("back", kind="stable", ignore_index=True)
    return rows.assign(whole=whole(front, rows["front"]) & whole(back, rows["back"]))


def asked_in_front(context: Context) -> pd.DataFrame:
    """The handshakes that the front shows: `handshake` (id), `exchange`."""
    handshakes = context.handshakes
    asked = chosen(handshakes, handshakes["front_exchange"].notna(), "id", "front_exchange")
    return asked.set_axis(["handshake", "exchange"], axis=1).astype({"exchange": "int64"})


def of(tables: Tables, numbers: pd.Series, *names: str) -> pd.DataFrame:
    """These columns of the exchanges with these numbers, row by row as `numbers`, whose index they get."""
    return tables.rows("exchanges", numbers, *names).set_axis(numbers.index)


def column_of(tables: Tables, numbers: pd.Series, name: str) -> pd.Series:
    """One of these columns."""
    return pd.Series(tables.cells("exchanges", numbers, name), index=numbers.index)


def connections_of(tables: Tables, numbers: pd.Series, *names: str) -> pd.DataFrame:
    """These columns of the connections of the exchanges with these numbers, row by row as `numbers`."""
    belonging = tables.cells("exchanges", numbers, "connection")
    return tables.rows("connections", belonging, *names).set_axis(numbers.index)


def whole(tables: Tables, numbers: pd.Series) -> Flags:
    """Whether each request's head was captured to its end: only there an absent header is absent."""
    return equal(column_of(tables, numbers, "request_state"), "complete")
