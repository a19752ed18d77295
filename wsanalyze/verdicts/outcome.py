"""Takes the chosen rows, gives what came of each handshake: outcome, who ended it, and how its WebSocket went."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.pairing.clock import Clock
from wsanalyze.tables import Flags, Tables


def outcomes(rows: pd.DataFrame) -> dict[str, npt.NDArray[np.object_]]:
    """`outcome` and `ended_by`: what the client got; null where the front does not tell."""
    waiting = rows["seen"] & (rows["f_status"] == 0) & ~rows["f_hidden"]
    outcome = np.full(len(rows), None, object)
    for holds, name in (
        (waiting, "no-answer"),
        (waiting & (rows["client_left"] | rows["lb_left"]), "reset"),
        (rows["f_status"] != 0, "refused"),
        (rows["f_101"], "established"),
    ):
        outcome[holds.to_numpy(bool)] = name
    ended_by = np.full(len(rows), None, object)
    for holds, name in ((waiting & rows["client_left"], "client"), (waiting & rows["lb_left"], "lb")):
        ended_by[holds.to_numpy(bool)] = name
    return {"outcome": outcome, "ended_by": ended_by}


def websockets(rows: pd.DataFrame, front: Tables, back: Tables) -> dict[str, pd.Series]:
    """close_code, closed_by, messages_client, messages_server, duration_s of established WebSockets."""
    ours, theirs = (_of(tables, rows[number]) for tables, number in ((front, "f_exchange"), (back, "b_exchange")))
    only_back = ~rows["seen"].to_numpy(bool)
    names = ("opened", "ended", "close_code", "client_messages", "server_messages")
    both = ours[list(names)]
    if only_back.any():
        both = pd.DataFrame({name: ours[name].where(~only_back, theirs[name]) for name in names})
    established = np.where(only_back, rows["b_101"], rows["f_101"]) & both["opened"].notna().to_numpy(bool)
    lasted = (both["ended"] - both["opened"]).dt.total_seconds()
    closed_by = pd.Series(_closed_by(rows, ours, theirs), dtype="object")
    return {
        "close_code": _numbers(both["close_code"], established),
        "messages_client": _numbers(both["client_messages"], established),
        "messages_server": _numbers(both["server_messages"], established),
        "duration_s": lasted.where(established),
        "closed_by": closed_by.where(established, None),
    }


def _numbers(column: pd.Series, where: Flags) -> pd.Series:
    return column.astype("Int64").where(where)


def _of(tables: Tables, numbers: pd.Series) -> pd.DataFrame:
    return tables.rows(
        "websockets", numbers, "opened", "ended", "close_code", "client_messages", "server_messages", "closed_by"
    )


def _closed_by(rows: pd.DataFrame, ours: pd.DataFrame, theirs: pd.DataFrame) -> list[str | None]:
    """By whose Close frame it ended, or without one by whose FIN or RST; the load balancer's where neither end spoke first."""
    front_end, back_end = rows["f_ended_by"].to_numpy(object), rows["b_ended_by"].to_numpy(object)
    closed: list[str | None] = []
    for index, (front_close, back_close) in enumerate(zip(ours["closed_by"], theirs["closed_by"], strict=True)):
        first = front_close if isinstance(front_close, str) else front_end[index]
        behind = back_close if isinstance(back_close, str) else back_end[index]
        if first == "client":
            closed.append("client")
        elif first == "server":
            # Towards the client the load balancer's own close looks like the server's.
            closed.append("server" if behind == "server" else "lb")
        else:
            closed.append(behind if behind == "server" and not rows["seen"].iloc[index] else None)
    return closed


def first_times(rows: pd.DataFrame, front: Tables, back: Tables, clock: Clock) -> pd.Series:
    """When each handshake began on the front's clock: what only the back shows is put there by what is known of the offset."""
    sides = (
        tables.rows("exchanges", rows[number], "request_first", "response_first")
        for tables, number in ((front, "f_exchange"), (back, "b_exchange"))
    )
    moments = [side["request_first"].fillna(side["response_first"]) for side in sides]
    result: pd.Series = moments[0].fillna(moments[1] - pd.Timedelta(clock.rough if clock.known else 0, unit="ns"))
    return result
