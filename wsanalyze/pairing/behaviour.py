"""Takes what no rung of the ladder has paired, gives the pairs that behaviour alone tells.

A load balancer may rewrite Host and path, name no client, and drop or replace the key. What joins the sides then is the course of
events: a request left for the router while the client waited, and both got the same kind of answer, the client not before the
load balancer. Between captures that lost nothing, one such request for one such handshake is its partner, as far as anybody can
tell (likely); several are possible partners.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalyze.completeness import loses
from wsanalyze.pairing.clock import NEVER, Clock
from wsanalyze.pairing.matching import CONTENT, MAX_CROWD, Edges
from wsanalyze.pairing.own import UNSPECIFIED, is_health_check
from wsanalyze.tables import Tables


def by_behaviour(
    front: pd.DataFrame, back: pd.DataFrame, pairs: pd.DataFrame, sides: tuple[Tables, Tables], clock: Clock
) -> pd.DataFrame:
    """Edges, as `matching.match` gives them, between the handshakes and the requests that are left."""
    edges = Edges()
    asked = front[front["handshake"] & ~front["exchange"].isin(pairs["front"]) & front["complete"]]
    asked = asked[(asked["status"] != 0) & (asked["began"] != NEVER)]
    got = back[~back["exchange"].isin(pairs["back"]) & back["complete"] & (back["status"] != 0)]
    if not len(asked) or not len(got) or not clock.pairs or clock.contradictory or clock.exchanged:
        return edges.frame(CONTENT)
    agents = sides[1].exchanges.set_index("exchange")["user_agent"].reindex(got["exchange"])
    got = got[~is_health_check(agents) & (got["x_forwarded_for"] != UNSPECIFIED).to_numpy(bool)]
    # Where packets are missing, the true partner may be among them.
    if not len(got) or any(side.once(loses) for side in sides):
        return edges.frame(CONTENT)
    got = got.sort_values("began", kind="stable")
    began, answered = got["began"].to_numpy(np.int64), got["answered"].to_numpy(np.int64)
    lowest, highest = clock.bounds(asked["began"].to_numpy(np.int64)), clock.bounds(asked["over"].to_numpy(np.int64))
    possible: dict[int, list[int]] = {}
    for row, low, high in zip(asked.to_dict("records"), lowest[0], highest[1], strict=True):
        first, last = np.searchsorted(began, [row["began"] + low, row["over"] + high])
        near = got.iloc[first : min(last, first + MAX_CROWD)]
        fits = (near["status"] == row["status"]) & (near["verb"] == row["verb"])
        fits &= (answered[first : first + len(near)] <= row["over"] + high) & (near["itself"] != row["itself"])
        possible[int(row["exchange"])] = [int(number) for number in near.loc[fits, "exchange"]]
    wanted = pd.Series([number for numbers in possible.values() for number in numbers]).value_counts()
    for number, partners in possible.items():
        alone = len(partners) == 1 and wanted[partners[0]] == 1
        for partner in partners:
            edges.add(number, partner, likely=True, doubtful=not alone)
    return edges.frame(CONTENT)
