"""Takes judged handshakes of which the back is a replay, gives them undecided: what was replayed did not go through the load balancer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from wsanalyze.tables import Tables


def undecided(handshakes: pd.DataFrame, front: Tables, back: Tables) -> pd.DataFrame:
    """The handshakes with what each got in the replay, and no verdict on the load balancer."""
    reasons = [_reason(row, front, back) for row in handshakes.to_dict("records")]
    return handshakes.assign(
        verdict="undetermined",
        detail="back-not-captured",
        mode=None,
        confidence="certain",
        reason=pd.Series(reasons, index=handshakes.index, dtype=object),
    )


def _reason(row: Mapping[Any, Any], front: Tables, back: Tables) -> str:
    if not back.is_replay:
        return "The front is a replay, made at another time than the back was captured."
    asked, replayed = front.frames.words(row["front_frames"]), back.frames.words(row["back_frames"])
    status = row["back_status"]
    answer = "no answer" if status is None or pd.isna(status) else f"{status}"
    if not row["front_frames"]:
        return f"This handshake was sent by a replay (back {replayed}), and is not on the front; it got {answer}."
    if not row["back_frames"]:
        return f"The back is a replay, and this handshake (front {asked}) is not in it."
    return (
        f"Replayed, this handshake (front {asked}) got {answer} (back {replayed}); what the load balancer did with it only a capture "
        "between it and the router can tell."
    )
