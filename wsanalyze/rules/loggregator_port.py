"""The platform's log streams come in on another port than 443: the Loggregator port has to name it.

What: a client opened one of Loggregator's WebSockets (`/apps/GUID/stream`, `/firehose/NAME`) on a port of the load
balancer other than 443.

Why it matters: that is right where the load balancer cannot pass WebSocket on 443 and forwards TCP on a port of its own,
such as 8443 or 4443. But clients learn the port from the platform: `/v2/info` names it in `doppler_logging_endpoint`, and
the setting behind it is the Loggregator port, 443 unless it was changed. If that names another port than the load
balancer forwards, `cf logs` and nozzles fail with "bad handshake" or "Error dialing trafficcontroller server".

Example: an AWS Classic ELB with an HTTPS listener on 443 and an SSL listener on 4443, which cf clients have to use.

What to change: nothing if the setting names this port and the firewall lets clients in. Otherwise
  TAS        Networking: Loggregator Port
  cf         doppler.port of the job cloud_controller_ng; check with: cf curl /v2/info
  clients    the cf CLI keeps the old port until the next `cf login` or `cf api`
Once the load balancer passes WebSocket on 443, set the port back to 443.

Source: VMware Tanzu, "Supporting WebSockets" and "Set Your Loggregator Port"; cloudfoundry/cli#886;
cloudfoundry/bosh-bootloader#429.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import Context, Problem, at

TITLE = "Log streams come in on another port than 443: the Loggregator port must name it"
SEVERITY = "info"

ADVICE = (
    "Check that the platform's Loggregator port names this port (cf curl /v2/info: doppler_logging_endpoint), and that the load "
    "balancer forwards it in TCP mode; log in again with the cf CLI after a change, it keeps the old port."
)
AT_GOROUTER = None

USUAL = 443
"""The Loggregator port, unless it was changed."""


def check(context: Context) -> Iterator[Problem]:
    """Handshakes of Loggregator's streams on other ports of the load balancer."""
    handshakes = context.handshakes
    streams = context.rows(handshakes["stream"].notna() & handshakes["lb_front"].notna())
    ported = ((row, int(row["lb_front"].rpartition(":")[2])) for row in streams)
    found = [at(row, "front", f"port {port}") for row, port in ported if port != USUAL]
    yield Problem("info", TITLE, ADVICE, tuple(found))
