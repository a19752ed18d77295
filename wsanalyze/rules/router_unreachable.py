"""The load balancer could not connect to the router.

What: on the back leg a connection was refused (its SYN was answered by RST), or nothing answered its SYN.

Why it matters: the load balancer has one router less, or none. Clients get 502, 503 or 504 of its own, and the router's
log shows nothing. With several routers it may only cost time: the load balancer tries the next one. A health check that
is refused counts too: it is why the load balancer takes the router for dead.

Example: an AWS NLB whose target group names port 4443, where the router does not listen; a security group that lets the
load balancer reach port 80 only; a router that is being restarted.

What to change: name the address and port on which the routers listen, and let the load balancer through:
  nginx      upstream { server 10.0.16.10:80; }
  HAProxy    server router1 10.0.16.10:80 check
  Envoy      load_assignment: … socket_address: { address: 10.0.16.10, port_value: 80 }
  AWS        the target group's port and health check port; the routers' security group: inbound from the load balancer
  Azure      the backend pool's port, and the network security group: allow AzureLoadBalancer
  GCP        the backend service's named port; firewall: allow 35.191.0.0/16 and 130.211.0.0/22
  F5 BIG-IP  pool member 10.0.16.10:80, and its monitor
On the platform: the ports that the router listens on, and whether its VM runs (`bosh vms`).

Source: RFC 9293 3.10.7.1 (RST to a SYN that nobody listens for), 3.8.3; the load balancers' manuals.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from wsanalyze.completeness import drops, ends
from wsanalyze.pairing.prepare import times
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.finding import Confidence, Evidence
from wsanalyze.tables import Tables, chosen, equal
from wsanalyze.verdicts.vicinity import LOSSES
from wsanalyze.verdicts.wording import addressed

TITLE = "The load balancer could not connect to the router"
SEVERITY = "warning"

ADVICE = (
    "Check the address and port of the load balancer's pool and of its health checks, the firewall or security group between them "
    "and the routers, and that the routers listen there."
)
AT_GOROUTER = AtGorouter(
    "Check whether the app's instances run (cf app, cf events) and listen on their port, and whether the route is "
    "stale: a Gorouter goes on with an instance that is gone until its registration ends. Then the network between "
    "the Gorouters and the Diego cells."
)

PATIENCE = 1_000_000_000
"""Nanoseconds that a capture has to go on after a SYN before silence means something; after as long a SYN is sent again (RFC 6298 2)."""


def check(context: Context) -> Iterator[Problem]:
    """Connections on the back that were refused or not answered; certain unless the capture may have lost the answer."""
    failed = _failed(context.back)
    if not len(failed):
        return
    handshakes = _handshakes(context)
    file = str(context.back.captures["file"].iloc[0]) if len(context.back.captures) else ""
    found: dict[Confidence, list[Evidence]] = {"certain": [], "likely": []}
    for row in failed.to_dict("records"):
        confidence: Confidence = "certain" if row["proven"] else "likely"
        frames = {int(row["first_frame"]), int(row["last_frame"] if pd.isna(row["end_frame"]) else row["end_frame"])}
        client, server = (addressed(row[f"{who}_address"], row[f"{who}_port"]) for who in ("client", "server"))
        handshake = next((handshakes[frame] for frame in sorted(frames) if frame in handshakes), None)
        note = f"{client} to {server}: {row['opened']}"
        found[confidence].append(Evidence("back", file, tuple(sorted(frames)), note=note, handshake=handshake))
    for confidence, evidence in found.items():
        count = f"{len(evidence)} time{'s' if len(evidence) != 1 else ''}"
        yield Problem("warning", f"{TITLE}, {count}", ADVICE, tuple(evidence), confidence)


_LOOKED_AT = (
    *("client_address", "client_port", "server_address", "server_port"),
    *("opened", "first_frame", "last_frame", "end_frame"),
)


def _failed(back: Tables) -> pd.DataFrame:
    """The connections that failed; `proven` where the answer cannot have been lost by the capture."""
    connections = back.connections
    refused = equal(connections["opened"], "refused")
    mute = equal(connections["server_packets"], 0)
    spoke = ~equal(connections["client_bytes"], 0)
    open_ = connections["ended"].isna().to_numpy(bool)
    silent = equal(connections["opened"], "unanswered") & mute & ~spoke & open_
    waited = times(connections["first"]) + PATIENCE <= back.once(ends).to_numpy(np.int64)
    # Who sends bytes was answered: this capture lacks what the routers sent.
    one_sided = bool((mute & spoke).any())
    whole = not back.defects["name"].isin(LOSSES).any() and not drops(back)
    proven = refused | (connections["client_packets"] > 1).to_numpy(bool) | whole
    failed = refused | (silent & waited & (not one_sided))
    return chosen(connections, failed, *_LOOKED_AT).assign(proven=proven[failed])


def _handshakes(context: Context) -> dict[int, str]:
    """The handshakes that were lost to it, by the frame of the SYN."""
    blocked = context.rows(equal(context.handshakes["detail"], "router-unreachable"))
    return {frame: row["id"] for row in blocked for frame in row["back_frames"]}
