"""A WebSocket handshake breaks RFC 6455 as a request.

What: the client's request asks for WebSocket and lacks something that RFC 6455 demands of it, or the load balancer broke
something that was right. The note names each broken rule and who broke it: `client: …`, `load balancer: …`. That the upgrade
or the version was lost on the way has rules of its own, upgrade-stripped and http10-upstream.

Why it matters: servers must refuse such a handshake with 400, or 426 for another version (RFC 6455 4.2.1, 4.4). Load
balancers check some of it themselves and answer before a router sees it. Where a client breaks the rule, no load balancer's
configuration helps.

Example: a health check that sends Upgrade without Sec-WebSocket-Key (HAProxy answers 400); a script with a made-up key that is
not 16 bytes; a proxy that sends the headers it adds a second time; Envoy, which translates a handshake over HTTP/2 (RFC 8441)
without making a key for the router.

What to change: `client: …`: the client or its library. `load balancer: …`: let it hand on the handshake's headers as they are:
  nginx      no proxy_set_header for Sec-WebSocket-*; proxy_set_header Host $http_host; once, in one place
  HAProxy    no http-request del-header or set-header on sec-websocket-*
  Envoy      no request_headers_to_remove or _to_add with sec-websocket-*; append_action OVERWRITE_IF_EXISTS_OR_ADD
  Apache     mod_proxy_http with upgrade=websocket; no RequestHeader add or unset on Sec-WebSocket-*
  Envoy      over HTTP/2: let clients use HTTP/1.1 (alpn_protocols without h2), since it makes no key
  F5 BIG-IP  a WebSocket profile; no HTTP::header insert for headers that are there

Source: RFC 6455 4.1 (the numbered list of what the request has to hold), 4.2.1, 11.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wsanalyze.box import named
from wsanalyze.pairing.prepare import flag
from wsanalyze.rules.carried import asked_in_front, of
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.instances import problems
from wsanalyze.tables import Flags, equal

TITLE = "WebSocket handshakes break RFC 6455"
SEVERITY = "warning"

ADVICE = (
    "What the client broke, the client or its library has to mend: servers must refuse it. What the load balancer broke: let it "
    "hand on Host and the Sec-WebSocket headers as they are, each once."
)
AT_GOROUTER = AtGorouter(
    "What was wrong when it came, the client or the load balancer in front of the Gorouter has to mend: apps must "
    "refuse it. A Gorouter hands on Host and the Sec-WebSocket headers as they are: what is wrong only behind it, "
    "something else between the captures did."
)


@dataclass(frozen=True, slots=True)
class Demand:
    """Something that RFC 6455 4.1 demands of the request."""

    broken: Callable[[pd.DataFrame], Flags]
    text: str
    """What is wrong; `{value}` stands for the value of `column`."""
    column: str = ""
    client_only: bool = False
    """On the back this is the business of another rule."""
    kept_by_http2: bool = False
    """It is demanded of an extended CONNECT, too."""


DEMANDS = (
    Demand(lambda r: ~equal(r["method"], "GET"), "the method is {value}, not GET", "method"),
    Demand(
        lambda r: r["version"].lt("1.1").to_numpy(bool),
        "HTTP/{value}, not 1.1 or later",
        "version",
        client_only=True,
    ),
    Demand(lambda r: _absent(r["host"]), "no Host"),
    Demand(lambda r: equal(r["host"].str.strip(), ""), "Host is empty"),
    # Lines are joined by a comma and a blank, and a host holds no blank.
    Demand(lambda r: _holds(r["host"], ", "), "several Hosts ({value})", "host"),
    Demand(lambda r: equal(r["asks_upgrade"], value=False), "no Connection: upgrade", client_only=True),
    Demand(lambda r: _absent(r["sec_websocket_key"]), "no Sec-WebSocket-Key"),
    Demand(lambda r: _holds(r["sec_websocket_key"], ","), "several Sec-WebSocket-Keys"),
    Demand(
        lambda r: equal(r["key_valid"], value=False) & ~_holds(r["sec_websocket_key"], ","),
        "Sec-WebSocket-Key is not the Base64 form of 16 bytes",
    ),
    Demand(lambda r: _absent(r["sec_websocket_version"]), "no Sec-WebSocket-Version", kept_by_http2=True),
    Demand(
        lambda r: ~_absent(r["sec_websocket_version"]) & ~equal(r["sec_websocket_version"].str.strip(), "13"),
        "Sec-WebSocket-Version is {value}, not 13",
        "sec_websocket_version",
        kept_by_http2=True,
    ),
)

_LOOKED_AT = (
    *("method", "version", "host", "asks_websocket", "asks_upgrade", "sec_websocket_key", "key_valid"),
    *("sec_websocket_version", "request_state"),
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes that break a demand: what the client broke on the front, what only the load balancer broke on the back."""
    asked = context.once(asked_in_front)
    front = of(context.front, asked["exchange"], *_LOOKED_AT)
    # What does not ask for WebSocket is no handshake on the front.
    speaks = equal(front["request_state"], "complete") & flag(front["asks_websocket"])
    asked, front = asked[speaks], front[speaks]
    # An extended CONNECT has no method GET and no key; who translates it has to make them (RFC 8441 5).
    as_http1 = ~equal(front["version"], "2")
    broken = np.stack([demand.broken(front) & (as_http1 | demand.kept_by_http2) for demand in DEMANDS], axis=1)
    by_client = _noted(asked, front, broken, named("client", context.box))
    both = context.carried[context.carried["front"].isin(asked["exchange"]) & context.carried["handshake"].notna()]
    sent = broken[pd.Index(asked["exchange"]).get_indexer(both["front"])]
    back = of(context.back, both["back"], *_LOOKED_AT)
    # What was stripped is no handshake any more; that is the business of another rule.
    still = flag(back["asks_websocket"]) & flag(back["asks_upgrade"])
    whole = equal(back["request_state"], "complete") & still & ~equal(back["version"], "2")
    anew = np.stack([whole & demand.broken(back) & (not demand.client_only) for demand in DEMANDS], axis=1)
    received = both.rename(columns={"back": "exchange"})
    by_lb = _noted(received, back, anew & ~sent, named("load balancer", context.box))
    yield from problems(context, "warning", TITLE, ADVICE, {"front": by_client, "back": by_lb})


def _noted(rows: pd.DataFrame, values: pd.DataFrame, broken: Flags, who: str) -> pd.DataFrame:
    """The rows that break something, each with what it breaks."""
    guilty: Flags = np.any(broken, axis=1)
    if not guilty.any():
        return rows[guilty]
    notes = []
    for row, breaks in zip(values[guilty].to_dict("records"), broken[guilty], strict=True):
        told = (
            demand.text.replace("{value}", str(row.get(demand.column)))
            for demand, breaks_it in zip(DEMANDS, breaks, strict=True)
            if breaks_it
        )
        notes.append(f"{who}: {'; '.join(told)}")
    return rows[guilty].assign(note=notes)


def _absent(column: pd.Series) -> Flags:
    return column.isna().to_numpy(bool)


def _holds(column: pd.Series, text: str) -> Flags:
    return column.str.contains(text, regex=False, na=False).to_numpy(bool)
