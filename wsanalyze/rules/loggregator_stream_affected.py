"""The platform's own WebSockets did not get through the load balancer as they should.

What: a handshake for one of Loggregator's streams was stripped, terminated or blocked. TAS uses WebSocket for three of
them: app logs to developers (`/apps/GUID/stream`, for the cf CLI and Apps Manager), the firehose to external consumers
(`/firehose/NAME`), and everything that the Dopplers send to the Traffic Controller.

Why it matters: what is wrong with the handshake stands in another finding; this one says who notices. Without app logs
`cf logs` and Apps Manager show nothing ("websocket: bad handshake"); without the firehose, nozzles send no logs and
metrics to Splunk, Datadog and others; between Doppler and Traffic Controller, both.

Example: `GET /firehose/splunk?filter-type=logs` answered 400 with `Sec-Websocket-Version: 13`: the upgrade was stripped.

What to change: what upgrade-stripped, websocket-terminated or handshake-blocked says, at least for the hosts `doppler.SYSTEM-DOMAIN` and
`log-stream.SYSTEM-DOMAIN`. Where the load balancer cannot pass the upgrade on 443, forward TCP on a port of its own and
set the Loggregator port to it. The Dopplers' own leg should not go through a load balancer at all.

Source: VMware Tanzu, "Supporting WebSockets", "Loggregator Architecture"; cloudfoundry/loggregator-release.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem, on_side

TITLE = "The platform's log streams are affected"
SEVERITY = "info"

ADVICE = (
    "Change what the other finding on these handshakes says. If the load balancer cannot pass the upgrade on 443, forward TCP on a "
    "port of its own and set the platform's Loggregator port to it."
)
AT_GOROUTER = AtGorouter(
    "Change what the other finding on these handshakes says, and look at the jobs that serve the streams (traffic "
    "controller, Doppler, log-api): whether they run, and whether their routes are registered."
)

USES = {
    "loggregator-app-logs": "app logs to developers (cf CLI, Apps Manager)",
    "loggregator-firehose": "the firehose to external consumers",
    "loggregator-doppler": "events and metrics from the Dopplers to the Traffic Controller",
}
"""What the platform uses WebSocket for, by stream."""
AFFECTED = ("stripped", "terminated", "blocked")


def check(context: Context) -> Iterator[Problem]:
    """Handshakes of each stream that the load balancer did not pass through."""
    handshakes = context.handshakes
    affected = list(context.rows(handshakes["stream"].notna() & handshakes["verdict"].isin(AFFECTED)))
    for stream, use in USES.items():
        found = [
            evidence
            for row in affected
            if row["stream"] == stream
            for evidence in on_side(row, "/".join(filter(None, (row["verdict"], row["detail"]))))
        ]
        yield Problem("info", f"{TITLE}: {use}", ADVICE, tuple(found))
