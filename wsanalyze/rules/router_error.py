"""The router answered with an error of its own.

What: a response with the header `X-Cf-Routererror`: the router, not the app, made the answer.

Why it matters: the load balancer passed the request on; the router could not. The value says why.

Example: `unknown_route` (404): no app is mapped to this host. `no_endpoints` (503): the app has no running instance.
`endpoint_failure (…)` (502): the instance did not answer properly. `Connection Limit Reached` (503).

What to change: it depends on the value; nothing of it is on the load balancer, but for `empty_host` (it sends no Host, or
its own address as Host) and for `unknown_route` where it rewrites the Host header.

Source: cloudfoundry/gorouter, X-Cf-Routererror; Cloud Foundry docs, "Troubleshooting router error responses".
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.box import GOROUTER
from wsanalyze.pairing.own import is_health_check
from wsanalyze.rules.context import AtGorouter, Context, Problem, text
from wsanalyze.rules.finding import Evidence, Side
from wsanalyze.tables import Tables, chosen

TITLE = "The router answered with an error of its own"
SEVERITY = "warning"

AT_GOROUTER = AtGorouter(
    "It depends on the value: look at the route (cf routes), at the app's instances (cf app), and at the Gorouter's"
    " access log and log at that time.",
    title="The Gorouter answered with an error of its own",
)

MEANINGS = {
    "empty_host": "the request had no Host, or the router's own address as Host: let the load balancer forward the client's Host header",
    "invalid_cf_app_instance_header": "the client's X-Cf-App-Instance header is malformed",
    "unknown_route": "no app is mapped to this host: check `cf routes`, and that the load balancer does not rewrite Host",
    "no_endpoints": "the route has no running instance: check `cf app`",
    "connection limit reached": "the instance has as many connections as the router allows: scale the app, or raise the limit",
    "route_service_unsupported": "WebSocket on a route that is bound to a route service",
    "expired_route_service_signature": "the route service took too long to send the request on",
    "invalid_route_service_signature": "the route service changed or lost the signature headers",
    "endpoint_failure": "the app's instance did not answer properly: look at the app's log",
    "max-request-size-exceeded": "the request's headers are larger than the router allows",
    "unknown_failure": "the router failed internally: look at its log",
}
"""By prefix, in lower case."""


def check(context: Context) -> Iterator[Problem]:
    """Answers with X-Cf-Routererror, one finding a value; but for those of route services, which have a rule of their own."""
    by_meaning: dict[str, list[Evidence]] = {}
    for value, evidence in context.once(error_answers):
        known = next((prefix for prefix in MEANINGS if value.lower().startswith(prefix)), value)
        if known != "route_service_unsupported":
            by_meaning.setdefault(known, []).append(evidence)
    for known, found in by_meaning.items():
        meaning = MEANINGS.get(known, "a value that is not known here: look for it in the router's documentation")
        advice = f"{meaning[0].upper()}{meaning[1:]}."
        # Whichever box is judged, that router is the Gorouter.
        at_gorouter = advice.replace("router", "Gorouter")
        yield Problem("warning", TITLE, advice, tuple(found), about=known, at_gorouter=at_gorouter)


_LOOKED_AT = (
    *("exchange", "request_frames", "response_frames", "method", "host", "target"),
    *("user_agent", "status", "x_cf_routererror"),
)


def error_answers(context: Context) -> tuple[tuple[str, Evidence], ...]:
    """The value of X-Cf-Routererror and where it is seen: on the back, or on the front where only that shows it.

    A Gorouter's own answers are those of the front that no app gave.
    """
    sides = (context.front, context.back)
    if not any(tables.exchanges["x_cf_routererror"].notna().any() for tables in sides):
        return ()
    handshakes = context.handshakes[["id", "front_exchange", "back_exchange"]]
    shown_on_back = set(handshakes.loc[handshakes["back_exchange"].notna(), "front_exchange"].dropna())
    back = _told(context.back)
    # The load balancer's own probes concern nobody's app.
    back = back[~back["exchange"].isin(context.pairing.own).to_numpy(bool) & ~is_health_check(back["user_agent"])]
    front = _told(context.front)
    front = front[front["exchange"].isin(set(handshakes["front_exchange"].dropna()) - shown_on_back)]
    if context.box == GOROUTER:
        return tuple(_answers("front", _own(context), context.front, handshakes))
    return (
        *_answers("back", back, context.back, handshakes),
        *_answers("front", front, context.front, handshakes),
    )


def _told(tables: Tables) -> pd.DataFrame:
    """The exchanges of a side that were answered with the header."""
    return chosen(tables.exchanges, tables.exchanges["x_cf_routererror"].notna(), *_LOOKED_AT)


def _own(context: Context) -> pd.DataFrame:
    """The front's answers with the header, but for health checks and those whose header came from behind."""
    front, back = _told(context.front), _told(context.back)
    pairs = context.pairing.pairs
    handed_on = front["exchange"].isin(pairs.loc[pairs["back"].isin(back["exchange"]), "front"]).to_numpy(bool)
    own: pd.DataFrame = front[~handed_on & ~is_health_check(front["user_agent"])]
    return own


def _answers(
    side: Side, exchanges: pd.DataFrame, tables: Tables, handshakes: pd.DataFrame
) -> Iterator[tuple[str, Evidence]]:
    if not len(exchanges):
        return
    numbers = handshakes.dropna(subset=[f"{side}_exchange"]).set_index(f"{side}_exchange")["id"].to_dict()
    file = str(tables.captures["file"].iloc[0])
    for row in exchanges.to_dict("records"):
        frames = {int(frame) for name in ("request_frames", "response_frames") for frame in _listed(row[name])}
        yield (
            row["x_cf_routererror"],
            Evidence(
                side=side,
                file=file,
                frames=tuple(sorted(frames)),
                method=text(row["method"]),
                host=text(row["host"]),
                target=text(row["target"]),
                note=f"{row['status']} {row['x_cf_routererror']}",
                handshake=numbers.get(row["exchange"]),
            ),
        )


def _listed(value: object) -> list[int]:
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else []  # type: ignore[call-overload]
