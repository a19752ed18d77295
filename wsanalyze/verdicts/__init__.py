"""Takes the pairing, gives for every handshake what the load balancer did with it: verdict, reason, outcome, evidence.

`facts` lays out what is known of each handshake and its possible partners, `coverage` what the absence of a partner proves,
`declarations` says what each verdict is (`unpartnered` where only one side shows the handshake, `partnered` where both do),
`judge` applies that. `sealed` adds the TLS connections of which nobody has to read anything to know that they were left alone.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from wsanalyze.box import GOROUTER, Box
from wsanalyze.pairing import Pairing
from wsanalyze.pairing.clock import Clock
from wsanalyze.tables import Flags, Tables, equal
from wsanalyze.verdicts.changes import changes
from wsanalyze.verdicts.coverage import cover
from wsanalyze.verdicts.facts import NOBODY, facts
from wsanalyze.verdicts.judge import choose, decide
from wsanalyze.verdicts.outcome import first_times, outcomes, websockets
from wsanalyze.verdicts.sealed import sealed
from wsanalyze.verdicts.wording import addressed, reason

_APP_LOGS = re.compile(r"^(?:\w+://[^/]*)?/apps/[0-9a-fA-F-]+/stream(?:\?|$)")
_FIREHOSE = re.compile(r"^(?:\w+://[^/]*)?/firehose/[^/?]+(?:\?|$)")
_COUNTED = ("tries", "first_frame", "retried_without")
_DOPPLER_PORT = 8081
"""Where the Doppler serves WebSockets to the Traffic Controller."""


def judge(pairing: Pairing, front: Tables, back: Tables, box: Box) -> pd.DataFrame:
    """The handshakes, in order of time, with the columns that `wsanalyze.analysis.Analysis.handshakes` describes but for `findings`."""
    rows = facts(pairing, front, back)
    if box == GOROUTER:
        # What tells a router's own answer is on those that the box itself gave.
        rows["router_words"] = False
    cover(rows, pairing, front, back)
    decide(rows)
    rows = choose(rows)
    if rows["ambiguous"].any():
        rows.loc[rows["ambiguous"], ["verdict", "detail", "confidence"]] = ["undetermined", "ambiguous", "certain"]
    table = _table(rows, front, back, pairing.clock, box)
    table = _with(table, sealed(front, back, box))
    table = table.sort_values(["time", "first_frame"], kind="stable", ignore_index=True).drop(columns="first_frame")
    table.insert(0, "id", [f"h{number}" for number in range(1, len(table) + 1)])
    return table


def _with(table: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The rows of both, with the columns and their types of the first."""
    if not len(others):
        return table
    others = others.reindex(columns=table.columns)
    for name, dtype in table.dtypes.items():
        # What is absent throughout has the type of numbers.
        counted = isinstance(dtype, pd.Int64Dtype) or (dtype.kind in "bi" and name in _COUNTED)
        present = others[name].astype(object).where(others[name].notna(), None)
        others[name] = others[name].astype(dtype) if counted else others[name] if name == "time" else present
    return pd.concat([table, others], ignore_index=True) if len(table) else others


def _table(rows: pd.DataFrame, front: Tables, back: Tables, clock: Clock, box: Box) -> pd.DataFrame:
    rows = rows.reset_index(drop=True)
    records = _records(rows)
    seen = rows["seen"].to_numpy(bool)
    behind = (rows["b_exchange"] != NOBODY).to_numpy(bool) & ~rows["ambiguous"].to_numpy(bool)

    joined = rows["paired"].to_numpy(bool) & behind
    unreachable = (rows["syn_frame"] > 0).to_numpy(bool) & equal(rows["detail"], "router-unreachable")
    front_frames = [_frames(row, "f") for row in records]
    back_frames = [_frames(row, "b") if there else _syn(row) for row, there in zip(records, behind, strict=True)]
    shown = [ours if there else theirs for ours, theirs, there in zip(front_frames, back_frames, seen, strict=True)]

    def pick(name: str, where: Flags, fallback: str | None = None) -> pd.Series:
        column = rows[name].astype(object).where(where, None)
        return _text(column if fallback is None else column.where(where, rows[fallback].astype(object)))

    def ends(end: str, where: Flags) -> pd.Series:
        columns = (rows[f"{end}_{part}"].tolist() for part in ("address", "port"))
        named = zip(*columns, where, strict=True)
        return _text([addressed(address, port) if there else None for address, port, there in named])

    def files(tables: Tables, frames: list[tuple[int, ...]], where: Flags) -> pd.Series:
        return _text([tables.frames.first(one)[0] if there else None for one, there in zip(frames, where, strict=True)])

    return pd.DataFrame(
        {
            "method": pick("f_method", seen, "b_method"),
            "host": pick("f_host", seen),
            "back_host": pick("b_host", behind),
            "target": pick("f_target", seen),
            "back_target": pick("b_target", behind),
            "key": pick("f_sec_websocket_key", seen, "b_sec_websocket_key"),
            "http_version": pick("f_version", seen, "b_version"),
            "client": ends("f_client", seen),
            "lb_front": ends("f_server", seen),
            "lb_back": ends("b_client", behind),
            "router": ends("b_server", behind),
            "verdict": _text(rows["verdict"]),
            "detail": _text(rows["detail"]),
            "mode": _text(_modes(rows).where(joined, None)),
            "confidence": _text(rows["confidence"]),
            "reason": _text([reason(row, box, front.frames, back.frames) for row in records]),
            **{name: _text(cells) for name, cells in outcomes(rows).items()},
            "front_status": _numbers(rows["f_said"], seen & (rows["f_said"] != 0).to_numpy(bool)),
            "back_status": _numbers(rows["b_said"], behind & (rows["b_said"] != 0).to_numpy(bool)),
            "pairing": pick("evidence", joined),
            "front_frames": _text(front_frames),
            "back_frames": _text(back_frames),
            "front_file": files(front, front_frames, seen),
            "back_file": files(back, back_frames, behind | unreachable),
            "changes": _text(changes(rows)),
            **websockets(rows, front, back),
            "stream": _text([_stream(row) for row in records]),
            "tries": np.where(behind, rows["tries"], 0),
            "retried_without": rows["retried_without"].to_numpy(bool),
            "time": first_times(rows, front, back, clock),
            "first_frame": [min(frames, default=0) for frames in shown],
            "front_exchange": _numbers(rows["f_exchange"], seen),
            "front_connection": _numbers(rows["f_connection"], seen),
            "back_exchange": _numbers(rows["b_exchange"], behind),
            "back_connection": _numbers(rows["b_connection"], behind),
        }
    )


def _text(cells: Any) -> pd.Series:
    """The cells, None where they are absent."""
    column = pd.Series(cells, dtype="object")
    return column.where(column.notna(), None)


def _numbers(column: pd.Series, where: Flags) -> pd.Series:
    """Whole numbers, absent where this does not hold."""
    return pd.Series(pd.arrays.IntegerArray(column.to_numpy(np.int64, copy=True), ~where))


def _records(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows as dictionaries, as `to_dict` gives them, which takes ten times as long over as many columns."""
    names = list(rows)
    return [dict(zip(names, row, strict=True)) for row in zip(*(rows[name].tolist() for name in names), strict=True)]


def _modes(rows: pd.DataFrame) -> pd.Series:
    """How the load balancer carried each."""
    front, back = (rows[f"{side}_version"].eq("2").to_numpy(bool, na_value=False) for side in "fb")
    cases = [rows["same_bytes"].to_numpy(bool), front & back, front, back]
    return pd.Series(np.select(cases, ["tcp", "h2", "h2-to-h1", "h1-to-h2"], "http"), index=rows.index, dtype=object)


def _frames(row: dict[Any, Any], side: str) -> tuple[int, ...]:
    """The frames that prove it: of the request, of its answer, and without an answer of the connection's end."""
    numbers: set[int] = set()
    for name in ("request_frames", "response_frames"):
        value = row[f"{side}_{name}"]
        if value is not None and hasattr(value, "__len__"):
            numbers.update(int(number) for number in value)
    end = row[f"{side}_end_frame"]
    if not row[f"{side}_status"] and end:
        numbers.add(end)
    return tuple(sorted(numbers))


def _syn(row: dict[Any, Any]) -> tuple[int, ...]:
    return (int(str(row["syn_frame"])),) if row["detail"] == "router-unreachable" else ()


def _stream(row: dict[Any, Any]) -> str | None:
    """Which of the platform's own streams the handshake asks for."""
    target = row["f_target"] if isinstance(row["f_target"], str) else row["b_target"]
    if not isinstance(target, str):
        return None
    if _APP_LOGS.match(target):
        return "loggregator-doppler" if row["b_server_port"] == _DOPPLER_PORT else "loggregator-app-logs"
    return "loggregator-firehose" if _FIREHOSE.match(target) else None
