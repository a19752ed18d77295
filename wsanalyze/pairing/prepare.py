"""Takes one side's tables, gives its exchanges in the form that is joined: whole numbers, absent values as 0 or NEVER."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.pairing.clock import NEVER
from wsanalyze.tables import Tables

SWITCHING = 101
AFTERWARDS = 10_000_000_000
"""Nanoseconds after its own 101 in which a load balancer that speaks WebSocket itself turns to the router."""
REQUEST_IDS = ("x_request_id", "x_vcap_request_id", "traceparent", "x_amzn_trace_id", "x_b3_traceid")
"""Columns that name a request; a load balancer that leaves them alone, or a router whose answer carries one, gives the pair."""

_CARRIED = (
    "connection",
    "method",
    "target",
    "host",
    "x_forwarded_for",
    "request_state",
    "response_state",
    "request_body_hash",
    *REQUEST_IDS,
)


def prepare(tables: Tables) -> pd.DataFrame:
    """One row an exchange, indexed by its number, with what pairing needs of it and of its connection."""
    exchanges = tables.exchanges.set_index("exchange", drop=False)
    connections = tables.connections.set_index("connection").loc[exchanges["connection"]]
    rows = exchanges[list(_CARRIED)].rename_axis(None).copy()
    rows["exchange"] = _whole(exchanges["exchange"], np.int64)
    rows["position"] = _whole(exchanges["position"], np.int64)
    for short, name in {
        "began": "request_first",
        "asked": "request_last",
        "answer": "response_first",
        "answered": "response_last",
    }.items():
        rows[short] = times(exchanges[name])
    rows["unsure"] = _unsure(exchanges)
    for name in ("answer", "answered"):
        rows.loc[rows["unsure"], name] = NEVER
    rows["response_state"] = rows["response_state"].astype(object).where(~rows["unsure"], "missing")
    over = times(exchanges["reset_time"])
    for ending in (connections["end_time"], connections["last"]):
        over = np.where(over == NEVER, times(ending), over)
    rows["over"] = np.where(rows["answered"] == NEVER, over, rows["answered"])
    # What accepts a WebSocket is called 101 from here on; `said` is the status itself.
    rows["said"] = np.where(rows["unsure"], 0, _whole(exchanges["status"], np.int64))
    rows["status"] = np.where(switched(exchanges) & (rows["said"] != 0), SWITCHING, rows["said"])
    opened = (rows["status"] == SWITCHING).to_numpy(bool) & (rows["answered"] != NEVER).to_numpy(bool)
    rows["late"] = np.where(opened, np.minimum(over, rows["over"] + AFTERWARDS), rows["over"])
    # A connection that just falls silent goes on until the capture ends: so long its request may still be forwarded.
    open_ = exchanges["reset"].isna().to_numpy(bool) & (times(connections["end_time"]) == NEVER)
    until = np.where(open_, np.maximum(over, _end(tables)), over)
    reach = np.where(rows["answered"] == NEVER, until, rows["over"])
    rows["reach"] = np.where(opened, np.minimum(until, rows["over"] + AFTERWARDS), reach)
    rows["complete"] = (exchanges["request_state"] == "complete").to_numpy(bool)
    expected, accept = (_whole(exchanges[name], np.uint64) for name in ("expected_accept_hash", "accept_hash"))
    rows["identity"] = np.where(expected != 0, expected, accept)
    rows["accept"] = accept
    rows["content"] = _whole(exchanges["content_hash"], np.uint64)
    rows["head"] = _whole(exchanges["request_head_hash"], np.uint64)
    rows["reply"] = np.where(rows["unsure"], np.uint64(0), _whole(exchanges["response_head_hash"], np.uint64))
    rows["traces"] = traces(exchanges)
    rows["handshake"] = asks(exchanges)
    # An extended CONNECT is carried as GET over HTTP/1.1, and the other way round (RFC 8441 5).
    rows["verb"] = exchanges["method"].where(~extended(exchanges), "GET")
    rows["frames"] = _conversations(tables).reindex(rows["exchange"], fill_value=0).to_numpy(np.uint64)
    rows["client_address"] = connections["client_address"].to_numpy()
    rows["client_port"] = _whole(connections["client_port"], np.int64)
    rows["server_address"] = connections["server_address"].to_numpy()
    rows["server_port"] = _whole(connections["server_port"], np.int64)
    rows["opened"] = times(connections["first"])
    names = _names(tables.connections).loc[exchanges["connection"]]
    rows["peer"], rows["itself"] = names["peer"].to_numpy(), names["itself"].to_numpy()
    rows["named_peer"] = pd.Series(_named_peer(rows, connections), index=rows.index, dtype="str")
    return rows


def _names(connections: pd.DataFrame) -> pd.DataFrame:
    """`peer`: the client's address and port; `itself`: what the connection would be called in any capture that holds it."""
    columns = ("client_address", "client_port", "server_address", "server_port", "first")
    rows = list(zip(*(connections[name] for name in columns), strict=True))
    names = {
        "peer": [f"{address} {port}" for address, port, *_ in rows],
        "itself": [f"{address} {port} {server} {at} {first}" for address, port, server, at, first in rows],
    }
    return pd.DataFrame(names, index=connections["connection"].to_numpy())


def _unsure(exchanges: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether nobody knows what the answer says.

    It came after a hole that may hide another one, so that it may be the answer to a lost request; or it is a 2xx to what may have
    been an extended CONNECT, or not.
    """
    after_gap = exchanges["defects"].map(
        lambda names: "response-after-gap" in (names if isinstance(names, list) else list(names))
    )
    proven = flag(exchanges["accept_valid"])
    status = exchanges["status"].to_numpy(np.int64, na_value=0)
    open_ = _maybe_extended(exchanges) & ~extended(exchanges) & (status // 100 == 2)
    result: npt.NDArray[np.bool_] = after_gap.to_numpy(bool) & ~proven | open_
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


def switched(exchanges: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether an answer opens a WebSocket, or another protocol: 101, or 2xx to an extended CONNECT (RFC 8441 5)."""
    status = exchanges["status"].to_numpy(np.int64, na_value=0)
    result: npt.NDArray[np.bool_] = (status == SWITCHING) | extended(exchanges) & (status // 100 == 2)
    return result


def extended(exchanges: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether an exchange is an extended CONNECT for WebSocket, which a 2xx accepts (RFC 8441 4 and 5).

    Where the packets that `:method` refers to are missing, an answer with Sec-WebSocket-Accept tells.
    """
    multiplexed = (exchanges["version"] == "2").to_numpy(bool, na_value=False)
    if not multiplexed.any():
        return multiplexed
    asked = flag(exchanges["asks_websocket"]) & multiplexed
    accepted = exchanges["sec_websocket_accept"].notna().to_numpy(bool)
    result: npt.NDArray[np.bool_] = asked | _maybe_extended(exchanges) & accepted
    return result


def _maybe_extended(exchanges: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether what is left of an HTTP/2 request has traces of a handshake, and lacks what would tell its method or protocol."""
    multiplexed = (exchanges["version"] == "2").to_numpy(bool, na_value=False)
    if not multiplexed.any():
        return multiplexed
    partial = ~(exchanges["request_state"] == "complete").to_numpy(bool)
    method = exchanges["method"].isna() | (exchanges["method"] == "CONNECT")
    untold = (method & exchanges["protocol"].isna()).to_numpy(bool)
    result: npt.NDArray[np.bool_] = multiplexed & partial & untold & traces(exchanges)
    return result


def _conversations(tables: Tables) -> pd.Series:
    """What the client of a WebSocket said first, with the mask that it chose for it (RFC 6455 5.3), as a number, by exchange.

    Who copies frames keeps both, whatever becomes of the handshake around them; 0 where nothing was said, or the mask was not
    chosen: some clients send none.
    """
    sockets = tables.websockets
    chosen = sockets["client_first_mask"].fillna(0) != 0
    sockets = sockets[sockets["client_first_payload"].notna() & chosen]
    said = zip(sockets["client_first_mask"], sockets["client_first_payload"], strict=True)
    words = np.array([f"{mask} {bytes(payload).hex()}" for mask, payload in said], dtype=object)
    return pd.Series(pd.util.hash_array(words), index=sockets["exchange"].to_numpy(), dtype=np.uint64)


def asks(exchanges: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether an exchange is a handshake: it asks for WebSocket, or what is left of it can be nothing else."""
    whole = (exchanges["request_state"] == "complete").to_numpy(bool)
    opened = switched(exchanges)
    answered = flag(exchanges["accepts_websocket"]) | exchanges["sec_websocket_accept"].notna().to_numpy(bool)
    # A 101 that was cut off may have been that of a WebSocket, and nearly always was.
    answered |= (exchanges["response_state"] == "truncated").to_numpy(bool)
    partial = ~whole & (traces(exchanges) | (opened & answered))
    result: npt.NDArray[np.bool_] = flag(exchanges["asks_websocket"]) | partial
    return result


def traces(exchanges: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether a request carries headers that only handshakes have, asking for the upgrade or not."""
    result: npt.NDArray[np.bool_] = (
        exchanges["sec_websocket_key"].notna() | exchanges["sec_websocket_version"].notna()
    ).to_numpy(bool)
    return result


def flag(column: pd.Series) -> npt.NDArray[np.bool_]:
    """A column of true, false and absent, with absent as false."""
    return column.to_numpy(dtype=bool, na_value=False)


def times(column: pd.Series) -> npt.NDArray[np.int64]:
    """A column of times as nanoseconds since the epoch, NEVER where absent."""
    result: npt.NDArray[np.int64] = column.dt.tz_convert(None).to_numpy("datetime64[ns]").view(np.int64)
    return result


def _whole(column: pd.Series, dtype: type) -> npt.NDArray[np.generic]:
    return column.to_numpy(dtype=dtype, na_value=0)


def _named_peer(rows: pd.DataFrame, connections: pd.DataFrame) -> list[str | None]:
    """Address and port of the client that a PROXY header or X-Forwarded-For names; None without a port."""
    addresses, ports = (
        connections["proxy_source_address"].to_numpy(),
        _whole(connections["proxy_source_port"], np.int64),
    )
    named: list[str | None] = []
    for address, port, forwarded in zip(addresses, ports, rows["x_forwarded_for"], strict=True):
        if isinstance(address, str) and port:
            named.append(f"{address} {port}")
        else:
            named.append(_with_port(forwarded) if isinstance(forwarded, str) else None)
    return named


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
