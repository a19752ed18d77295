"""The load balancer tried a handshake again, without its upgrade.

What: the handshake reached a router intact; then the load balancer sent the same request once more, this time without
`Upgrade` or `Connection: upgrade`.

Why it matters: the handshake was passed through, so the first router's answer is the one to look at. But the client may get
the answer to the second request, which is that to an ordinary one: 400, 426, a page. It hides what the first router said.

Example: a load balancer that repeats requests on 502 or 503 and removes hop-by-hop headers from the repetition.

What to change: switch off retries for handshakes on the load balancer (they are not idempotent in effect), or let it keep
the Upgrade and Connection headers when it tries again. Then find out why the first router did not accept.

Source: RFC 9110 9.2.2 (retries), 7.6.1 (Connection); RFC 6455 4.2.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.rules.context import AtGorouter, Context, Problem, at

TITLE = "The load balancer tried handshakes again, without the upgrade"
SEVERITY = "warning"

ADVICE = (
    "Switch off retries for WebSocket handshakes on the load balancer, or let it keep the Upgrade and Connection headers when it "
    "tries again; then look at what the first router answered."
)
AT_GOROUTER = AtGorouter(
    "Look in the Gorouter's access log and log at that time for the instances that it tried, at what the first one "
    "answered, and for what else may have sent the request again, such as a route service."
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes that were seen on the back both intact and stripped."""
    found = [at(row, "back", f"{row['tries']} tries") for row in context.rows() if row["retried_without"]]
    yield Problem("warning", TITLE, ADVICE, tuple(found))
