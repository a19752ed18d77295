"""The load balancer ended WebSockets on which nothing went by for a while.

What: an established WebSocket ended without a Close frame; the load balancer sent the FIN or RST, after at least 10 s in which
no WebSocket frame went by in either direction. The note tells after how much silence, and whose default that is.

Why it matters: an idle timeout that is right for requests cuts WebSockets between two messages. Clients see an abnormal
closure (1006) and connect again, `cf logs` stops, and what was sent meanwhile is lost. TCP keep-alive does not help where the load
balancer counts data only (AWS ALB, nginx). Many at the same moment may be a restart of the load balancer instead.

Example: a chat behind nginx that breaks off after 60 s without a message (proxy_read_timeout).

What to change: raise the timeout to more than the longest pause, or let client or app send WebSocket pings more often than
that (half the timeout). The platform's own idle timeout in front is 900 s: what is higher on the load balancer does not help.
  nginx      proxy_read_timeout 900s; proxy_send_timeout 900s;
  HAProxy    timeout tunnel 900s          (timeout client and timeout server in TCP mode without it)
  Envoy      route: timeout: 0s, idle_timeout: 900s; stream_idle_timeout: 900s
  Apache     ProxyPass … timeout=900      (or ProxyTimeout 900)
  AWS ALB    idle_timeout.timeout_seconds = 900; classic: ConnectionSettings IdleTimeout 900
  AWS NLB    tcp.idle_timeout.seconds = 900 (350 otherwise)
  Azure      load balancing rule: idleTimeoutInMinutes 15, enableTcpReset true; it drops idle flows silently otherwise
  F5 BIG-IP  TCP profile: Idle Timeout 900
  Varnish    pipe_timeout

Source: RFC 6455 5.5.2 (Ping as keep-alive), 7.1.5 (1006); the load balancers' manuals.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem, rows
from wsanalyze.rules.endings import endings, shown

TITLE = "The load balancer ended idle WebSockets"
SEVERITY = "warning"

ADVICE = (
    "Raise the load balancer's idle timeout for WebSockets (nginx: proxy_read_timeout; HAProxy: timeout tunnel; AWS ALB: "
    "idle_timeout.timeout_seconds), or let the client or the app send WebSocket pings more often than that."
)
AT_GOROUTER = AtGorouter(
    "Check router.frontend_idle_timeout and what stands between the Gorouter and the app, or let the client or the "
    "app send WebSocket pings more often than that."
)


def check(context: Context) -> Iterator[Problem]:
    """WebSockets that the load balancer ended after a silence; likely where that may have been somebody else."""
    ended = context.once(endings)
    idle = ended[ended["kind"] == "idle"]
    sure = idle["doubt"].isna()
    yield Problem("warning", TITLE, ADVICE, tuple(shown(row, context.box) for row in rows(idle[sure])))
    yield Problem("warning", TITLE, ADVICE, tuple(shown(row, context.box) for row in rows(idle[~sure])), "likely")
