"""The load balancer changed the Host header.

What: the request that reached the router names another host than the one that the client sent. Upper and lower case do not
count, nor does a default port (80, 443).

Why it matters: Gorouter finds the app by Host. With another Host it answers 404 `unknown_route`, or sends the request to
another app; apps that compare Origin with Host refuse WebSocket, and links and cookies get the wrong name.

Example: nginx with a bare `proxy_pass` sends the upstream's name as Host; so do Apache's ProxyPass and AWS CloudFront.

What to change: let the load balancer hand on the client's Host:
  nginx      proxy_set_header Host $http_host;
  HAProxy    nothing: it hands Host on; remove http-request set-header Host
  Envoy      nothing: it hands Host on; remove host_rewrite_literal, auto_host_rewrite
  Apache     ProxyPreserveHost On
  F5 BIG-IP  remove HTTP::host or HTTP::header replace Host from the iRule or the policy
  AWS ALB    Attributes, Preserve host header: on
  Azure      Application Gateway, backend settings: Override with new host name: No

Source: cloudfoundry/gorouter (routes are looked up by Host); RFC 9110 7.2; RFC 9112 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.rules.carried import column_of, of
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.instances import problems

TITLE = "The load balancer changed the Host header"
SEVERITY = "warning"

ADVICE = (
    "Let the load balancer hand on the client's Host, by which the router finds the app (nginx: proxy_set_header Host "
    "$http_host; Apache: ProxyPreserveHost On; AWS ALB: preserve host header; HAProxy and Envoy do unless told otherwise)."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter hands on Host, but for a route that is bound to a route service: there it names the service, and "
    "the client's URL stands in X-CF-Forwarded-Url. Elsewhere look for what else stands between the captures."
)


def check(context: Context) -> Iterator[Problem]:
    """Requests and handshakes whose Host is not that of the client's request."""
    rows = context.carried[context.carried["whole"]]
    front = of(context.front, rows["front"], "host", "target").set_axis(["front_host", "front_target"], axis=1)
    hosts = front.assign(back_host=column_of(context.back, rows["back"], "host"))
    hosts = hosts[_plain(hosts["front_host"]) != _plain(hosts["back_host"])]
    if not len(hosts):
        return
    named = pd.Series([_authority(target) for target in hosts["front_target"]], index=hosts.index, dtype="str")
    hosts = hosts[named.isna() | (_plain(named) != _plain(hosts["back_host"]))]
    found = rows.loc[hosts.index].rename(columns={"back": "exchange"})
    notes = [
        f"{_shown(ours)} → {_shown(theirs)}"
        for ours, theirs in zip(hosts["front_host"], hosts["back_host"], strict=True)
    ]
    yield from problems(context, "warning", TITLE, ADVICE, {"back": found.assign(note=notes)})


def _plain(hosts: pd.Series) -> pd.Series:
    """Hosts as they are compared (RFC 3986 6.2.2.1, 6.2.3); an absent one is like none that is there."""
    plain: pd.Series = hosts.fillna("\0").str.strip().str.lower().str.removesuffix(":80").str.removesuffix(":443")
    return plain


def _authority(target: object) -> str | None:
    """The host of a target in absolute-form, which a proxy has to take for the Host (RFC 9112 3.2.2)."""
    _, absolute, rest = target.partition("://") if isinstance(target, str) else ("", "", "")
    return rest.partition("/")[0] if absolute else None


def _shown(host: object) -> str:
    return host or "(blank)" if isinstance(host, str) else "(none)"
