"""Takes the pairing and both sides' tables, gives the facts that verdicts are made of: one row for each handshake and partner.

Columns that begin with `f_` are the front exchange's, with `b_` the back exchange's; both as in `schema.EXCHANGES` or as in
`pairing.prepare`. The others are conditions, true or false, never absent.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from wsanalyze.completeness import ends, lacking, words
from wsanalyze.pairing import Pairing
from wsanalyze.pairing.clock import NEVER, Times
from wsanalyze.pairing.prepare import SWITCHED_BY, SWITCHING, extended, flag, switched, times
from wsanalyze.tables import Flags, Tables, taken
from wsanalyze.verdicts.anew import mark_anew
from wsanalyze.verdicts.case import Columns
from wsanalyze.verdicts.vicinity import look_around

NOBODY = -1
"""What stands for no exchange."""
HASTE = 1_000_000_000
"""Nanoseconds that a client has to wait before its leaving says anything about the load balancer."""
GRACE = 1_000_000_000
"""Nanoseconds that a capture has to go on after the router's answer before its absence on the front means something."""

_TEXTS = (
    *(
        "request_frames",
        "request_state",
        "response_head",
        "version",
        "method",
        "host",
        "target",
        "user_agent",
        "origin",
    ),
    *("request_upgrade", "request_connection", "x_forwarded_for", "x_forwarded_proto", "forwarded", "via"),
    *("sec_websocket_key", "sec_websocket_version", "sec_websocket_protocol", "sec_websocket_extensions"),
    *("x_cf_routererror", "x_vcap_request_id", "reset"),
)
"""Columns of the exchanges that are handed on as they are."""
_FLAGS = ("asks_websocket", "asks_upgrade", "accepts_websocket", "accepts_upgrade")
_READ = tuple(
    dict.fromkeys((*_TEXTS, *_FLAGS, *SWITCHED_BY, "response_frames", "reset_by", "reset_time", "reset_frame"))
)
_OF_CONNECTIONS = ("client_address", "server_address", "end_time", "end_frame", "last", "ended", "ended_by")
_ABSENT: tuple[tuple[tuple[str, ...], object, type], ...] = (
    (("exchange", "connection", "position"), NOBODY, np.int64),
    (("began", "asked", "answer", "answered", "over", "late"), NEVER, np.int64),
    (("status", "said", "client_port", "server_port"), 0, np.int64),
    (("identity", "accept", "head", "reply"), 0, np.uint64),
    (("complete", "traces", "unsure"), False, bool),
)
"""Columns of `prepare`, with what stands for an absent value of theirs."""


def facts(pairing: Pairing, front: Tables, back: Tables) -> pd.DataFrame:
    """One row for each handshake of the front and each of its possible partners, `back` NOBODY without one.

    And one for each handshake that only the back shows, `front` NOBODY.
    """
    rows = _edges(pairing)
    rows |= _prefixed("f_", _side(pairing.front, front, rows["front"], "front"))
    rows |= _prefixed("b_", _side(pairing.back, back, rows["back"], "back"))
    rows["seen"] = rows["front"] != NOBODY
    rows["paired"] = rows["seen"] & (rows["back"] != NOBODY)
    _compare(rows)
    look_around(rows, pairing, front, back)
    _answers(rows, pairing)
    table = pd.DataFrame(rows)
    mark_anew(table, front, back)
    return table


def _edges(pairing: Pairing) -> Columns:
    """front, back, likely, doubtful, spare, evidence."""
    edges = pairing.pairs
    asking_back = (pairing.back["handshake"] | pairing.back["traces"]).to_numpy(bool)
    handshakes_back = pairing.back["exchange"].to_numpy(np.int64)[asking_back]
    carried = edges["front"].to_numpy(np.int64)[np.isin(edges["back"], handshakes_back)]
    exchanges = pairing.front["exchange"].to_numpy(np.int64)
    asking = exchanges[pairing.front["handshake"].to_numpy(bool) | np.isin(exchanges, carried)]
    mine = edges[np.isin(edges["front"], asking)]
    alone = asking[~np.isin(asking, mine["front"])]
    only_back = handshakes_back[~np.isin(handshakes_back, edges["back"])]
    nobody = [np.full(len(numbers), NOBODY, np.int64) for numbers in (alone, only_back)]
    rest = len(alone) + len(only_back)
    return {
        "front": np.concatenate([mine["front"], alone, nobody[1]]),
        "back": np.concatenate([mine["back"], nobody[0], only_back]),
        **{
            name: np.append(mine[name].to_numpy(bool), np.zeros(rest, bool)) for name in ("likely", "doubtful", "spare")
        },
        "evidence": np.append(mine["evidence"].to_numpy(object), np.full(rest, None, object)),
    }


def _prefixed(prefix: str, columns: Columns) -> Columns:
    return {f"{prefix}{name}": values for name, values in columns.items()}


def _side(prepared: pd.DataFrame, tables: Tables, numbers: Times, side: str) -> Columns:
    """The exchanges' columns, with the connection's end; absent where the number is NOBODY."""
    places = prepared.index.get_indexer(pd.Index(numbers))
    there = places >= 0
    rows: Columns = {}
    for names, absent, dtype in _ABSENT:
        for name in names:
            rows[name] = np.full(len(numbers), absent, dtype)
            rows[name][there] = prepared[name].to_numpy(dtype)[places[there]]
    prepared = taken(prepared, places, "response_state", "verb")
    rows |= {str(name): column.array for name, column in prepared.items()}
    exchanges = tables.rows("exchanges", numbers, *_READ)
    rows |= {name: exchanges[name].array for name in _TEXTS}
    rows |= {name: flag(exchanges[name]) for name in _FLAGS}
    unsure = rows.pop("unsure")
    rows["response_frames"] = exchanges["response_frames"].astype(object).where(~unsure, None).array
    over_http2 = switched(exchanges) & extended(exchanges)
    for name in ("accepts_websocket", "accepts_upgrade"):
        rows[name] = (rows[name] | over_http2) & ~unsure
    connections = tables.rows("connections", rows["connection"], *_OF_CONNECTIONS)
    rows |= {name: connections[name].array for name in ("client_address", "server_address")}
    rows["lacks"] = np.full(len(numbers), None, object)
    rows["lacks"][there] = words(tables.once(lacking).loc[rows["connection"][there]], side)
    rows["last"] = times(connections["last"])
    rows["capture_end"] = tables.once(ends).reindex(rows["connection"], fill_value=NEVER).to_numpy()
    _end(rows, exchanges, connections)
    rows["in_use"] = _in_use(tables, numbers)
    return rows


def _end(rows: Columns, exchanges: pd.DataFrame, connections: pd.DataFrame) -> None:
    """When, how and by whom it ended: where an HTTP/2 stream was broken off, that counts and not the connection's end."""
    broken = exchanges["reset"].notna().to_numpy(bool)
    rows["end"] = np.where(broken, times(exchanges["reset_time"]), times(connections["end_time"]))
    rows["ended"] = np.where(broken, "rst", connections["ended"].to_numpy(object))
    rows["ended_by"] = np.where(
        broken, exchanges["reset_by"].to_numpy(object), connections["ended_by"].to_numpy(object)
    )
    frames = (column.to_numpy(np.int64, na_value=0) for column in (exchanges["reset_frame"], connections["end_frame"]))
    rows["end_frame"] = np.where(broken, *frames)


def _in_use(tables: Tables, numbers: Times) -> Flags:
    """Whether the WebSocket that each exchange opened was used: its client spoke, or it stayed open for a while."""
    sockets = tables.rows("websockets", numbers, "opened", "ended", "client_frames")
    opened = sockets["opened"].notna().to_numpy(bool)
    spoke = sockets["client_frames"].to_numpy(np.int64, na_value=0) > 0
    lasted = np.where(opened, times(sockets["ended"]) - times(sockets["opened"]) >= HASTE, False)
    return opened & (spoke | lasted)


def _compare(rows: Columns) -> None:
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
    keyed = pd.notna(rows["f_sec_websocket_key"]) & pd.notna(rows["b_sec_websocket_key"])
    known &= keyed | rows["same_key"] | (rows["f_accept"] != 0) & (rows["f_accept"] != rows["b_accept"])
    # Over HTTP/2 the key means nothing: who translates makes one, whatever the client sent (RFC 8441 5).
    multiplexed = (rows["f_version"] == "2") | (rows["b_version"] == "2")
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


def _answers(rows: Columns, pairing: Pairing) -> None:
    """What came back, and in which order."""
    rows["f_101"] = rows["f_status"] == SWITCHING
    rows["b_101"] = rows["b_status"] == SWITCHING
    low, high = pairing.clock.bounds(np.where(rows["f_over"] == NEVER, 0, rows["f_over"]))
    rows["low"], rows["high"] = low, high
    answered = (rows["f_answered"] != NEVER) & (rows["b_answered"] != NEVER)
    asked = (rows["f_began"] != NEVER) & (rows["b_began"] != NEVER)
    rows["compared"] = asked & answered & (pairing.clock.pairs > 0)
    # Where there were several tries or possible partners, none of them bounds the clocks; the others' bounds hold for it.
    later = rows["compared"] & (np.where(answered, rows["b_answered"] - rows["f_answered"], 0) > high)
    several = ~_among(rows["front"], pairing.compared)
    rows["early"] = rows["f_101"] & (
        _among(rows["front"], pairing.early) | several & later & (not pairing.clock.exchanged)
    )
    unanswered = rows["seen"] & (rows["f_status"] == 0)
    # An answer whose status is not there is none that could be judged.
    rows["f_hidden"] = unanswered & (pd.notna(rows["f_response_state"]) | rows["front_lossy"])
    over = rows["f_over"]
    rows["b_hidden"] = (
        rows["paired"]
        & (rows["b_status"] == 0)
        & (
            pd.notna(rows["b_response_state"])
            | rows["back_lossy"]
            | (pd.isna(rows["b_ended"]) & (rows["b_capture_end"] < np.where(over == NEVER, NEVER, over + high)))
        )
    )
    ended = unanswered & pd.notna(rows["f_ended"])
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
    rows["router_words"] = pd.notna(rows["f_x_cf_routererror"]) | pd.notna(rows["f_x_vcap_request_id"])


def _among(numbers: Times, those: Collection[int]) -> Flags:
    return np.isin(numbers, np.fromiter(those, np.int64, len(those)))
