"""Takes the chosen rows, gives what came of each handshake: outcome, who ended it, and how its WebSocket went."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalyze.capture import Tables


def outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """`outcome` and `ended_by`: what the client got; null where the front does not tell."""
    waiting = rows["seen"] & (rows["f_status"] == 0) & ~rows["f_hidden"]
    outcome = np.select(
        [rows["f_101"], rows["f_status"] != 0, waiting & (rows["client_left"] | rows["lb_left"]), waiting],
        ["established", "refused", "reset", "no-answer"],
        default=None,  # type: ignore[arg-type]
    )
    ended_by = np.select([waiting & rows["client_left"], waiting & rows["lb_left"]], ["client", "lb"], default=None)  # type: ignore[arg-type]
    return pd.DataFrame({"outcome": outcome, "ended_by": ended_by}, index=rows.index)


def websockets(rows: pd.DataFrame, front: Tables, back: Tables) -> pd.DataFrame:
    """close_code, closed_by, messages_client, messages_server, duration_s of established WebSockets."""
    ours, theirs = (_of(tables, rows[number]) for tables, number in ((front, "f_exchange"), (back, "b_exchange")))
    use_back = (ours["opened"].isna() & ~rows["seen"].to_numpy(bool)).to_numpy(bool)
    both = ours.where(~use_back, theirs)
    established = (rows["f_101"] | (~rows["seen"] & rows["b_101"])).to_numpy(bool) & both["opened"].notna().to_numpy(
        bool
    )
    result = both[["close_code", "client_messages", "server_messages"]].rename(
        columns={"client_messages": "messages_client", "server_messages": "messages_server"}
    )
    result["duration_s"] = (both["ended"] - both["opened"]).dt.total_seconds()
    result["closed_by"] = _closed_by(rows, ours, theirs)
    result = result.where(established)
    result.index = rows.index
    for name in ("close_code", "messages_client", "messages_server"):
        result[name] = result[name].astype("Int64")
    return result


def _of(tables: Tables, numbers: pd.Series) -> pd.DataFrame:
    return tables.websockets.set_index("exchange").reindex(numbers.to_numpy()).reset_index(drop=True)


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


def first_times(rows: pd.DataFrame, front: Tables, back: Tables) -> pd.Series:
    """When each handshake began: on the front's clock, or on the back's where only that shows it."""
    ours, theirs = (
        tables.exchanges.set_index("exchange").reindex(rows[number].to_numpy())
        for tables, number in ((front, "f_exchange"), (back, "b_exchange"))
    )
    moments = [side["request_first"].fillna(side["response_first"]).reset_index(drop=True) for side in (ours, theirs)]
    result: pd.Series = moments[0].fillna(moments[1])
    return result
