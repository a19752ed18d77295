"""Takes a judged handshake, gives what went by on both legs, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from wsanalyze.analysis import Analysis
from wsanalyze.tables import Tables

_STATES = {"gap": "packets are missing", "truncated": "cut by the snapshot length", "cut": "ends in the middle"}
_ASKING_1 = (("Upgrade", "request_upgrade"), ("Connection", "request_connection"))
_ASKING_2 = ((":protocol", "protocol"),)
"""What asks for WebSocket: headers and their columns, in HTTP/1.1 (RFC 6455 4.1) and in HTTP/2 (RFC 8441 4)."""
_OPENED = {"established": "connects", "unanswered": "SYN, never answered", "refused": "SYN, answered by RST"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that went by on one leg."""

    side: str
    time: pd.Timestamp
    """By the clock of the front."""
    text: str
    frames: tuple[int, ...]
    towards_router: bool | None
    """None for what went in both directions."""


def events(analysis: Analysis, handshake: Mapping[Any, Any]) -> list[Event]:
    """All events of the handshake's connections that have to do with it."""
    middle = shift(analysis)
    found = [
        *_of_side("front", analysis.front, handshake, pd.Timedelta(0)),
        *_of_side("back", analysis.back, handshake, pd.Timedelta(seconds=-middle)),
    ]
    return sorted(found, key=lambda event: (event.time, event.side == "back"))


def beginning(found: list[Event], analysis: Analysis, handshake: Mapping[Any, Any]) -> pd.Timestamp:
    """The moment from which times are counted: the request's first byte, on the front if it was captured there."""
    for tables, side, seconds in ((analysis.front, "front", 0.0), (analysis.back, "back", -shift(analysis))):
        row = _row(tables.exchanges, "exchange", handshake[f"{side}_exchange"])
        if row is not None and not pd.isna(row["request_first"]):
            moment: pd.Timestamp = row["request_first"] + pd.Timedelta(seconds=seconds)
            return moment
    return found[0].time


def shift(analysis: Analysis) -> float:
    """Seconds that the clock of the back is ahead, as well as that is known."""
    bounds = [bound for bound in (analysis.clock_offset.low, analysis.clock_offset.high) if bound is not None]
    return sum(bounds) / len(bounds) if bounds else 0.0


def _row(table: pd.DataFrame, column: str, number: Any) -> Any:
    """The row with this number; None where there is none."""
    if number is None or pd.isna(number):
        return None
    rows = table[table[column] == number]
    return rows.iloc[0] if len(rows) else None


def _of_side(side: str, tables: Tables, handshake: Mapping[Any, Any], moved: pd.Timedelta) -> Iterator[Event]:
    exchange = _row(tables.exchanges, "exchange", handshake[f"{side}_exchange"])
    number = handshake[f"{side}_connection"] if exchange is None else exchange["connection"]
    connection = _row(tables.connections, "connection", number)
    if connection is None:
        # A connection that carried nothing: what is known of it is the frame of its SYN.
        unanswered = tables.connections[tables.connections["first_frame"].isin(handshake[f"{side}_frames"])]
        connection = unanswered.iloc[0] if len(unanswered) else None
    found = [*_of_connection(connection, exchange)]
    if exchange is not None:
        found += _of_exchange(exchange, _row(tables.websockets, "exchange", exchange["exchange"]))
    for time, text, frames, towards_router in found:
        if not pd.isna(time):
            yield Event(side, time + moved, text, frames, towards_router)


_Found = tuple[Any, str, tuple[int, ...], bool | None]


def _of_connection(connection: Any, exchange: Any) -> Iterator[_Found]:
    if connection is None:
        return
    opened = _OPENED.get(connection["opened"])
    if opened and isinstance(connection["tls_version"], str):
        opened = f"{opened}, {connection['tls_version']}"
    if opened and (exchange is None or exchange["position"] == 0):
        yield connection["first"], opened, (int(connection["first_frame"]),), True
    if not pd.isna(connection["end_time"]):
        how = "RST" if connection["ended"] == "rst" else "FIN"
        more = 0 if exchange is None else int(connection["exchanges"]) - int(exchange["position"]) - 1
        text = f"{how}, after {more} more exchange{'s' if more > 1 else ''}" if more > 0 else how
        yield connection["end_time"], text, (int(connection["end_frame"]),), connection["ended_by"] == "client"


def _of_exchange(row: Any, websocket: Any) -> Iterator[_Found]:
    whole = row["request_state"] == "complete"
    asking = _ASKING_2 if row["version"] == "2" else _ASKING_1
    headers = ", ".join(
        f"{name}: {row[column]}" if isinstance(row[column], str) else f"no {name}"
        for name, column in asking
        if whole or isinstance(row[column], str)
    )
    method = row["method"] if isinstance(row["method"], str) else "request"
    version = f" HTTP/{row['version']}" if isinstance(row["version"], str) else ""
    yield (
        row["request_first"],
        f"{method}{version}{', ' if headers else ''}{headers}{_state(row['request_state'])}",
        _frames(row["request_frames"]),
        True,
    )
    if not pd.isna(row["status"]):
        interim = 0 if pd.isna(row["interim"]) else int(row["interim"])
        after = f", after {interim} interim response{'s' if interim > 1 else ''}" if interim else ""
        text = f"{row['status']}{after}{_state(row['response_state'])}"
        yield row["response_first"], text, _frames(row["response_frames"]), False
    if isinstance(row["reset"], str):
        yield row["reset_time"], row["reset"], (int(row["reset_frame"]),), row["reset_by"] == "client"
    if websocket is None:
        return
    counts = (int(websocket["client_messages"]), int(websocket["server_messages"]))
    # The tables keep no time of single frames: they stand behind the answer.
    yield row["response_first"] + pd.Timedelta(1), f"messages: {counts[0]} ──▶, {counts[1]} ◀──", (), None
    if not pd.isna(websocket["close_frame"]):
        code = "without a code" if pd.isna(websocket["close_code"]) else str(websocket["close_code"])
        yield websocket["ended"], f"Close {code}", (int(websocket["close_frame"]),), websocket["closed_by"] == "client"


def _state(state: Any) -> str:
    return f" ({_STATES[state]})" if state in _STATES else ""


def _frames(value: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in value) if hasattr(value, "__len__") else ()
