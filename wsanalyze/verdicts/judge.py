"""Takes the facts, gives a verdict for each row, and of several possible rows the one that counts for a handshake."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from wsanalyze.verdicts.case import Case
from wsanalyze.verdicts.declarations import CASES
from wsanalyze.verdicts.facts import NOBODY
from wsanalyze.verdicts.partnered import NOT_SWITCHED, SWITCHED
from wsanalyze.verdicts.unpartnered import ONLY_BACK, WITHOUT_PARTNER


def decide(rows: pd.DataFrame) -> None:
    """Add `case` (index into CASES), `verdict`, `detail`, `confidence` to each row."""
    f_101, paired, seen = (rows[name].to_numpy(bool) for name in ("f_101", "paired", "seen"))
    applicable = (
        (WITHOUT_PARTNER, seen & ~paired),
        (SWITCHED, paired & f_101),
        (NOT_SWITCHED, paired & ~f_101),
        (ONLY_BACK, ~seen),
    )
    conditions = [case.when(rows).to_numpy(bool) & to_whom for cases, to_whom in applicable for case in cases]
    rows["case"] = np.select(conditions, range(len(CASES)), default=-1)
    chosen = [CASES[index] for index in rows["case"]]
    rows["verdict"] = [case.verdict for case in chosen]
    rows["detail"] = [
        case.detail or _detail(case, row) for case, row in zip(chosen, rows.to_dict("records"), strict=True)
    ]
    unsure = np.array([case.likely for case in chosen], bool) | rows["likely"].to_numpy(bool)
    unsure = unsure | seen & ~paired & ~rows["covered"].to_numpy(bool)
    rows["confidence"] = np.where(unsure, "likely", "certain")


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


def choose(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each handshake: of several tries the one that counts, of several possible partners any where all mean the same.

    Adds `ambiguous`: the possible partners mean different things. Adds `tries`: how often it was seen on the back;
    `retried_without`: intact once, and once without the upgrade.
    """
    sure = rows[~rows["doubtful"].to_numpy(bool)]
    rank = (
        np.where(sure["intact"], 0, 4)  # intact first, tried again without: it was passed through
        # An answer that was not captured may be the client's.
        + np.select([sure["b_status"] == sure["f_status"], sure["b_hidden"]], [0, 1], default=2)
        + np.where(sure["b_101"], 0, 1)
    )
    key = np.where(sure["front"] == NOBODY, -2 - sure["back"], sure["front"])
    sure = sure.assign(key=key, rank=rank).sort_values(["key", "rank", "b_began", "back"], kind="stable")
    tries = sure.groupby("key")["back"].transform("size")
    stripped_again = sure.groupby("key")["lost"].transform("any") & sure.groupby("key")["intact"].transform("any")
    best = sure.assign(tries=tries, retried_without=stripped_again, ambiguous=False).drop_duplicates("key")
    doubtful = rows[rows["doubtful"].to_numpy(bool) & ~rows["front"].isin(best["front"])].copy()
    if not len(doubtful):
        return best.drop(columns=["key", "rank"])
    meaning = doubtful["verdict"] + "/" + doubtful["detail"].fillna("").astype(str)
    differing = meaning.groupby(doubtful["front"]).transform("nunique") > 1
    doubtful["ambiguous"] = differing | doubtful["spare"]
    doubtful["tries"] = 1
    doubtful["retried_without"] = False
    doubtful["confidence"] = "likely"
    return pd.concat([best, _apart(doubtful)], ignore_index=True).drop(columns=["key", "rank"])


def _apart(doubtful: pd.DataFrame) -> pd.DataFrame:
    """One row for each front, as far as that goes with a back of its own, in the order in which they came."""
    ordered = doubtful.sort_values(["f_began", "front", "b_began", "back"], kind="stable")
    chosen: dict[int, Any] = {}
    taken: set[int] = set()
    for place, front, back in zip(ordered.index, ordered["front"], ordered["back"], strict=True):
        if front not in chosen and back not in taken:
            chosen[front] = place
            taken.add(back)
    left = ordered[~ordered["front"].isin(chosen)].drop_duplicates("front")
    return pd.concat([ordered.loc[list(chosen.values())], left])
