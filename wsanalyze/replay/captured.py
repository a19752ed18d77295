"""Takes captures of one side or of both, gives the exchanges in them as they are replayed: heads, bodies, conversations, outcomes.

Of both sides it is what the clients sent on the front. What only the back shows, as behind TLS without keys, is taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze import capture
from wsanalyze.analysis import Analysis
from wsanalyze.capture import Traffic
from wsanalyze.pairing.prepare import asks, prepare, switched
from wsanalyze.replay.conversation import Budget, conversation
from wsanalyze.replay.model import ANSWERED, ESTABLISHED, NO_ANSWER, REFUSED, RESET, Captured
from wsanalyze.tables import Tables

_ON_BACK = 1 << 32
"""Added to the numbers of the back's connections."""


def of_side(tables: Tables) -> pd.DataFrame:
    """One row an exchange of one side, in order of time, with its `id` and whether it is a `handshake`."""
    rows = _rows(tables)
    rows["id"] = _named(rows["handshake"].to_numpy(bool))
    return rows


def of_analysis(analysis: Analysis) -> pd.DataFrame:
    """The same of both sides: what the front shows, and what only the back does; handshakes have the ids of the analysis."""
    judged = analysis.handshakes
    front, back = _rows(analysis.front), _rows(analysis.back)
    front["side"], back["side"] = "front", "back"
    known = judged.dropna(subset=["front_exchange"]).set_index("front_exchange")
    front = front.assign(handshake=front["exchange"].isin(known.index).to_numpy(bool))
    front["id"] = front["exchange"].map(known["id"])
    for name in ("verdict", "detail", "back_exchange", "outcome"):
        front[name] = front["exchange"].map(known[name]).where(front["handshake"], front.get(name))
    alone = judged[judged["front_exchange"].isna()].dropna(subset=["back_exchange"]).set_index("back_exchange")
    # Where the front cannot be read at all, the back tells what was asked.
    chosen = back["exchange"].isin(alone.index) | (not len(front))
    back = back[chosen.to_numpy(bool)].copy()
    back["handshake"] = back["exchange"].isin(alone.index).to_numpy(bool)
    for name in ("id", "verdict", "detail"):
        back[name] = back["exchange"].map(alone[name])
    back["back_exchange"] = back["exchange"]
    rows = pd.concat([front, back]) if len(front) else back
    rows = rows.sort_values("began", kind="stable").reset_index(drop=True)
    unnamed = ~rows["handshake"].to_numpy(bool)
    rows.loc[unnamed, "id"] = [f"r{number}" for number in range(1, int(unnamed.sum()) + 1)]
    return rows


def _rows(tables: Tables) -> pd.DataFrame:
    """The requests of one side, in order of time."""
    exchanges = tables.exchanges
    prepared = prepare(tables)
    rows = exchanges.assign(
        began=prepared["began"].to_numpy(np.int64),
        answered_at=prepared["answered"].to_numpy(np.int64),
        handshake=asks(exchanges),
        switched=switched(exchanges),
        unsure=prepared["unsure"].to_numpy(bool) | (exchanges["response_state"] == "missing").to_numpy(bool),
    )
    rows = rows.merge(tables.connections.drop(columns=["exchanges"]), on="connection", suffixes=("", "_connection"))
    rows["outcome"] = _outcomes(rows)
    rows["side"] = "front"
    rows = rows[rows["request_state"].notna().to_numpy(bool)]
    rows["first_frame_of"] = [int(frames[0]) if len(frames) else 0 for frames in rows["request_frames"]]
    return rows.sort_values(["began", "first_frame_of"], kind="stable").reset_index(drop=True)


def _named(handshakes: npt.NDArray[np.bool_]) -> list[str]:
    """`h1`, `h2` … and `r1`, `r2` …, in their order."""
    counts = (np.cumsum(handshakes), np.cumsum(~handshakes))
    return [f"h{counts[0][at]}" if asked else f"r{counts[1][at]}" for at, asked in enumerate(handshakes)]


def _outcomes(rows: pd.DataFrame) -> npt.NDArray[np.object_]:
    """What came of each; None where that is not known."""
    answered = rows["status"].notna().to_numpy(bool)
    ended = rows["reset"].notna().to_numpy(bool) | rows["ended"].notna().to_numpy(bool)
    outcome = np.where(ended, RESET, NO_ANSWER).astype(object)
    outcome[answered] = ANSWERED
    handshake = rows["handshake"].to_numpy(bool)
    outcome[answered & handshake] = REFUSED
    outcome[answered & handshake & rows["switched"].to_numpy(bool)] = ESTABLISHED
    outcome[rows["unsure"].to_numpy(bool)] = None
    return outcome


def read(rows: pd.DataFrame, front: Tables, back: Tables | None = None) -> Iterator[Captured]:
    """These rows of `of_side` or `of_analysis`, with what the files hold of them. Raises CaptureError where these cannot be read again."""
    sides = {"front": front, "back": back or front}
    found: dict[tuple[str, int], Traffic] = {}
    for side, mine in rows.groupby("side"):
        places = list(zip(mine["connection"].astype(int), mine["position"].astype(int), strict=True))
        traffic = capture.read_traffic(sides[str(side)], places)
        found |= {
            (str(side), int(number)): traffic[place]
            for number, place in zip(mine["exchange"], places, strict=True)
            if place in traffic
        }
    answers = _answers(rows, back) if back is not None else {}
    budget = Budget()
    sockets = {
        side: tables.websockets.set_index("exchange")[["close_code", "ended"]].to_dict("index")
        for side, tables in sides.items()
    }
    for row in rows.to_dict("records"):
        side, number = str(row["side"]), int(row["exchange"])
        socket = sockets[side].get(number)
        yield _captured(row, found.get((side, number)), answers.get(_whole(row.get("back_exchange"))), socket, budget)


def unread(rows: pd.DataFrame) -> Iterator[Captured]:
    """These rows, without what the files hold of them."""
    for row in rows.to_dict("records"):
        yield _captured(row, None, None, None)


def _answers(rows: pd.DataFrame, back: Tables) -> Mapping[int | None, tuple[bytes | None, int | None]]:
    """What the router answered behind the load balancer, by the back's exchange."""
    numbers = rows["back_exchange"].dropna().astype(int)
    exchanges = back.exchanges.set_index("exchange").reindex(numbers)
    places = list(zip(exchanges["connection"].astype(int), exchanges["position"].astype(int), strict=True))
    heads = capture.read_heads(back, places)
    return {
        int(number): (heads.get(place, (None, None))[1], _whole(status))
        for number, place, status in zip(numbers, places, exchanges["status"], strict=True)
    }


def _captured(
    row: Mapping[Any, Any],
    traffic: Traffic | None,
    router: tuple[bytes | None, int | None] | None,
    socket: Mapping[Any, Any] | None,
    budget: Budget | None = None,
) -> Captured:
    request, answer = traffic.heads if traffic else (None, None)
    whole = row["request_state"] == "complete" and request is not None
    said = conversation(
        traffic.pieces if traffic else (),
        traffic.lost if traffic else None,
        _text(row["response_sec_websocket_extensions"]),
        budget,
    )
    return Captured(
        id=str(row["id"]),
        handshake=bool(row["handshake"]),
        connection=int(row["connection"]) + (_ON_BACK if row["side"] == "back" else 0),
        version=_text(row["version"]) or "1.1",
        head=request or b"" if whole else b"",
        body=traffic.body if traffic else b"",
        body_whole=bool(traffic and traffic.body_whole),
        asked=int(row["began"]),
        answered=int(row["answered_at"]) if row["answered_at"] > 0 else None,
        answer=answer,
        status=_whole(row["status"]),
        outcome=_text(row["outcome"]),
        frames=said.frames,
        lost=said.lost,
        client=(str(row["client_address"]), int(row["client_port"])),
        server=(str(row["server_address"]), int(row["server_port"])),
        tls=_text(row["tls_version"]) is not None,
        router_answer=router[0] if router else None,
        router_status=router[1] if router else None,
        verdict=_text(row.get("verdict")),
        detail=_text(row.get("detail")),
        close_code=None if socket is None else _whole(socket["close_code"]),
        ended=None if socket is None or pd.isna(socket["ended"]) else int(socket["ended"].value),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def addresses(sides: Sequence[Tables]) -> frozenset[str]:
    """All addresses that appear in captures."""
    return frozenset(
        str(address)
        for tables in sides
        for end in ("client_address", "server_address")
        for address in tables.connections[end]
    )
