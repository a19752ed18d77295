"""The load balancer accepted an upgrade to HTTP/2 itself.

What: a client asked for `Upgrade: h2c` (HTTP/2 without TLS) and got 101, but no router said so: the request reached a
router without that upgrade, or did not reach one at all.

Why it matters: the load balancer speaks HTTP/2 with the client and HTTP/1.1 with the router. Ordinary requests work. But
WebSocket on that connection is now up to the load balancer (RFC 8441), and a 101 in its log is not a WebSocket. Some
clients (Java's HttpClient, Apache HttpClient, curl --http2) ask for it with every first request, without being told to.

Example: lighttpd, h2o and nghttpx answer 101 to `Upgrade: h2c` unless they are told not to.

What to change: let the load balancer ignore the header on listeners without TLS:
  lighttpd   server.feature-flags += ( "server.h2c" => "disable" )
  h2o        http1-upgrade-to-http2: OFF
  Apache     Protocols http/1.1        (or: H2Upgrade off)
  Envoy      upgrade_configs: list websocket only
  nghttpx    has no setting for it: terminate TLS, which has no such upgrade
Or let the client stop asking for it (curl --http1.1; Java: HttpClient.Version.HTTP_1_1).

Source: RFC 7540 3.2; RFC 9113 3.1 (given up since); RFC 9110 7.8.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.completeness import drops, sealed, span
from wsanalyze.pairing.clock import NEVER
from wsanalyze.pairing.prepare import SWITCHING, flag
from wsanalyze.rules.context import AtGorouter, Context, Problem, text
from wsanalyze.rules.finding import Confidence, Evidence
from wsanalyze.tables import chosen, equal
from wsanalyze.verdicts.vicinity import LOSSES

TITLE = "The load balancer accepted an upgrade to HTTP/2 (h2c) itself"
SEVERITY = "warning"

ADVICE = (
    "Let the load balancer ignore Upgrade: h2c on listeners without TLS (lighttpd: server.h2c disable; h2o: http1-upgrade-to-http2: "
    "OFF; Apache: Protocols http/1.1), or let the client stop asking for it."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter speaks HTTP/2 after TLS (ALPN), and does not take up Upgrade: h2c. Look for what else stands "
    "between the captures, or let the client stop asking for it."
)

_H2C = r"(?:^|,)[ \t]*h2c[ \t]*(?:,|$)"
"""The Upgrade header lists `h2c` (RFC 9110 7.8), in any case."""


def check(context: Context) -> Iterator[Problem]:
    """Requests for h2c that got 101 from the load balancer; certain where the router is seen to have answered otherwise."""
    asked = _switched(context.front.exchanges)
    if not len(asked):
        return
    answers = _answers(context)
    provable = _provable(context, asked)
    file = str(context.front.captures["file"].iloc[0])
    found: dict[Confidence, list[Evidence]] = {"certain": [], "likely": []}
    for row in asked.to_dict("records"):
        partners = answers[answers["front"] == row["exchange"]]
        if len(partners) and (partners["status"].isna() | (partners["status"] == SWITCHING)).any():
            continue
        if not len(partners) and row["exchange"] not in provable:
            continue
        sure = len(partners) and not partners["doubtful"].any()
        note = (
            f"the {context.worded('router')} answered {partners['status'].iloc[0]}"
            if sure
            else f"no {context.worded('router')} answered 101"
        )
        found["certain" if sure else "likely"].append(
            Evidence(
                side="front",
                file=file,
                frames=tuple(sorted({int(frame) for name in _FRAMES for frame in row[name]})),
                method=text(row["method"]),
                host=text(row["host"]),
                target=text(row["target"]),
                note=note,
            )
        )
    for confidence, evidence in found.items():
        yield Problem("warning", TITLE, ADVICE, tuple(evidence), confidence)


_FRAMES = ("request_frames", "response_frames")
_LOOKED_AT = ("exchange", "method", "host", "target", "request_upgrade", "request_state", "response_state", *_FRAMES)


def _switched(exchanges: pd.DataFrame) -> pd.DataFrame:
    """Exchanges that asked for h2c and were answered 101."""
    switched = equal(exchanges["status"], SWITCHING) & ~flag(exchanges["accepts_websocket"])
    asked = chosen(exchanges, switched, *_LOOKED_AT)
    if not len(asked):
        return asked
    whole = equal(asked["request_state"], "complete") & equal(asked["response_state"], "complete")
    listed = asked["request_upgrade"].fillna("").str.lower().str.contains(_H2C, regex=True).to_numpy(bool)
    return asked[whole & listed]


def _answers(context: Context) -> pd.DataFrame:
    """For each pair of exchanges how the router answered: front, doubtful, status (null where that was not captured)."""
    pairs = context.pairing.pairs
    exchanges = context.back.exchanges.set_index("exchange")
    status = exchanges["status"].where(exchanges["response_state"] == "complete")
    return pairs[["front", "doubtful"]].assign(status=status.reindex(pairs["back"]).array)


def _provable(context: Context, asked: pd.DataFrame) -> set[int]:
    """Exchanges during which the back capture ran, lost nothing, hid nothing and shows no 101 that may be theirs."""
    back, pairing = context.back, context.pairing
    theirs = back.exchanges[~back.exchanges["exchange"].isin(pairing.pairs["back"])]
    hidden = (
        not pairing.clock.pairs
        or back.defects["name"].isin(LOSSES).any()
        or drops(back)
        or sealed(back.connections).any()
        or back.connections["protocol"].eq("unknown").any()
        or ((theirs["status"] == SWITCHING) & ~flag(theirs["accepts_websocket"])).any()
    )
    if hidden or not len(back.connections):
        return set()
    ours = pairing.front.loc[asked["exchange"]]
    began, answered = ours["began"].to_numpy("int64"), ours["answered"].to_numpy("int64")
    first, last = span(back)
    low, high = pairing.clock.bounds(began)
    covered = (began != NEVER) & (answered != NEVER) & (began + low >= first) & (answered + high <= last)
    return set(ours.loc[covered, "exchange"])
