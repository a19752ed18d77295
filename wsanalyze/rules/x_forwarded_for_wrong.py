"""`X-Forwarded-For` reaches the router, but it does not name the client.

What: the request arrived with an X-Forwarded-For header, and none of the addresses that the load balancer added to it is the
address that the client connected from (or that the PROXY header before its request names). What the client itself sent in
that header proves nothing: anybody can send one.

Why it matters: apps, their logs, rate limits and the platform's own access rules take the wrong machine for the client, and
a client can choose for whom it is taken.

Example: a load balancer in TCP mode, or nginx without a line on X-Forwarded-For, hands on what the client made up; a second
proxy behind the first names the first one; Azure Application Gateway writes `address:port`, which counts as the address.

What to change: let the load balancer append the address that it sees, or replace the header where clients are not to be trusted:
  nginx      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;   (or $remote_addr: replace)
  HAProxy    option forwardfor;   with http-request del-header X-Forwarded-For before it: replace
  Envoy      use_remote_address: true
  Apache     nothing: mod_proxy_http appends; mod_remoteip where another proxy stands before it
  Traefik    nothing; forwardedHeaders.trustedIPs where another proxy stands before it
  F5 BIG-IP  HTTP profile, Insert X-Forwarded-For: Enabled
  AWS ALB    routing.http.xff_header_processing.mode: append
Where another load balancer stands in front of it, let that one send the PROXY protocol and this one read it (nginx: listen …
proxy_protocol; set_real_ip_from; HAProxy: bind … accept-proxy).

Source: VMware Tanzu, "Supporting WebSockets" and "X-Forwarded-For, X-Forwarded-Proto"; cloudfoundry/gorouter; RFC 7239 8.1.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.box import GOROUTER
from wsanalyze.rules.addresses import address, listed
from wsanalyze.rules.carried import column_of, connections_of, whole
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.finding import Side
from wsanalyze.rules.forwarded import blank, received
from wsanalyze.rules.instances import problems

TITLE = "X-Forwarded-For does not name the client"
SEVERITY = "warning"

ADVICE = (
    "Let the load balancer append the address that the client connects from (nginx: proxy_set_header X-Forwarded-For "
    "$proxy_add_x_forwarded_for; HAProxy: option forwardfor; Envoy: use_remote_address; AWS ALB: append). What the client "
    "sent in that header proves nothing. In TCP mode use a listener in HTTP mode, or the PROXY protocol."
)
AT_GOROUTER = AtGorouter(
    "Let the load balancer in front of the Gorouter append the address that the client connects from: the Gorouter "
    "hands on what it gets, and adds its peer's.",
    title="X-Forwarded-For, as the load balancer in front sent it, does not name the client",
)


def check(context: Context) -> Iterator[Problem]:
    """Requests and handshakes whose X-Forwarded-For was not given the client's address."""
    yield from problems(
        context, "warning", TITLE, ADVICE, _sent(context) if context.box == GOROUTER else _made(context)
    )


def _sent(context: Context) -> dict[Side, pd.DataFrame]:
    """What reached a Gorouter and cannot name the client, whose connection nobody captured.

    Who forwards writes the client's address last; a PROXY header before the request tells which it is.
    """
    rows = received(context)
    rows = rows[whole(context.front, rows["exchange"])]
    values = column_of(context.front, rows["exchange"], "x_forwarded_for")
    there = ~blank(values)
    rows, values = rows[there], values[there]
    source = connections_of(context.front, rows["exchange"], "proxy_source_address")["proxy_source_address"]
    pairs = list(zip(values, source.astype(object).where(source.notna(), None), strict=True))
    # Most name the same few clients.
    told = {pair: _unlike(*pair) for pair in set(pairs)}
    notes = [told[pair] for pair in pairs]
    wrong = [note is not None for note in notes]
    return {"front": rows[wrong].assign(note=[note for note in notes if note is not None])}


def _unlike(value: object, client: object) -> str | None:
    """Why the header does not name the client; None where it does, as far as that can be known."""
    named = [address(element) for element in listed(value)]
    if named and named[-1] is None:
        return f"{value}; the last is no address"
    expected = address(client)
    return f"{value}; expected {client}" if expected is not None and expected not in named else None


def _made(context: Context) -> dict[Side, pd.DataFrame]:
    """What a load balancer made of the header without naming the client that it saw."""
    rows = context.carried[context.carried["whole"]]
    values = column_of(context.back, rows["back"], "x_forwarded_for")
    there = ~blank(values)
    rows, values = rows[there], values[there]
    connections = connections_of(context.front, rows["front"], "client_address", "proxy_source_address")
    client = connections["proxy_source_address"].fillna(connections["client_address"])
    # Most name the client alone, or last, in the very same form; only the others are taken apart.
    for unlike in (pd.Series.ne, _ends_otherwise):
        chosen = unlike(values, client)
        rows, values, client = rows[chosen], values[chosen], client[chosen]
        if not len(rows):
            return {}
    sent = column_of(context.front, rows["front"], "x_forwarded_for")
    wrong = [not _names(*row) for row in zip(client, sent, values, strict=True)]
    notes = [f"{value}; expected {name}" for value, name in zip(values[wrong], client[wrong], strict=True)]
    found = rows[wrong].rename(columns={"back": "exchange"}).assign(note=notes)
    return {"back": found}


def _ends_otherwise(values: pd.Series, client: pd.Series) -> pd.Series:
    """Whether the last element is not the client's address, letter by letter, a port aside."""
    last = values.str.split(",").str[-1].str.strip()
    host = last.where(last.str.count(":") != 1, last.str.split(":").str[0])
    return last.ne(client) & host.ne(client)


def _names(client: object, sent: object, got: object) -> bool:
    """Whether the client's address is among those that were added to what it `sent`, or stands last where none was."""
    ours, theirs = listed(sent), listed(got)
    added = theirs[len(ours) :] if theirs[: len(ours)] == ours else theirs
    expected = address(client)
    return any(address(element) == expected for element in added or theirs[-1:])
