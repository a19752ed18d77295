"""Takes both sides' tables, gives them without the connections that belong to the other side.

A capture made on the load balancer itself, or one file given for both sides, holds both legs: the same connections turn
up on both sides. What carries the same handshake or request a second time, within the time of the first, is the back leg.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalyze.capture import Tables
from wsanalyze.pairing.clock import NEVER
from wsanalyze.pairing.prepare import prepare

Endpoints = pd.MultiIndex

_SERVER = ["server_address", "server_port"]


def part(front: Tables, back: Tables) -> tuple[Tables, Tables]:
    """Both sides, each without the other's leg, as far as they can be told apart."""
    both = shared(front, back)
    if not both:
        return front, back
    outer, inner = _legs(prepare(front), both)
    return _without(front, inner), _without(back, outer)


def shared(front: Tables, back: Tables) -> set[int]:
    """Numbers of the front's connections that the back's capture holds as well."""
    ours, theirs = (_named(tables.connections) for tables in (front, back))
    return set(ours.loc[ours.index.isin(theirs.index), "connection"])


def _named(connections: pd.DataFrame) -> pd.DataFrame:
    """The connections by what they are called in any capture that holds them: addresses, ports and the first packet's time."""
    names = ["client_address", "client_port", *_SERVER, "first"]
    index = pd.MultiIndex.from_frame(connections[names])
    return connections[["connection"]].set_index(index)


def _legs(rows: pd.DataFrame, connections: set[int]) -> tuple[Endpoints, Endpoints]:
    """Where the outer and the inner leg's servers listen."""
    rows = rows[rows["connection"].isin(connections) & (rows["began"] != NEVER)]
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


def _without(tables: Tables, servers: Endpoints) -> Tables:
    """The tables without the connections to these servers."""
    connections = tables.connections
    dropped = connections.loc[pd.MultiIndex.from_frame(connections[_SERVER]).isin(servers), "connection"]
    if not len(dropped):
        return tables
    return Tables(
        captures=tables.captures,
        connections=connections[~connections["connection"].isin(dropped)].reset_index(drop=True),
        exchanges=tables.exchanges[~tables.exchanges["connection"].isin(dropped)].reset_index(drop=True),
        websockets=tables.websockets[~tables.websockets["connection"].isin(dropped)].reset_index(drop=True),
        defects=tables.defects[~tables.defects["connection"].isin(dropped)].reset_index(drop=True),
        key_log=tables.key_log,
    )
