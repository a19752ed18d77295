"""Takes the pairing and both sides' tables, gives the facts that verdicts are made of: one row for each handshake and partner.

Columns that begin with `f_` are the front exchange's, with `b_` the back exchange's; both as in `schema.EXCHANGES` or as in
`pairing.prepare`. The others are conditions, true or false, never absent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.completeness import ends, lacking, words
from wsanalyze.pairing import Pairing
from wsanalyze.pairing.clock import NEVER
from wsanalyze.pairing.prepare import SWITCHING, extended, flag, switched, times
from wsanalyze.tables import Tables
from wsanalyze.verdicts.anew import mark_anew
from wsanalyze.verdicts.vicinity import look_around

NOBODY = -1
"""What stands for no exchange."""
HASTE = 1_000_000_000
"""Nanoseconds that a client has to wait before its leaving says anything about the load balancer."""
GRACE = 1_000_000_000
"""Nanoseconds that a capture has to go on after the router's answer before its absence on the front means something."""

_COLUMNS = (
    "request_frames",
    "response_frames",
    "version",
    "user_agent",
    "response_version",
    "request_upgrade",
    "request_connection",
    "sec_websocket_key",
    "sec_websocket_version",
    "sec_websocket_protocol",
    "sec_websocket_extensions",
    "origin",
    "x_forwarded_proto",
    "forwarded",
    "via",
    "x_cf_routererror",
    "server",
    "sec_websocket_accept",
    "response_head",
    "reset",
    "reset_by",
    "reset_time",
    "reset_frame",
)
_FLAGS = ("asks_websocket", "asks_upgrade", "accepts_websocket", "accepts_upgrade")
_ABSENT: tuple[tuple[tuple[str, ...], object, type], ...] = (
    (("exchange", "connection", "position"), NOBODY, np.int64),
    (("began", "asked", "answer", "answered", "over", "late", "end", "last", "capture_end"), NEVER, np.int64),
    (("status", "said", "client_port", "server_port", "end_frame"), 0, np.int64),
    (("identity", "accept", "head", "reply", "content"), 0, np.uint64),
    (("complete", "handshake", "traces", "in_use", *_FLAGS), False, bool),
)
"""What stands for an absent value in the columns that conditions use."""


def facts(pairing: Pairing, front: Tables, back: Tables) -> pd.DataFrame:
    """One row for each handshake of the front and each of its possible partners, `back` NOBODY without one.

    And one for each handshake that only the back shows, `front` NOBODY.
    """
    rows = _edges(pairing)
    ours = _side(pairing.front, front, rows["front"], "f_", "front")
    theirs = _side(pairing.back, back, rows["back"], "b_", "back")
    rows = pd.concat([rows.reset_index(drop=True), ours, theirs], axis=1).copy()
    rows["seen"] = rows["front"] != NOBODY
    rows["paired"] = rows["seen"] & (rows["back"] != NOBODY)
    _compare(rows)
    # Copies put columns that were added one by one together again.
    rows = rows.copy()
    look_around(rows, pairing, front, back)
    rows = rows.copy()
    _answers(rows, pairing)
    mark_anew(rows, front, back)
    return rows


def _edges(pairing: Pairing) -> pd.DataFrame:
    edges = pairing.pairs
    asking_back = (pairing.back["handshake"] | pairing.back["traces"]).to_numpy(bool)
    handshakes_back = pairing.back.loc[asking_back, "exchange"]
    ours = pairing.front["handshake"].to_numpy(bool) | pairing.front["exchange"].isin(
        edges.loc[edges["back"].isin(handshakes_back), "front"]
    ).to_numpy(bool)
    asking = pairing.front.loc[ours, "exchange"]
    mine = edges[edges["front"].isin(asking)]
    alone = asking[~asking.isin(mine["front"])]
    only_back = handshakes_back[~handshakes_back.isin(edges["back"])]
    return (
        pd.concat(
            [
                mine,
                pd.DataFrame({"front": alone.to_numpy(np.int64), "back": NOBODY}),
                pd.DataFrame({"front": NOBODY, "back": only_back.to_numpy(np.int64)}),
            ],
            ignore_index=True,
        )
        .fillna({"likely": False, "doubtful": False, "spare": False})
        .astype({"likely": bool, "doubtful": bool, "spare": bool})
    )


def _side(prepared: pd.DataFrame, tables: Tables, numbers: pd.Series, prefix: str, side: str) -> pd.DataFrame:
    """The exchanges' columns, with the connection's end; absent where the number is NOBODY."""
    exchanges = tables.exchanges.set_index("exchange")
    both = prepared.join(exchanges[list(_COLUMNS)])
    for name in _FLAGS:
        both[name] = flag(exchanges[name])
    both["response_frames"] = both["response_frames"].astype(object).where(~both["unsure"], None)
    over_http2 = switched(exchanges) & extended(exchanges)
    for name in ("accepts_websocket", "accepts_upgrade"):
        both[name] = (both[name] | over_http2) & ~both["unsure"]
    connections = tables.connections.set_index("connection").loc[both["connection"]]
    both["lacks"] = words(tables.once(lacking), side).loc[both["connection"]].to_numpy(object)
    both["end"] = times(connections["end_time"])
    both["last"] = times(connections["last"])
    both["ended"] = connections["ended"].to_numpy(object)
    both["ended_by"] = connections["ended_by"].to_numpy(object)
    both["capture_end"] = tables.once(ends).loc[both["connection"]].to_numpy()
    both["end_frame"] = connections["end_frame"].to_numpy(np.int64, na_value=0)
    _end_streams(both)
    both["in_use"] = _in_use(tables, both["exchange"])
    there = (numbers != NOBODY).to_numpy(bool)
    result = both.reindex(numbers.to_numpy()).reset_index(drop=True)
    for names, absent, dtype in _ABSENT:
        for name in names:
            values: npt.NDArray[Any] = np.full(len(result), absent, dtype)
            values[there] = both.loc[numbers[there], name].to_numpy(dtype)
            result[name] = values
    return result.add_prefix(prefix)


def _in_use(tables: Tables, numbers: pd.Series) -> npt.NDArray[np.bool_]:
    """Whether the WebSocket that each exchange opened was used: its client spoke, or it stayed open for a while."""
    sockets = tables.websockets.set_index("exchange").reindex(numbers.to_numpy())
    opened = sockets["opened"].notna().to_numpy(bool)
    spoke = sockets["client_frames"].to_numpy(np.int64, na_value=0) > 0
    lasted = np.where(opened, times(sockets["ended"]) - times(sockets["opened"]) >= HASTE, False)
    result: npt.NDArray[np.bool_] = opened & (spoke | lasted)
    return result


def _end_streams(both: pd.DataFrame) -> None:
    """Where an HTTP/2 stream was broken off, that counts and not the connection's end."""
    broken = both["reset"].notna().to_numpy(bool)
    both["end"] = np.where(broken, times(both["reset_time"]), both["end"])
    both["ended"] = np.where(broken, "rst", both["ended"])
    both["ended_by"] = np.where(broken, both["reset_by"], both["ended_by"])
    both["end_frame"] = np.where(broken, both["reset_frame"].to_numpy(np.int64, na_value=0), both["end_frame"])


def _compare(rows: pd.DataFrame) -> None:
    """What the two requests have in common."""
    # A handshake whose head is not all there asked properly, as far as anybody can tell.
    asked_websocket = rows["f_asks_websocket"] | ~rows["f_complete"]
    asked_upgrade = rows["f_asks_upgrade"] | ~rows["f_complete"]
    rows["intact"] = rows["b_asks_websocket"] & (rows["b_asks_upgrade"] | ~asked_upgrade & rows["b_complete"])
    rows["legible"] = rows["b_complete"] | rows["intact"]
    rows["lost_upgrade"] = rows["paired"] & rows["b_complete"] & asked_websocket & ~rows["b_asks_websocket"]
    rows["lost_connection"] = rows["paired"] & rows["b_complete"] & asked_upgrade & ~rows["b_asks_upgrade"]
    rows["lost"] = rows["lost_upgrade"] | rows["lost_connection"]
    known = (rows["f_identity"] != 0) & (rows["b_identity"] != 0)
    rows["same_key"] = known & (rows["f_identity"] == rows["b_identity"])
    # A router may answer wrongly: then its answer does not name the key.
    keyed = rows["f_sec_websocket_key"].notna() & rows["b_sec_websocket_key"].notna()
    known &= keyed | rows["same_key"] | (rows["f_accept"] != 0) & (rows["f_accept"] != rows["b_accept"])
    # Over HTTP/2 the key means nothing: who translates makes one, whatever the client sent (RFC 8441 5).
    multiplexed = ((rows["f_version"] == "2") | (rows["b_version"] == "2")).fillna(value=False).astype(bool)
    known &= rows["same_key"] | ~multiplexed
    # Where a head is not all there, its key may not be: then nobody knows whose handshake it is.
    rows["key_unclear"] = rows["paired"] & ~known & ~(rows["f_complete"] & rows["b_complete"])
    # Without the client's request there is no telling that this is its partner.
    speaks = rows["b_asks_websocket"] | (rows["b_status"] == SWITCHING)
    rows["other_key"] = rows["paired"] & known & ~rows["same_key"] & speaks & (rows["f_began"] != NEVER)
    rows["key_unclear"] |= rows["paired"] & known & ~rows["same_key"] & ~rows["other_key"] & speaks
    rows["same_bytes"] = (
        rows["paired"]
        & (rows["f_head"] != 0)
        & (rows["f_head"] == rows["b_head"])
        & ((rows["f_reply"] == rows["b_reply"]) | (rows["f_reply"] == 0) | (rows["b_reply"] == 0))
        & (rows["f_position"] == rows["b_position"])
    )
    rows["lowered"] = rows["paired"] & (rows["b_version"] == "1.0") & (rows["f_version"] != "1.0")


def _answers(rows: pd.DataFrame, pairing: Pairing) -> None:
    """What came back, and in which order."""
    rows["f_101"] = rows["f_status"] == SWITCHING
    rows["b_101"] = rows["b_status"] == SWITCHING
    low, high = (
        bound for bound in pairing.clock.bounds(np.where(rows["f_over"] == NEVER, 0, rows["f_over"]).astype(np.int64))
    )
    rows["low"], rows["high"] = low, high
    answered = (rows["f_answered"] != NEVER) & (rows["b_answered"] != NEVER)
    asked = (rows["f_began"] != NEVER) & (rows["b_began"] != NEVER)
    rows["compared"] = asked & answered & (pairing.clock.pairs > 0)
    # Where there were several tries or possible partners, none of them bounds the clocks; the others' bounds hold for it.
    later = rows["compared"] & (np.where(answered, rows["b_answered"] - rows["f_answered"], 0) > high)
    several = ~rows["front"].isin(pairing.compared)
    rows["early"] = rows["f_101"] & (rows["front"].isin(pairing.early) | several & later & ~pairing.clock.exchanged)
    unanswered = rows["seen"] & (rows["f_status"] == 0)
    # An answer whose status is not there is none that could be judged.
    rows["f_hidden"] = unanswered & (rows["f_response_state"].notna() | rows["front_lossy"])
    over = rows["f_over"].to_numpy(np.int64)
    rows["b_hidden"] = (
        rows["paired"]
        & (rows["b_status"] == 0)
        & (
            rows["b_response_state"].notna()
            | rows["back_lossy"]
            | (rows["b_ended"].isna() & (rows["b_capture_end"] < np.where(over == NEVER, NEVER, over + high)))
        )
    )
    ended = unanswered & rows["f_ended"].notna()
    rows["client_left"] = ended & (rows["f_ended_by"] == "client")
    rows["lb_left"] = ended & (rows["f_ended_by"] == "server")
    rows["hasty"] = rows["client_left"] & (rows["f_end"] - rows["f_asked"] < HASTE)
    rows["waiting"] = unanswered & ~ended
    end = np.where(ended, rows["f_end"], 0)
    rows["left_before"] = rows["client_left"] & (end + high < rows["b_answer"])
    rows["left_after"] = rows["client_left"] & (end + low > rows["b_answered"])
    waited_for = np.where(rows["b_answered"] == NEVER, rows["f_asked"], rows["b_answered"] - low)
    # A connection that just falls silent may go on where packets are missing.
    rows["falls_silent"] = unanswered & ~ended & (rows["f_last"] - rows["f_asked"] < HASTE)
    rows["f_cut_short"] = unanswered & ~ended & (rows["f_capture_end"] < waited_for + GRACE)
    rows["router_words"] = rows["f_x_cf_routererror"].notna() | rows["f_x_vcap_request_id"].notna()
