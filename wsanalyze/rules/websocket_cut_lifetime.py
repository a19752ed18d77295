"""The load balancer ended WebSockets at a certain age, although they were in use.

What: an established WebSocket ended without a Close frame; the load balancer sent the FIN or RST while frames went by (less
than 10 s before), and its age is a known timeout, or at least three WebSockets ended at that age. Likely only where a single age
tells, or where all of them began and ended together.

Why it matters: a limit for how long a request may take, such as a backend timeout, is the lifetime of a WebSocket, idle or
not. Pings do not help. Clients see an abnormal closure (1006) at regular intervals; nozzles and `cf logs` lose what is sent until they are
connected again.

Example: a Google Cloud HTTP(S) load balancer whose backend service timeout is 30 s, as it is by default: every WebSocket
ends after 30 s.

What to change: raise the limit for WebSockets; and let clients connect again, since no load balancer keeps them for ever.
  GCP        gcloud compute backend-services update … --timeout=86400
  Envoy      route: timeout: 0s; max_stream_duration and max_connection_duration: not set
  HAProxy    timeout tunnel counts idle time only: look for hard-stop-after, which ends old processes after a reload
  nginx      worker_shutdown_timeout ends old workers after a reload: raise it, or reload less often
  Azure      Application Gateway, backend settings: request timeout
  F5 BIG-IP  no Maximum Age in the OneConnect and TCP profiles of that virtual server

Source: RFC 6455 7.1.5 (1006), 7.2.3 (connect again after a while); the load balancers' manuals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from wsanalyze.box import Box
from wsanalyze.rules.context import AtGorouter, Context, Problem, rows
from wsanalyze.rules.endings import ENOUGH, endings, shown
from wsanalyze.rules.finding import Evidence

TITLE = "The load balancer ended WebSockets at a certain age, although they were in use"
SEVERITY = "warning"

ADVICE = (
    "Raise what limits the time of a request on the load balancer (GCP: the backend service's timeout; Envoy: the route's timeout "
    "and max_stream_duration); pings do not help. After a reload, look at what ends old processes (HAProxy: hard-stop-after)."
)
AT_GOROUTER = AtGorouter(
    "Look for what ends connections at that age: draining Gorouters (router.drain_timeout), restarts, firewalls and"
    " NAT between the Gorouters and the cells; pings do not help."
)


def check(context: Context) -> Iterator[Problem]:
    """WebSockets that the load balancer ended at an age that is no chance; likely where it may be one, or somebody else's doing."""
    ended = context.once(endings)
    cut = ended[ended["kind"] == "lifetime"]
    sure = cut["doubt"].isna() & (cut["alike"] >= ENOUGH) & ~cut["together"]
    yield Problem("warning", TITLE, ADVICE, tuple(_shown(row, context.box) for row in rows(cut[sure])))
    yield Problem("warning", TITLE, ADVICE, tuple(_shown(row, context.box) for row in rows(cut[~sure])), "likely")


def _shown(row: dict[str, Any], box: Box) -> Evidence:
    evidence = shown(row, box)
    if row["alike"] < ENOUGH:
        return evidence
    together = ", all of them at once" if row["together"] else ""
    return replace(evidence, note=f"{evidence.note}; {row['alike']} ended at about that age{together}")
