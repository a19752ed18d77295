"""Takes tables that hold both legs of a box, gives the legs, told apart by where servers listen.

Where client, load balancer and router are one machine, addresses tell nothing. What carries the same handshake or request a
second time, within the time of the first, is the back leg.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalyze.pairing.clock import NEVER
from wsanalyze.pairing.prepare import prepare
from wsanalyze.tables import Tables

_SERVER = ["server_address", "server_port"]


def split(tables: Tables) -> tuple[Tables, Tables, int]:
    """Front, back, and how many connections are of neither; both empty where nothing tells."""
    outer, inner = _listeners(prepare(tables))
    servers = pd.MultiIndex.from_frame(tables.connections[_SERVER])
    front, back = servers.isin(outer), servers.isin(inner)
    return tables.only(front), tables.only(back), int((~front & ~back).sum())


def _listeners(rows: pd.DataFrame) -> tuple[pd.MultiIndex, pd.MultiIndex]:
    """Where the outer and the inner leg's servers listen."""
    rows = rows[(rows["began"] != NEVER).to_numpy(bool)]
    found: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    for by in ("identity", "content"):
        present = rows[rows[by] != 0].sort_values("began", kind="stable")
        twice = present[present.groupby(by)[by].transform("size") == 2]
        first, second = twice.drop_duplicates(by, keep="first"), twice.drop_duplicates(by, keep="last")
        within = second["began"].to_numpy(np.int64) <= first["over"].to_numpy(np.int64)
        found.append((first[within], second[within]))
        if within.any():
            break
    outer, inner = (pd.MultiIndex.from_frame(pd.concat(legs)[_SERVER]).unique() for legs in zip(*found, strict=True))
    # What is both, such as a load balancer behind a load balancer, tells nothing.
    both = outer.intersection(inner)
    return outer.difference(both), inner.difference(both)
