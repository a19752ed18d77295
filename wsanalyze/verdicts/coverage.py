"""Takes handshakes for which nothing was found on the back, gives whether the back capture proves that nothing was there.

"Nothing on the back" may only be said where the capture had begun before the client's answer, went on after it, lost nothing
meanwhile and shows nothing that could be the handshake in another shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.completeness import UNREAD, dropped, loses, sealed, span
from wsanalyze.pairing import Pairing
from wsanalyze.pairing.clock import NEVER, UNBOUNDED, Times
from wsanalyze.pairing.prepare import last_forwarded, times
from wsanalyze.tables import Flags, Tables
from wsanalyze.verdicts.anew import MIN_PAYLOAD
from wsanalyze.verdicts.facts import NOBODY
from wsanalyze.verdicts.sealed import twins
from wsanalyze.verdicts.spans import holes
from wsanalyze.verdicts.vicinity import NEARBY, overlap

TURNS_WITHIN = 500_000_000
"""Nanoseconds after its own 101 in which a load balancer turns to the router, if it does so for the handshake."""


def cover(rows: pd.DataFrame, pairing: Pairing, front: Tables, back: Tables) -> None:
    """Add what the absence of a partner proves.

    `unproven` (an undetermined detail, or null), `why` (words for it), `covered` (the capture had begun before the request, and lost nothing),
    `syn_failed`, `syn_frame`, `bridge` (number of the raw connection that carries the payload).
    """
    rows["unproven"] = pd.Series(None, index=rows.index, dtype=object)
    rows["why"] = ""
    rows["covered"] = True
    rows["syn_failed"] = False
    rows["syn_frame"] = 0
    rows["bridge"] = NOBODY
    open_ = (rows["seen"] & ((rows["back"] == NOBODY) | rows["spare"])).to_numpy(bool)
    if not open_.any():
        return
    alone = rows[open_]
    window = _window(alone, pairing)
    first, last = (times(back.connections[name]) for name in ("first", "last"))
    trusted = pairing.clock.known and len(first) > 0 and not back.once(loses)
    rows.loc[open_, "covered"] = window.start >= span(back)[0] if trusted else np.zeros(len(alone), bool)
    failed = back.connections["opened"].isin(["unanswered", "refused"]).to_numpy(bool)
    rows.loc[open_, "syn_failed"] = overlap(window.start, window.answer[1], first[failed], last[failed])
    rows.loc[open_, "syn_frame"] = _first_within(window, first[failed], back.connections.loc[failed, "first_frame"])
    alone = rows[open_]
    carried = set(twins(front, back)["connection_back"])
    # Where nothing tells the clocks, what is hidden at any time may be it.
    wide = window if pairing.clock.known else window.ever()
    for detail, why, hit in _doubts(rows, alone, pairing, back, carried, window, wide):
        index = alone.index[hit & rows.loc[open_, "unproven"].isna().to_numpy(bool)]
        rows.loc[index, "unproven"] = detail
        rows.loc[index, "why"] = why
    _bridges(rows, alone, front, back, window)


@dataclass(frozen=True, slots=True)
class Window:
    """When, on the back's clock, each handshake would have to be seen there."""

    start: Times
    answer: tuple[Times, Times]
    """When the client had its answer: at the earliest, at the latest."""
    late: Times
    """Until when a load balancer that answered by itself may have turned to the router."""

    def ever(self) -> Window:
        """All of the time."""
        always = np.full(len(self.start), UNBOUNDED, np.int64)
        return Window(-always, (-always, always), always)


def _window(alone: pd.DataFrame, pairing: Pairing) -> Window:
    began = np.where(alone["f_began"] == NEVER, alone["f_over"], alone["f_began"]).astype(np.int64)
    over, late, low, high = (alone[name].to_numpy(np.int64) for name in ("f_over", "f_late", "low", "high"))
    return Window(began + pairing.clock.bounds(began)[0], (over + low, over + high), late + high)


def _doubts(
    rows: pd.DataFrame,
    alone: pd.DataFrame,
    pairing: Pairing,
    back: Tables,
    carried: set[int],
    window: Window,
    wide: Window,
) -> list[tuple[str, str, Flags]]:
    """What speaks against the proof: the detail, the words, the rows; the first that applies counts."""
    connections = back.connections
    first, last = (times(connections[name]) for name in ("first", "last"))
    if not len(connections):
        return [("back-not-captured", "the back capture holds no TCP packets", np.ones(len(alone), bool))]
    # What only carries a client's own TLS connection hides nothing of another one.
    hidden = sealed(connections) & ~connections["connection"].isin(carried).to_numpy(bool)
    raw = (connections["protocol"] == "unknown").to_numpy(bool)
    gaps = back.defects["name"].isin(["gap", "buffer-limit", *UNREAD]).to_numpy(bool)
    cut = ((back.defects["name"] == "truncated") & (back.defects["direction"] == "client")).to_numpy(bool)
    until = times(back.defects["time"])
    since = times(back.defects["since"])
    since = np.where(since == NEVER, until, since)
    begun, over = span(back)
    return [
        (
            "back-not-captured",
            "the back capture begins only after the client had its answer",
            window.answer[0] < begun,
        ),
        # A connection that failed meanwhile says why nothing followed.
        (
            "back-not-captured",
            "the back capture shows no traffic after it",
            (_followed(alone, window) > over) & ~alone["syn_failed"].to_numpy(bool),
        ),
        (
            "packets-missing",
            "files of the back capture are missing or end early at that time",
            overlap(wide.start, wide.late, *holes(back)),
        ),
        ("encrypted", "the back leg is encrypted", overlap(wide.start, wide.late, first[hidden], last[hidden])),
        (
            "packets-missing",
            "the back capture lacks packets at that time, or they cannot be read",
            overlap(wide.start - NEARBY, wide.answer[1] + NEARBY, since[gaps], until[gaps]),
        ),
        ("packets-missing", "the capturing program lost packets of the back leg", np.full(len(alone), dropped(back))),
        ("packets-missing", "the client's answer is the router's own", alone["router_words"].to_numpy(bool)),
        (
            "packets-missing",
            "the answer looks like those of the router, and the back capture does not hold all packets of that time",
            _like_the_routers(rows, alone) & _beheaded(back, wide),
        ),
        (
            "truncated",
            "the back capture cut requests at that time",
            overlap(wide.start, wide.late, since[cut], until[cut]),
        ),
        (
            "ambiguous",
            "a connection on the back carried bytes that are not HTTP",
            overlap(wide.start, wide.late, first[raw], last[raw]),
        ),
        (
            "ambiguous",
            "requests on the back that belong to nobody may have come from it",
            _leftovers(alone, pairing, wide),
        ),
    ]


def _followed(alone: pd.DataFrame, window: Window) -> Times:
    """Until when the back has to be seen: who answers 101 too early may turn to the router only then."""
    answered = window.answer[1]
    turned = np.minimum(window.late, answered + TURNS_WITHIN)
    result: Times = np.where(alone["f_101"], np.maximum(answered, turned), answered)
    return result


def _like_the_routers(rows: pd.DataFrame, alone: pd.DataFrame) -> Flags:
    """Whether an answer has the form of one that came from the router: the same status and the same headers in the same order."""
    shown = rows[rows["paired"] & (rows["f_status"] == rows["b_status"]) & (rows["f_status"] != 0)]
    known = {_form(head) for head in shown["f_response_head"]} - {()}
    return np.array([_form(head) in known for head in alone["f_response_head"]], bool)


def _form(head: object) -> tuple[bytes, ...]:
    if not isinstance(head, bytes):
        return ()
    start, *headers = head.split(b"\r\n")
    return (start[:12], *(line.partition(b":")[0] for line in headers))


def _beheaded(back: Tables, window: Window) -> Flags:
    """Whether near each handshake a connection turns up whose beginning is not there."""
    connections = back.connections
    unopened = set(
        back.defects.loc[back.defects["name"].isin(["syn-not-captured", "syn-ack-not-captured"]), "connection"]
    )
    late = (connections["opened"] == "mid-stream").to_numpy(bool) | connections["connection"].isin(unopened).to_numpy(
        bool
    )
    moments = times(connections["first"])[late]
    return overlap(window.start - NEARBY, window.answer[1] + NEARBY, moments, moments)


def _first_within(window: Window, at: np.ndarray, frames: pd.Series) -> npt.NDArray[np.int64]:
    """The frame of the first of these moments within each window; 0 without one."""
    order = np.argsort(at, kind="stable")
    index = np.searchsorted(at[order], window.start, side="left")
    found = np.zeros(len(window.start), np.int64)
    numbers = frames.to_numpy(np.int64)[order]
    inside = index < len(at)
    inside[inside] = at[order][index[inside]] <= window.answer[1][inside]
    found[inside] = numbers[index[inside]]
    return found


def _leftovers(alone: pd.DataFrame, pairing: Pairing, window: Window) -> Flags:
    """Whether an unpaired request on the back may be the handshake, changed beyond recognition."""
    left = pairing.back[
        ~pairing.back["exchange"].isin(pairing.pairs["back"]) & ~pairing.back["exchange"].isin(pairing.own)
    ]
    began = np.where(left["began"] == NEVER, left["answer"], left["began"])
    left = left.iloc[np.argsort(began, kind="stable")]
    began = np.sort(began)
    found = np.zeros(len(alone), bool)
    lower, upper = np.searchsorted(began, window.start, side="left"), np.searchsorted(began, window.late, side="right")
    for index in np.flatnonzero(upper > lower):
        handshake = alone.iloc[index]
        found[index] = any(_may_be(handshake, other) for other in left.iloc[lower[index] : upper[index]].itertuples())
    return found


def _may_be(handshake: pd.Series, other: object) -> bool:
    verb, target, host = (getattr(other, name) for name in ("verb", "target", "host"))
    if getattr(other, "traces") or getattr(other, "handshake") or not isinstance(verb, str):  # noqa: B009
        return True
    if last_forwarded(getattr(other, "x_forwarded_for")) == handshake["f_client_address"]:  # noqa: B009
        return True
    # Host and path may have been rewritten; then the same kind of answer is all that is left.
    if verb == handshake["f_verb"] and getattr(other, "status") in {0, handshake["f_status"]}:  # noqa: B009
        return True
    ours = handshake["f_target"]
    if verb != handshake["f_verb"] or not isinstance(ours, str) or not isinstance(target, str):
        return False
    return host == handshake["f_host"] or (len(target) > 1 and (ours.endswith(target) or target.endswith(ours)))


def _bridges(rows: pd.DataFrame, alone: pd.DataFrame, front: Tables, back: Tables, window: Window) -> None:
    """Find the raw connections whose first bytes are the first payload of a WebSocket that the load balancer answered."""
    raw = back.connections[(back.connections["protocol"] == "unknown").to_numpy(bool)]
    if not len(raw):
        return
    payloads = front.websockets.set_index("exchange")["client_first_payload"]
    opened = times(raw["first"])
    for at, (index, handshake) in enumerate(alone.iterrows()):
        payload = payloads.get(handshake["f_exchange"])
        if not isinstance(payload, bytes) or len(payload) < MIN_PAYLOAD:
            continue
        # The connection may be opened with the handshake or only when the first message comes.
        for number, prefix, moment in zip(raw["connection"], raw["client_prefix"], opened, strict=True):
            same = (
                isinstance(prefix, bytes)
                and len(prefix) >= MIN_PAYLOAD
                and (prefix.startswith(payload) or payload.startswith(prefix))
            )
            if same and window.start[at] <= moment <= max(
                int(window.late[at]), int(handshake["f_last"]) + int(handshake["high"])
            ):
                rows.loc[index, "bridge"] = int(number)
                break
