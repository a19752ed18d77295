"""WebSockets ended in another way than they should.

What: an established WebSocket ended with FIN or RST without a Close frame before it, and neither its silence nor its age explains
that (websocket-cut-idle, websocket-cut-lifetime); or it was closed with a code that tells of a fault: 1002, 1003, 1007 to
1011, or one that must not be sent at all (1005, 1006, 1015). The note says by whom.

Why it matters: the other end cannot know what was lost, and reports 1006. Where the load balancer did it, something made it:
a reload, a full table, a message that it does not like. Where the router did, an app or a router went away. Where the client did,
it may just have left (a closed laptop, a script without a close): that is for information only.

Example: 1008 "Client did not respond to ping before keep-alive timeout expired." from Loggregator: its pings or the pongs got
lost, or the nozzle is too slow to read them. 1009: a message larger than somebody's limit. 1011: the app failed.

What to change: by the load balancer: look in its log at that time.
  nginx      worker_shutdown_timeout, reloads; error_log: "upstream prematurely closed connection"
  HAProxy    the termination state in the log (such as sD, cD, SD, K-); hard-stop-after
  Envoy      %RESPONSE_FLAGS% in the access log (such as UC, DC, SI, UMSDR)
  AWS ALB    access log: target_processing_time, error_reason; deregistration_delay.timeout_seconds
  F5 BIG-IP  tmsh modify sys db tm.rstcause.log value enable: the reason of every RST
By the router: whether the app was restarted or scaled, or the router drained. For Loggregator's 1008: more instances of the
nozzle, and pings that get through.

Source: RFC 6455 7.1.1, 7.1.5, 7.4.1; Cloud Foundry docs, "Slow nozzle alerts"; cloudfoundry-community/firehose-to-syslog#83.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from wsanalyze.box import named
from wsanalyze.rules.context import AtGorouter, Context, Problem, at, rows
from wsanalyze.rules.endings import CLIENT, LB, OWN_WEBSOCKET, ROUTER, UNSEEN, endings, leg, shown
from wsanalyze.rules.finding import Confidence, Evidence, Severity, Side
from wsanalyze.tables import Tables, chosen

TITLE = "WebSockets were not closed as they should be"
SEVERITY = "warning; info where the client just left"

ADVICE = (
    "Where the load balancer ended them, look in its log at that time for a reload, a limit or an error; where the router did, "
    "whether the app or the router was restarted; codes tell their reason. A client that just left is nobody's fault."
)
AT_GOROUTER = AtGorouter(
    "Where the Gorouter ended them, look whether it was restarted or drained at that time (bosh tasks, its log); "
    "where the app did, whether it was restarted, scaled or moved to another cell (cf events); codes tell their "
    "reason. A client that just left is nobody's fault."
)

MEANINGS = {
    1002: "protocol error",
    1003: "unsupported data",
    1005: "must not be sent",
    1006: "must not be sent",
    1007: "invalid payload",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension missing",
    1011: "internal error",
    1015: "must not be sent",
}
"""Codes that tell of a fault (RFC 6455 7.4.1)."""


def check(context: Context) -> Iterator[Problem]:
    """WebSockets without a Close frame that nothing else explains, and those closed for a fault."""
    ended = context.once(endings)
    other = ended[ended["kind"] == "other"]
    found: dict[tuple[Severity, Confidence], list[Evidence]] = {}
    for row in rows(other):
        # Never more than is known: one who may be the client is taken for it.
        severity: Severity = "info" if CLIENT in row["who"] else "warning"
        found.setdefault((severity, "likely" if row["doubt"] else "certain"), []).append(shown(row, context.box))
    for confidence, evidence in _faults(context):
        found.setdefault(("warning", confidence), []).append(evidence)
    for (severity, confidence), instances in found.items():
        yield Problem(severity, TITLE, ADVICE, tuple(instances), confidence)


def _faults(context: Context) -> Iterator[tuple[Confidence, Evidence]]:
    """WebSockets whose Close frame carries one of these codes, once each, on the front where that shows it."""
    handshakes = context.handshakes
    codes = [
        sockets.loc[sockets["close_code"].isin(MEANINGS).to_numpy(bool), "exchange"]
        for sockets in (context.front.websockets, context.back.websockets)
    ]
    if not any(map(len, codes)):
        return
    handshakes = handshakes[(handshakes["outcome"] == "established") | handshakes["front_exchange"].isna()]
    outer, inner = (
        handshakes[f"{side}_exchange"].isin(closed) for side, closed in zip(("front", "back"), codes, strict=True)
    )
    faulty = handshakes[outer | inner]
    if not len(faulty):
        return
    front = _closes(context.front, faulty["front_exchange"])
    back = _closes(context.back, faulty["back_exchange"])
    for row in rows(faulty.assign(outer=outer[faulty.index].to_numpy(), unclosed=_unclosed(context, faulty))):
        here, there = front.get(row["front_exchange"]), back.get(row["back_exchange"])
        side: Side = "front" if row["outer"] else "back"
        if side == "back":
            here, there = there, here
        if here is not None:
            sender, sure = _sender(row, side, here, there)
            who = named(sender, context.box)
            note = f"{who}: {_words(here)}" if sure else f"{who}: {_words(here)}; {UNSEEN}"
            yield "certain" if sure else "likely", replace(at(row, side, note), frames=(here["close_frame"],))


def _unclosed(context: Context, handshakes: pd.DataFrame) -> np.ndarray:
    """Whether one of the legs is seen to have ended without a Close frame."""
    legs = (
        leg(tables, handshakes[f"{side}_exchange"])
        for side, tables in (("front", context.front), ("back", context.back))
    )
    outer, inner = ((side["ended"] & ~side["closed"]).to_numpy(bool) for side in legs)
    result: np.ndarray = outer | inner
    return result


def _words(close: dict[str, Any]) -> str:
    code, reason = close["close_code"], close["close_reason"] or ""
    words = f"Close {code}, {MEANINGS[code]}"
    if reason:
        words += f", “{reason}”"
    for known, beginning, meaning in _words_of_loggregator():
        if code == known and reason.lower().startswith(beginning):
            words += f": {meaning}"
    return words


def _closes(tables: Tables, exchanges: pd.Series) -> dict[int, dict[str, Any]]:
    """By exchange how its WebSocket was closed, for these exchanges."""
    columns = ["exchange", "closed_by", "close_code", "close_reason", "close_frame"]
    sockets = tables.websockets
    closed = chosen(sockets, sockets["closed_by"].notna() & sockets["exchange"].isin(exchanges.dropna()), *columns)
    return {row["exchange"]: row for row in rows(closed)}


def _sender(row: dict[str, Any], side: Side, here: dict[str, Any], there: dict[str, Any] | None) -> tuple[str, bool]:
    """Who sent a Close frame that one side shows, and whether that is sure."""
    near, far = (CLIENT, ROUTER) if side == "front" else (ROUTER, CLIENT)
    if (here["closed_by"] == "client") == (near == CLIENT):
        return near, True
    if there is not None:
        # Without a reason its payload was not captured.
        same = there["close_code"] == here["close_code"] or there["close_reason"] is None
        return (far if same and there["closed_by"] == here["closed_by"] else LB), True
    if row["unclosed"] or (row["verdict"] == "terminated" and row["detail"] in OWN_WEBSOCKET):
        return LB, True
    return (f"{LB} or {ROUTER}" if far == ROUTER else f"{CLIENT} or {LB}"), False


@cache
def _words_of_loggregator() -> tuple[tuple[int, str, str], ...]:
    """Code, beginning of the reason in lower case, meaning."""
    text = resources.files("wsanalyze.rules").joinpath("loggregator_closes.toml").read_text(encoding="utf-8")
    return tuple((entry["code"], entry["reason"].lower(), entry["meaning"]) for entry in tomllib.loads(text)["close"])
