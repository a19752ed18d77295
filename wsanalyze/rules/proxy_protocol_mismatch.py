"""The router does not understand the PROXY protocol header that the load balancer sends.

What: a connection to the router begins with a PROXY protocol header, and its first request got a bare 400 (none of the
router's own headers, such as `X-Cf-Routererror`), or the router ended the connection without a word.

Why it matters: to a router that does not expect it, the header is a malformed request. Every request over that load
balancer fails, WebSocket or not, and the router's access log has no line for it. Gorouter reads version 1 only, and only
if it is told to; version 2 (binary) it never reads.

Example: an AWS NLB with proxy protocol v2 switched on, which sends no other version; HAProxy with `send-proxy-v2`.

What to change: switch the header off, or send version 1 and let the routers expect it (`router.enable_proxy: true` of
routing-release).
  AWS NLB    target group attribute proxy_protocol_v2.enabled = false
  AWS ELB    classic, TCP listener: ProxyProtocolPolicyType sends version 1
  HAProxy    server router1 10.0.16.10:80 send-proxy        (not send-proxy-v2)
  nginx      stream { server { … proxy_protocol on; } }     (sends version 1)
  Envoy      ProxyProtocolUpstreamTransport, config: { version: V1 }
  GCP        --proxy-header=PROXY_V1 (target TCP or SSL proxy), or NONE
  Azure      Private Link service: enableProxyProtocol false (it sends version 2)
  F5 BIG-IP  an iRule on SERVER_CONNECTED that sends "PROXY TCP4 …" (version 1), or none
An HTTP load balancer needs no PROXY header: it names the client in X-Forwarded-For.

Source: PROXY protocol specification (haproxy.org, doc/proxy-protocol.txt) 2.1, 2.2; cloudfoundry/routing-release,
router.enable_proxy.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.box import named
from wsanalyze.rules.context import AtGorouter, Context, Problem, text
from wsanalyze.rules.finding import Confidence, Evidence
from wsanalyze.tables import Tables

TITLE = "The router does not understand the load balancer's PROXY protocol header"
SEVERITY = "warning"

ADVICE = (
    "Gorouter reads version 1 only, and only with router.enable_proxy: switch the header off on the load balancer, or send version 1 "
    "(HAProxy: send-proxy; AWS NLB sends version 2 only: proxy_protocol_v2.enabled = false) and let the routers expect it."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter reads version 1 only, and only with router.enable_proxy: set that where the load balancer in front "
    "sends version 1, or switch the header off there; version 2 is never read.",
    title="The Gorouter does not understand the PROXY protocol header that it was sent",
)


def check(context: Context) -> Iterator[Problem]:
    """Connections to the platform's router with a PROXY header that came to nothing; certain for version 2 answered by a bare 400."""
    side, number = context.received_on, f"{context.received_on}_exchange"
    tables = context.tables(side)
    if not tables.connections["proxy_version"].notna().any():
        return
    connections = _first_answers(tables)
    handshakes = context.handshakes.dropna(subset=[number]).set_index(number)["id"].to_dict()
    file = str(tables.captures["file"].iloc[0]) if len(tables.captures) else ""
    router = named("router" if side == "back" else "load balancer", context.box)
    found: dict[Confidence, list[Evidence]] = {"certain": [], "likely": []}
    for row in connections[_failed(connections)].to_dict("records"):
        version = int(row["proxy_version"])
        sure = version == 2 and row["bare"]
        last = row["response_frames"] if row["bare"] else [row["end_frame"]]
        answered = "answered by a bare 400" if row["bare"] else f"ended by the {router} without an answer"
        found["certain" if sure else "likely"].append(
            Evidence(
                side=side,
                file=file,
                frames=tuple(
                    sorted({int(frame) for frame in (row["first_frame"], *_listed(row["request_frames"]), *last)})
                ),
                method=text(row["method"]),
                host=text(row["host"]),
                target=text(row["target"]),
                note=f"PROXY protocol version {version}, {answered}",
                handshake=handshakes.get(row["exchange"]),
            )
        )
    for confidence, evidence in found.items():
        yield Problem("warning", TITLE, ADVICE, tuple(evidence), confidence)


def _first_answers(tables: Tables) -> pd.DataFrame:
    """Connections that begin with a PROXY header, each with its first exchange.

    `bare`: that was answered 400, and not in the router's words; `answered`: in any other way.
    """
    connections = tables.connections[tables.connections["proxy_version"].notna()]
    first = tables.exchanges[tables.exchanges["position"] == 0]
    rows = connections.merge(first, on="connection", how="left", suffixes=("", "_exchange"))
    status = rows["status"].where(rows["response_state"] == "complete")
    spoken = rows["x_cf_routererror"].notna() | rows["x_vcap_request_id"].notna()
    bare = (status == 400).fillna(value=False).astype(bool) & ~spoken
    return rows.assign(bare=bare, answered=status.notna() & ~bare)


def _failed(rows: pd.DataFrame) -> pd.Series:
    """Whether the router disliked the header: never if the same router answered another connection that began with that version."""
    router = ["server_address", "server_port", "proxy_version"]
    understood = rows.groupby(router)["answered"].transform("any")
    # A request that deserves a 400 of its own says nothing.
    proper = rows["request_state"].isna() | (rows["host"].fillna("") != "") & (rows["defects"].map(_count) == 0)
    cut = (
        (rows["ended_by"] == "server")
        & (rows["server_bytes"] == 0)
        & (rows["server_gaps"] == 0)
        & rows["client_prefix"].notna()
    )
    failed: pd.Series = ~understood & ((rows["bare"] & proper) | cut.fillna(value=False).astype(bool))
    return failed


def _listed(value: object) -> list[int]:
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else []  # type: ignore[call-overload]


def _count(value: object) -> int:
    return len(_listed(value))
