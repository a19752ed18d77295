"""A `Sec-WebSocket-Accept` does not answer the handshake's key.

What: a 101 carries a Sec-WebSocket-Accept that is not base64(SHA-1(key + the GUID of RFC 6455)), or none at all.

Why it matters: clients must fail such a connection. Either the server is wrong, or something between changed the key or
the answer, or answered from a cache.

Example: a proxy that makes its own key towards the router and forwards the router's accept to the client.

What to change: if it is wrong on both sides, the app or its library; if only in front of the load balancer, the load
balancer: let it pass the handshake through as it is.

Source: RFC 6455 4.1 (client), 4.2.2 (server), 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.pairing.prepare import flag
from wsanalyze.rules.context import AtGorouter, Context, Problem, at
from wsanalyze.rules.finding import Side
from wsanalyze.tables import Tables, equal

TITLE = "Sec-WebSocket-Accept does not answer the handshake's key"
SEVERITY = "warning"

ADVICE = (
    "Clients must fail this connection. If the router's answer is wrong too, look at the app; if only the client's is, the "
    "load balancer changed the key or the answer: let it pass the handshake through."
)
AT_GOROUTER = AtGorouter(
    "Clients must fail this connection. A Gorouter hands on what the app answers: look at the app first, and where "
    "its answer is right, at what else stands between the captures."
)


def check(context: Context) -> Iterator[Problem]:
    """Handshakes whose 101 does not fit their key, on the side where that is so."""
    sides: tuple[tuple[Side, Tables], ...] = (("front", context.front), ("back", context.back))
    wrong: dict[Side, set[int]] = {side: _wrong(tables) for side, tables in sides}
    if not any(wrong.values()):
        return
    found = [at(row, side) for row in context.rows() for side, _ in sides if row[f"{side}_exchange"] in wrong[side]]
    yield Problem("warning", TITLE, ADVICE, tuple(found))


def _wrong(tables: Tables) -> set[int]:
    exchanges = tables.exchanges
    switched = equal(exchanges["status"], 101) & equal(exchanges["response_state"], "complete")
    asked = flag(exchanges["asks_websocket"]) & exchanges["sec_websocket_key"].notna().to_numpy(bool)
    bad = equal(exchanges["accept_valid"], value=False) | exchanges["sec_websocket_accept"].isna().to_numpy(bool)
    return {int(number) for number in exchanges["exchange"].to_numpy()[switched & asked & bad]}
