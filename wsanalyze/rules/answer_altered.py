"""The load balancer replaced the router's refusal of a WebSocket handshake.

What: the router refused the handshake, and the client got another status than the router's, or the router's status without
its X-Cf-Routererror.

Why it matters: the router's own words say why: 404 `unknown_route`, 503 `no_endpoints`, 503 `route_service_unsupported`, 426
with the version that it speaks. What the client and its log show is the load balancer's error page, and people look for the
cause in the wrong place. Clients that try again with another version (RFC 6455 4.2.2) cannot.

Example: nginx with `proxy_intercept_errors on` and an error_page; a web application firewall that hides headers of servers.

What to change: let the load balancer hand on the router's answer:
  nginx      proxy_intercept_errors off; and no proxy_hide_header X-Cf-Routererror
  HAProxy    remove http-response return, http-response set-status and http-response del-header X-Cf-Routererror
  Envoy      remove local_reply_config mappers and response_headers_to_remove
  Apache     ProxyErrorOverride Off; no Header unset X-Cf-Routererror
  F5 BIG-IP  HTTP profile, Fallback on Error Codes: none; Response Headers Allowed: empty, or with X-Cf-Routererror
  AWS        CloudFront: no custom error responses for these hosts
Until then `wsanalyze show` shows what the router said.

Source: cloudfoundry/gorouter, X-Cf-Routererror; RFC 9110 15 (status codes), 7.7 (what proxies may change).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from wsanalyze.rules.carried import of
from wsanalyze.rules.context import AtGorouter, Context, Problem, text
from wsanalyze.rules.instances import problems
from wsanalyze.tables import equal

TITLE = "The load balancer replaced the router's refusal"
SEVERITY = "warning"

ADVICE = (
    "Let the load balancer hand on the router's answer, with its X-Cf-Routererror, which tells why it refused (nginx: "
    "proxy_intercept_errors off; Apache: ProxyErrorOverride Off; Envoy: no local_reply_config for these hosts)."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter hands on what an app answers. Where the client got something else, look in the Gorouter's access "
    "log at that time: the handshake may have been sent to another instance, or to a route service."
)
SWITCHING = 101


def check(context: Context) -> Iterator[Problem]:
    """Handshakes that the router refused in other words than the client got."""
    # Where a second try went out without the upgrade, the client may have got the answer to that.
    retried = context.handshakes.loc[context.handshakes["retried_without"].to_numpy(bool), "id"]
    rows = context.carried[context.carried["handshake"].notna() & ~context.carried["handshake"].isin(retried)]
    statuses = context.handshakes[["id", "front_status", "back_status"]].set_index("id").reindex(rows["handshake"])
    rows = pd.concat([rows, statuses.set_axis(rows.index)], axis=1)
    known = rows[["front_status", "back_status"]].notna().all(axis=1).to_numpy(bool)
    rows = rows[known & ~equal(rows["front_status"], SWITCHING) & ~equal(rows["back_status"], SWITCHING)]
    if not len(rows):
        return
    words = [
        of(tables, rows[side], "x_cf_routererror", "response_state").add_prefix(f"{side}_")
        for side, tables in (("front", context.front), ("back", context.back))
    ]
    answers = pd.concat([rows, *words], axis=1)
    lost = (
        answers["back_x_cf_routererror"].notna()
        & answers["front_x_cf_routererror"].isna()
        & answers["front_response_state"].eq("complete")
    )
    differs = answers["front_status"] != answers["back_status"]
    answers = answers.assign(lost=lost)[lost | differs]
    if not len(answers):
        return
    found = answers.assign(
        exchange=answers["front"], note=[_note(context, answer) for answer in answers.to_dict("records")]
    )
    yield from problems(context, "warning", TITLE, ADVICE, {"front": found})


def _note(context: Context, answer: dict[Any, Any]) -> str:
    said = " ".join(filter(None, (str(answer["back_status"]), text(answer["back_x_cf_routererror"]))))
    without = " without X-Cf-Routererror" if answer["lost"] else ""
    return f"{context.worded('router')} {said} → client {answer['front_status']}{without}"
