"""`X-Forwarded-Proto` reaches the router, but it is not the client's scheme.

What: the value is neither `http` nor `https`: `ws`, `wss`, several values, something else; or it is `http` although the
client speaks TLS to the load balancer. `https` where the client's side is in the clear is not wrong: something else may have
ended TLS before.

Why it matters: apps compare the value with `https`. With `wss` or `http` they redirect for ever, refuse the WebSocket as
insecure, or hand out links and cookies that do not work. The router hands on what it gets.

Example: Traefik sends `ws` with WebSocket handshakes; HAProxy with a hard-coded `http` on a frontend that ends TLS; two proxies
that each append a value: `https,http`.

What to change: let the load balancer replace the header by the scheme of the client's request:
  nginx      proxy_set_header X-Forwarded-Proto $scheme;
  HAProxy    http-request set-header X-Forwarded-Proto https if { ssl_fc }
             http-request set-header X-Forwarded-Proto http if !{ ssl_fc }
  Envoy      nothing: it sets the scheme of the connection; xff_num_trusted_hops where another proxy ends TLS
  Traefik    a headers middleware with customRequestHeaders: X-Forwarded-Proto: https on the TLS entry point
  Apache     RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
  F5 BIG-IP  an iRule: HTTP::header replace X-Forwarded-Proto "https"
  AWS        nothing on an ALB; a Classic ELB or NLB in TCP mode sets none

Source: VMware Tanzu, "Supporting WebSockets" and "X-Forwarded-For, X-Forwarded-Proto"; traefik/traefik 6388; RFC 7239 5.4.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.box import GOROUTER
from wsanalyze.rules.carried import column_of, connections_of, whole
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.forwarded import blank, received
from wsanalyze.rules.instances import problems
from wsanalyze.tables import Tables

TITLE = "X-Forwarded-Proto is not the client's scheme"
SEVERITY = "warning"

ADVICE = (
    "Let the load balancer replace X-Forwarded-Proto by http or https, as the client's connection is (nginx: proxy_set_header "
    "X-Forwarded-Proto $scheme; HAProxy: http-request set-header X-Forwarded-Proto https if { ssl_fc }; Traefik: a headers "
    "middleware; Apache: RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME})."
)
AT_GOROUTER = AtGorouter(
    "Let the load balancer in front of the Gorouter replace it by http or https, as the client's connection is: the "
    "Gorouter hands on what it gets. Behind a load balancer in TCP mode let the Gorouter set it anew "
    "(router.sanitize_forwarded_proto).",
    title="X-Forwarded-Proto, as the load balancer in front sent it, is not the client's scheme",
)
SCHEMES = ("http", "https")


def check(context: Context) -> Iterator[Problem]:
    """Requests and handshakes with such a value, paired or not."""
    side = context.received_on
    tables = context.tables(side)
    rows = received(context)
    values = column_of(tables, rows["exchange"], "x_forwarded_proto")
    rows = rows.assign(value=values)[whole(tables, rows["exchange"]) & ~blank(values)]
    scheme = rows["value"].str.strip().str.lower()
    odd = ~scheme.isin(SCHEMES)
    sure, likely = _encrypted(context, rows["exchange"])
    plain = scheme.eq("http") & (sure | likely)
    note = rows["value"].where(odd, rows["value"] + ", although the client speaks TLS")
    found = rows.assign(note=note, likely=plain & likely)[odd | plain]
    yield from problems(context, "warning", TITLE, ADVICE, {side: found})


def _encrypted(context: Context, received: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Whether the client's connection is TLS, as the pair shows; whether it is likely, where no pair does.

    In front of a Gorouter the client's own connection is not to be seen.
    """
    nothing = pd.Series(data=False, index=received.index)
    if context.box == GOROUTER:
        return nothing, nothing
    fronts = (
        context.carried.drop_duplicates("back").set_index("back")["front"].reindex(received).set_axis(received.index)
    )
    known = fronts.dropna().astype("int64")
    connections = connections_of(context.front, known, "protocol", "tls_version")
    return _is_tls(connections).reindex(fronts.index, fill_value=False), fronts.isna() & _all_encrypted(context.front)


def _all_encrypted(front: Tables) -> bool:
    """Whether every connection of the front that anything was sent on is TLS."""
    spoke = front.connections[front.connections["protocol"].notna()]
    return bool(len(spoke)) and bool(_is_tls(spoke).all())


def _is_tls(connections: pd.DataFrame) -> pd.Series:
    encrypted: pd.Series = connections["protocol"].eq("tls") | connections["tls_version"].notna()
    return encrypted
