"""Health checks and probes were set apart from what clients asked.

What: requests that no client sent. They are known by their User-Agent (`HTTP-Monitor/1.1`, `ELB-HealthChecker/…` and others), or
on the back leg by an X-Forwarded-For of `::`, or because nothing on the front can be their cause.

Why it matters: they carry no X-Forwarded-For and no X-Forwarded-Proto, rightly, since there is no client. They are counted here
so that it can be seen that they were set apart, and not judged as requests.

Example: AWS load balancers ask `/health` on port 8080 or 8443 of each Gorouter; HAProxy sends `OPTIONS / HTTP/1.0`.

What to change: nothing. If a client's requests are listed here, its User-Agent begins like that of a health check.

Source: cloudfoundry/gorouter, health check; AWS, "Health checks for your target groups"; HAProxy, option httpchk.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.pairing.own import checks
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.finding import Side
from wsanalyze.rules.instances import problems
from wsanalyze.tables import Tables, chosen

TITLE = "Health checks and probes were set apart"
SEVERITY = "info"

ADVICE = "Nothing to change: they have no client that X-Forwarded-For could name, and were not judged."
AT_GOROUTER = AtGorouter(ADVICE)
PROBE = "the load balancer's own"


def check(context: Context) -> Iterator[Problem]:
    """Requests of either side that are known as such by name, and those of the back that are nobody's."""
    own: tuple[tuple[Side, frozenset[int]], ...] = (("front", frozenset()), ("back", context.pairing.own))
    found = {
        side: _set_apart(context.tables(side), context.handshakes[f"{side}_exchange"], of, context.worded(PROBE))
        for side, of in own
    }
    yield from problems(context, "info", TITLE, ADVICE, found)


def _set_apart(tables: Tables, handshakes: pd.Series, own: frozenset[int], probe: str) -> pd.DataFrame:
    """Each with what shows it: the User-Agent, or that it is the load balancer's own."""
    exchanges = tables.exchanges
    named = tables.once(checks)
    apart = named | exchanges["exchange"].isin(own).to_numpy(bool)
    if not apart.any():
        return pd.DataFrame()
    judged = exchanges["exchange"].isin(handshakes.dropna()).to_numpy(bool)
    apart &= exchanges["request_state"].notna().to_numpy(bool) & ~judged
    found = chosen(exchanges, apart, "exchange", "user_agent")
    return found.assign(note=found["user_agent"].where(named[apart], probe))
