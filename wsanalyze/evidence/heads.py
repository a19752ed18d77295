"""Takes a judged handshake, gives its heads as they were captured: from the tables where they are kept, else from the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from wsanalyze.analysis import Analysis
from wsanalyze.capture import read_heads
from wsanalyze.files import rereadable
from wsanalyze.tables import Tables


@dataclass(frozen=True, slots=True)
class Heads:
    """Raw bytes of a handshake's heads; None where there is none, or none was captured."""

    front_request: bytes | None
    back_request: bytes | None
    front_response: bytes | None
    back_response: bytes | None
    request_cut: tuple[bool, bool] = (False, False)
    """Whether the end of the request's head is not in the capture: of the front, of the back."""
    response_cut: tuple[bool, bool] = (False, False)
    unread: bool = False
    """Standard input or a pipe held more than the tables keep, and cannot be read twice."""


def heads(analysis: Analysis, handshake: Mapping[Any, Any]) -> Heads:
    """The four heads of a row of `analysis.handshakes`. Raises CaptureError where a file can no longer be read."""
    front = _side(analysis.front, handshake["front_exchange"])
    back = _side(analysis.back, handshake["back_exchange"])
    cut = [[_is_cut(side, row, message) for side, row in _places(analysis, handshake)] for message in _MESSAGES]
    return Heads(
        front[0],
        back[0],
        front[1],
        back[1],
        request_cut=(cut[0][0], cut[0][1]),
        response_cut=(cut[1][0], cut[1][1]),
        unread=front[2] or back[2],
    )


_MESSAGES = ("request", "response")


def _places(analysis: Analysis, handshake: Mapping[Any, Any]) -> tuple[tuple[Tables, Any], ...]:
    return (analysis.front, handshake["front_exchange"]), (analysis.back, handshake["back_exchange"])


def _is_cut(tables: Tables, number: Any, message: str) -> bool:
    if number is None or pd.isna(number):
        return False
    state = tables.exchanges.loc[tables.exchanges["exchange"] == number, f"{message}_state"].iloc[0]
    return isinstance(state, str) and state not in {"complete", "missing"}


def _side(tables: Tables, number: Any) -> tuple[bytes | None, bytes | None, bool]:
    if number is None or pd.isna(number):
        return None, None, False
    row = tables.exchanges[tables.exchanges["exchange"] == number].iloc[0]
    kept = tuple(value if isinstance(value, bytes) else None for value in (row["request_head"], row["response_head"]))
    captured = (
        not pd.isna(row["request_state"]),
        row["response_state"] != "missing" and not pd.isna(row["response_state"]),
    )
    lacks = any(there and head is None for there, head in zip(captured, kept, strict=True))
    readable = all(rereadable(file) for file in tables.frames.files)
    if lacks and readable:
        place = (int(row["connection"]), int(row["position"]))
        found = read_heads(tables, [place]).get(place, (None, None))
        kept = tuple(ours if ours is not None else theirs for ours, theirs in zip(kept, found, strict=True))
    return kept[0], kept[1], lacks and not readable
