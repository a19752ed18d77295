"""Takes the facts, gives a verdict for each row, and of several possible rows the one that counts for a handshake."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.verdicts.case import Case
from wsanalyze.verdicts.declarations import CASES
from wsanalyze.verdicts.facts import NOBODY
from wsanalyze.verdicts.partnered import NOT_SWITCHED, SWITCHED
from wsanalyze.verdicts.unpartnered import ONLY_BACK, WITHOUT_PARTNER


class _Columns(dict[str, Any]):
    """The columns of a table as arrays, made when they are asked for."""

    def __init__(self, rows: pd.DataFrame) -> None:
        super().__init__()
        self._rows = rows

    def __missing__(self, name: str) -> npt.NDArray[Any]:
        self[name] = column = self._rows[name].to_numpy()
        return column


def decide(rows: pd.DataFrame) -> None:
    """Add `case` (index into CASES), `verdict`, `detail`, `confidence` to each row."""
    columns = _Columns(rows)
    f_101, paired, seen = (columns[name] for name in ("f_101", "paired", "seen"))
    applicable = (
        (WITHOUT_PARTNER, seen & ~paired),
        (SWITCHED, paired & f_101),
        (NOT_SWITCHED, paired & ~f_101),
        (ONLY_BACK, ~seen),
    )
    conditions = [
        case.when(columns) & to_whom if to_whom.any() else to_whom for cases, to_whom in applicable for case in cases
    ]
    rows["case"] = np.select(conditions, range(len(CASES)), default=-1)
    cases = [CASES[index] for index in rows["case"]]
    rows["verdict"] = [case.verdict for case in cases]
    details = zip(cases, rows[list(_TOLD_BY)].to_dict("records"), strict=True)
    rows["detail"] = [case.detail or _detail(case, row) for case, row in details]
    unsure = np.array([case.likely for case in cases], bool) | columns["likely"]
    unsure = unsure | seen & ~paired & ~columns["covered"]
    rows["confidence"] = np.where(unsure, "likely", "certain")


_TOLD_BY = (
    *("lost_upgrade", "lost_connection", "unproven", "lowered"),
    *("f_request_state", "f_response_state", "b_request_state", "b_response_state"),
)
"""Columns that `_detail` looks at."""


def _detail(case: Case, row: dict[Any, Any]) -> str | None:
    """The detail that depends on the row."""
    match case.verdict:
        case "stripped":
            return "+".join(name for name in ("upgrade", "connection") if row[f"lost_{name}"])
        case "undetermined":
            if isinstance(row["unproven"], str):
                return row["unproven"]
            states = (row[f"{side}_{message}_state"] for side in "fb" for message in ("request", "response"))
            return "truncated" if "truncated" in states else "packets-missing"
        case "passed-through" if row["lowered"]:
            return "http/1.0"
        case _:
            return None


_RANKED_BY = ("front", "back", "intact", "lost", "b_status", "f_status", "b_hidden", "b_101", "b_began")
"""Columns that tell which of several tries counts."""


def choose(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each handshake: of several tries the one that counts, of several possible partners any where all mean the same.

    Adds `ambiguous`: the possible partners mean different things. Adds `tries`: how often it was seen on the back;
    `retried_without`: intact once, and once without the upgrade.
    """
    places = np.flatnonzero(~rows["doubtful"])
    sure = {name: rows[name].to_numpy()[places] for name in _RANKED_BY}
    rank = (
        np.where(sure["intact"], 0, 4)  # intact first, tried again without: it was passed through
        # An answer that was not captured may be the client's.
        + np.select([sure["b_status"] == sure["f_status"], sure["b_hidden"]], [0, 1], default=2)
        + np.where(sure["b_101"], 0, 1)
    )
    key = np.where(sure["front"] == NOBODY, -2 - sure["back"], sure["front"])
    order = np.lexsort((sure["back"], sure["b_began"], rank, key))
    first = np.flatnonzero(np.diff(key[order], prepend=np.nan))
    lost, intact = (np.logical_or.reduceat(sure[name][order], first) for name in ("lost", "intact"))
    best = rows.iloc[places[order[first]]].assign(
        tries=np.diff(first, append=len(order)), retried_without=lost & intact, ambiguous=False
    )
    possible = rows["doubtful"] & ~rows["front"].isin(best["front"])
    if not possible.any():
        return best
    doubtful = rows[possible].copy()
    meaning = doubtful["verdict"] + "/" + doubtful["detail"].fillna("").astype(str)
    differing = meaning.groupby(doubtful["front"]).transform("nunique") > 1
    doubtful["ambiguous"] = differing | doubtful["spare"]
    doubtful["tries"] = 1
    doubtful["retried_without"] = False
    doubtful["confidence"] = "likely"
    return pd.concat([best, _apart(doubtful)], ignore_index=True)


def _apart(doubtful: pd.DataFrame) -> pd.DataFrame:
    """One row for each front, as far as that goes with a back of its own, in the order in which they came."""
    ordered = doubtful.sort_values(["f_began", "front", "b_began", "back"], kind="stable")
    given: dict[int, Any] = {}
    taken: set[int] = set()
    for place, front, back in zip(ordered.index, ordered["front"], ordered["back"], strict=True):
        if front not in given and back not in taken:
            given[front] = place
            taken.add(back)
    left = ordered[~ordered["front"].isin(given)].drop_duplicates("front")
    return pd.concat([ordered.loc[list(given.values())], left])
