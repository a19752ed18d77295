"""Takes one side's tables, gives its exchanges in the form that is joined: whole numbers, absent values as 0 or NEVER."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from wsanalyze.pairing.clock import NEVER
from wsanalyze.tables import Flags, Tables, arrow, chosen, equal, taken

SWITCHING = 101
AFTERWARDS = 10_000_000_000
"""Nanoseconds after its own 101 in which a load balancer that speaks WebSocket itself turns to the router."""
REQUEST_IDS = ("x_request_id", "x_vcap_request_id", "traceparent", "x_amzn_trace_id", "x_b3_traceid")
"""Columns that name a request; a load balancer that leaves them alone, or a router whose answer carries one, gives the pair."""

_CARRIED = (
    *("connection", "method", "target", "host", "x_forwarded_for", "request_state", "request_body_hash"),
    *REQUEST_IDS,
)


def prepare(tables: Tables) -> pd.DataFrame:
    """One row an exchange, indexed by its number, with what pairing needs of it and of its connection."""
    exchanges = tables.exchanges
    numbers = _whole(exchanges["exchange"], np.int64)
    places = tables.places("connections", exchanges["connection"])
    connections = taken(tables.connections, places, *_OF_CONNECTIONS)
    names = taken(_names(tables.connections), places, "peer", "itself")
    rows: dict[str, Any] = {name: exchanges[name].array for name in _CARRIED}
    began, asked, answer, answered = (
        times(exchanges[name]) for name in ("request_first", "request_last", "response_first", "response_last")
    )
    unsure = _unsure(exchanges)
    answer, answered = (np.where(unsure, NEVER, moments) for moments in (answer, answered))
    state = exchanges["response_state"].to_numpy(object)
    rows["response_state"] = np.where(unsure, np.array("missing", object), state)
    over = times(exchanges["reset_time"])
    ended = times(connections["end_time"])
    for ending in (ended, times(connections["last"])):
        over = np.where(over == NEVER, ending, over)
    done = np.where(answered == NEVER, over, answered)
    # What accepts a WebSocket is called 101 from here on; `said` is the status itself.
    said = np.where(unsure, 0, _whole(exchanges["status"], np.int64))
    status = np.where(switched(exchanges) & (said != 0), SWITCHING, said)
    opened = (status == SWITCHING) & (answered != NEVER)
    # A connection that just falls silent goes on until the capture ends: so long its request may still be forwarded.
    open_ = exchanges["reset"].isna().to_numpy(bool) & (ended == NEVER)
    until = np.where(open_, np.maximum(over, _end(tables)), over)
    reach = np.where(answered == NEVER, until, done)
    expected, accept = (_whole(exchanges[name], np.uint64) for name in ("expected_accept_hash", "accept_hash"))
    rows |= {
        "exchange": numbers,
        "position": _whole(exchanges["position"], np.int64),
        "began": began,
        "asked": asked,
        "answer": answer,
        "answered": answered,
        "unsure": unsure,
        "over": done,
        "said": said,
        "status": status,
        "late": np.where(opened, np.minimum(over, done + AFTERWARDS), done),
        "reach": np.where(opened, np.minimum(until, done + AFTERWARDS), reach),
        "complete": equal(exchanges["request_state"], "complete"),
        "identity": np.where(expected != 0, expected, accept),
        "accept": accept,
        "content": _whole(exchanges["content_hash"], np.uint64),
        "head": _whole(exchanges["request_head_hash"], np.uint64),
        "reply": np.where(unsure, np.uint64(0), _whole(exchanges["response_head_hash"], np.uint64)),
        "traces": traces(exchanges),
        "handshake": asks(exchanges),
        # An extended CONNECT is carried as GET over HTTP/1.1, and the other way round (RFC 8441 5).
        "verb": exchanges["method"].where(~extended(exchanges), "GET").array,
        "frames": _conversations(tables).reindex(numbers, fill_value=0).to_numpy(np.uint64),
        "client_address": connections["client_address"].array,
        "client_port": _whole(connections["client_port"], np.int64),
        "server_address": connections["server_address"].array,
        "server_port": _whole(connections["server_port"], np.int64),
        "opened": times(connections["first"]),
        "peer": names["peer"].array,
        "itself": names["itself"].array,
        "named_peer": _named_peer(exchanges["x_forwarded_for"], connections).array,
    }
    return pd.DataFrame(rows, index=numbers)


_OF_CONNECTIONS = (
    *("client_address", "client_port", "server_address", "server_port", "first", "last", "end_time"),
    *("proxy_source_address", "proxy_source_port"),
)


def _names(connections: pd.DataFrame) -> pd.DataFrame:
    """`peer`: the client's address and port; `itself`: what the connection would be called in any capture that holds it."""
    ports = (_whole(connections[f"{end}_port"], np.int64).tolist() for end in ("client", "server"))
    addresses = (connections[f"{end}_address"] for end in ("client", "server"))
    clients, servers = (
        [f"{address} {port}" for address, port in zip(*ends, strict=True)]
        for ends in zip(addresses, ports, strict=True)
    )
    began = times(connections["first"]).tolist()
    ways = [f"{client} {server} {first}" for client, server, first in zip(clients, servers, began, strict=True)]
    return pd.DataFrame({"peer": clients, "itself": ways}, dtype="str")


def _unsure(exchanges: pd.DataFrame) -> Flags:
    """Whether nobody knows what the answer says.

    It came after a hole that may hide another one, so that it may be the answer to a lost request; or it is a 2xx to what may have
    been an extended CONNECT, or not.
    """
    after_gap = holding(exchanges["defects"], "response-after-gap")
    proven = flag(exchanges["accept_valid"])
    status = exchanges["status"].to_numpy(np.int64, na_value=0)
    open_ = _maybe_extended(exchanges) & ~extended(exchanges) & (status // 100 == 2)
    result: Flags = after_gap & ~proven | open_
    return result


def _end(tables: Tables) -> int:
    """When the capture ended."""
    last = times(tables.captures["last"])
    return int(last.max()) if len(last) else NEVER


SWITCHED_BY = (
    "status",
    "version",
    "request_state",
    "method",
    "protocol",
    "asks_websocket",
    "sec_websocket_key",
    "sec_websocket_version",
    "sec_websocket_accept",
)
"""The columns that tell whether an answer opens a WebSocket."""


def switched(exchanges: pd.DataFrame) -> Flags:
    """Whether an answer opens a WebSocket, or another protocol: 101, or 2xx to an extended CONNECT (RFC 8441 5)."""
    status = exchanges["status"].to_numpy(np.int64, na_value=0)
    result: Flags = (status == SWITCHING) | extended(exchanges) & (status // 100 == 2)
    return result


def extended(exchanges: pd.DataFrame) -> Flags:
    """Whether an exchange is an extended CONNECT for WebSocket, which a 2xx accepts (RFC 8441 4 and 5).

    Where the packets that `:method` refers to are missing, an answer with Sec-WebSocket-Accept tells.
    """
    multiplexed = equal(exchanges["version"], "2")
    if not multiplexed.any():
        return multiplexed
    asked = flag(exchanges["asks_websocket"]) & multiplexed
    accepted = exchanges["sec_websocket_accept"].notna().to_numpy(bool)
    result: Flags = asked | _maybe_extended(exchanges) & accepted
    return result


def _maybe_extended(exchanges: pd.DataFrame) -> Flags:
    """Whether what is left of an HTTP/2 request has traces of a handshake, and lacks what would tell its method or protocol."""
    multiplexed = equal(exchanges["version"], "2")
    if not multiplexed.any():
        return multiplexed
    partial = ~equal(exchanges["request_state"], "complete")
    method = exchanges["method"].isna().to_numpy(bool) | equal(exchanges["method"], "CONNECT")
    untold = method & exchanges["protocol"].isna().to_numpy(bool)
    result: Flags = multiplexed & partial & untold & traces(exchanges)
    return result


def _conversations(tables: Tables) -> pd.Series:
    """What the client of a WebSocket said first, with the mask that it chose for it (RFC 6455 5.3), as a number, by exchange.

    Who copies frames keeps both, whatever becomes of the handshake around them; 0 where nothing was said, or the mask was not
    chosen: some clients send none.
    """
    sockets = tables.websockets
    masked = sockets["client_first_mask"].to_numpy(np.int64, na_value=0) != 0
    spoke = sockets["client_first_payload"].notna().to_numpy(bool)
    sockets = chosen(sockets, masked & spoke, "exchange", "client_first_mask", "client_first_payload")
    said = zip(sockets["client_first_mask"], sockets["client_first_payload"], strict=True)
    words = np.array([f"{mask} {bytes(payload).hex()}" for mask, payload in said], dtype=object)
    return pd.Series(pd.util.hash_array(words), index=sockets["exchange"].to_numpy(np.int64), dtype=np.uint64)


def asks(exchanges: pd.DataFrame) -> Flags:
    """Whether an exchange is a handshake: it asks for WebSocket, or what is left of it can be nothing else."""
    whole = equal(exchanges["request_state"], "complete")
    opened = switched(exchanges)
    answered = flag(exchanges["accepts_websocket"]) | exchanges["sec_websocket_accept"].notna().to_numpy(bool)
    # A 101 that was cut off may have been that of a WebSocket, and nearly always was.
    answered |= equal(exchanges["response_state"], "truncated")
    partial = ~whole & (traces(exchanges) | (opened & answered))
    result: Flags = flag(exchanges["asks_websocket"]) | partial
    return result


def traces(exchanges: pd.DataFrame) -> Flags:
    """Whether a request carries headers that only handshakes have, asking for the upgrade or not."""
    key, version = (exchanges[f"sec_websocket_{name}"].notna().to_numpy(bool) for name in ("key", "version"))
    result: Flags = key | version
    return result


def holding(lists: pd.Series, text: str) -> Flags:
    """Whether each list of texts holds this one; an absent list does not."""
    found = np.zeros(len(lists), bool)
    hits = pc.equal(pc.list_flatten(arrow(lists)), text).to_numpy(zero_copy_only=False)
    found[pc.list_parent_indices(arrow(lists)).to_numpy()[hits]] = True
    return found


def flag(column: pd.Series) -> Flags:
    """A column of true, false and absent, with absent as false."""
    return column.to_numpy(dtype=bool, na_value=False)


def times(column: pd.Series) -> npt.NDArray[np.int64]:
    """A column of times as nanoseconds since the epoch, NEVER where absent."""
    result: npt.NDArray[np.int64] = column.array.astype(np.int64)
    return result


def _whole(column: pd.Series, dtype: type) -> npt.NDArray[np.generic]:
    return column.to_numpy(dtype=dtype, na_value=0)


def _named_peer(forwarded: pd.Series, connections: pd.DataFrame) -> pd.Series:
    """Address and port of the client that a PROXY header or X-Forwarded-For names; absent without a port."""
    addresses, ports = connections["proxy_source_address"], _whole(connections["proxy_source_port"], np.int64)
    named = np.full(len(forwarded), None, object)
    for place in np.flatnonzero(forwarded.str.contains(":", regex=False, na=False)):
        named[place] = _with_port(forwarded.iloc[place])
    for place in np.flatnonzero(addresses.notna().to_numpy(bool) & (ports != 0)):
        named[place] = f"{addresses.iloc[place]} {ports[place]}"
    return pd.Series(named, dtype="str")


def last_forwarded(value: object) -> str | None:
    """The address that the last hop wrote into X-Forwarded-For."""
    if not isinstance(value, str):
        return None
    last = value.rpartition(",")[2].strip()
    named = _with_port(last)
    return named.rpartition(" ")[0] if named else (last.strip("[]") or None)


def _with_port(value: str) -> str | None:
    """`address port` of `a.b.c.d:port` or `[v6]:port`, as some load balancers write X-Forwarded-For."""
    address, colon, port = value.rpartition(",")[2].strip().rpartition(":")
    if not colon or not port.isdecimal() or not (address.startswith("[") or ":" not in address):
        return None
    return f"{address.strip('[]')} {port}"
