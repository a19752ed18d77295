"""WebSocket frames break RFC 6455.

What: after the 101 somebody sent what the protocol forbids. The note says who (client, load balancer, router) and which:
`client-unmasked`, `server-masked` (5.1), `rsv1-unexpected` (no compression was negotiated), `rsv2-or-3-unexpected`,
`opcode-reserved`, `length-not-minimal`, `length-impossible` (5.2), `continuation-without-start`, `message-within-message`
(5.4), `control-too-long`, `control-fragmented`, `data-after-close` (5.5), `close-payload-one-byte`,
`close-reason-not-utf8` (5.5.1), `close-code-invalid`, `close-code-reserved` (7.4), `http-instead-of-frames` (an HTTP
response followed the 101).

Why it matters: whoever receives such a frame has to fail the connection (7.1.7), so WebSockets break off with 1002. What
both legs show comes from the client or from behind the router, and the load balancer is not to blame. What only one leg shows,
and the load balancer sent, is its own doing.

Example: a load balancer that forwards `Sec-WebSocket-Extensions: permessage-deflate` one way and drops it the other way:
one end compresses (RSV1), the other never agreed to it.

What to change: where it is the load balancer, let it pass the frames on as they are: take WebSocket out of content
inspection, compression and rewriting.
  F5 BIG-IP  WebSocket profile, Masking: Preserve (not Remask, or Unmask without a rule that needs it)
  nginx      no sub_filter, no gzip for the WebSocket's location
  Citrix     HTTP profile: WebSocket connections enabled, no compression policy on them
  any        forward TCP instead
Where it is the client or the router, look at the library of the client or the app.

Source: RFC 6455 5, 7.1.7, 7.4; RFC 7692 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from wsanalyze.box import named
from wsanalyze.rules.context import AtGorouter, Context, Problem, at
from wsanalyze.rules.finding import Confidence, Evidence, Side
from wsanalyze.tables import Flags, Tables, chosen
from wsanalyze.verdicts.vicinity import LOSSES

TITLE = "WebSocket frames break RFC 6455"
SEVERITY = "warning"

ADVICE = (
    "Where the load balancer sent them, let it pass WebSocket frames on as they are (no inspection, compression or masking of its "
    "own), or forward TCP; where the client or the router did, look at the library of the client or the app."
)
AT_GOROUTER = AtGorouter(
    "A Gorouter copies WebSocket frames as they are. Where it seems to have sent them, look for what else stands "
    "between the captures; else look at the library of the client or the app, and at the load balancer in front."
)

CLIENT, LB, ROUTER = "client", "load balancer", "router"
_OWN_WEBSOCKET = {"local", "bridged"}
"""Details of `terminated` where nothing but the load balancer can have sent what the client got."""


def check(context: Context) -> Iterator[Problem]:
    """WebSockets with violations, one entry for each sender and leg; likely where the other leg cannot tell who it was."""
    if not any(_broken(tables).any() for tables in (context.front, context.back)):
        return
    front, back = (_Leg.of(tables) for tables in (context.front, context.back))
    handshakes = context.handshakes
    broken = handshakes["front_exchange"].isin(front.seen) | handshakes["back_exchange"].isin(back.seen)
    found: dict[Confidence, list[Evidence]] = {"certain": [], "likely": []}
    for row in context.rows(broken):
        for who, side, names, confidence in _blamed(row, front, back):
            leg = front if side == "front" else back
            frames = leg.frames(row[f"{side}_exchange"])
            found[confidence].append(
                replace(
                    at(row, side, f"{named(who, context.box)}: {', '.join(name.partition(':')[2] for name in names)}"),
                    frames=tuple(sorted({frames[name] for name in names})),
                )
            )
    for confidence, evidence in found.items():
        yield Problem("warning", TITLE, ADVICE, tuple(evidence), confidence)


@dataclass(frozen=True, slots=True)
class _Leg:
    """What one side shows: violations with their frames, and which WebSockets were seen without a loss."""

    violations: dict[int, dict[str, int]]
    whole: set[int]
    """WebSockets that were captured from the 101 to the connection's end, without a loss."""
    seen: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, tables: Tables) -> _Leg:
        """Violations before anything was lost: where frames are looked for again, what was found may be none."""
        lost = tables.defects[tables.defects["name"].isin(LOSSES)]
        firsts = lost.sort_values("frame").drop_duplicates(["connection", "direction"])
        until = dict(zip(zip(firsts["connection"], firsts["direction"], strict=True), firsts["frame"], strict=True))
        sockets = tables.websockets
        broken = chosen(sockets, _broken(tables), "exchange", "connection", "violations", "violation_frames")
        violations: dict[int, dict[str, int]] = {}
        for row in broken.to_dict("records"):
            kept = {
                str(name): int(frame)
                for name, frame in zip(row["violations"], row["violation_frames"], strict=True)
                if frame < until.get((row["connection"], name.partition(":")[0]), frame + 1)
            }
            if kept:
                violations[row["exchange"]] = kept
        intact = (sockets["client_unparsed"] == 0) & (sockets["server_unparsed"] == 0)
        over = tables.connections.loc[tables.connections["ended"].notna(), "connection"]
        intact &= sockets["connection"].isin(over) & ~sockets["connection"].isin(lost["connection"])
        return cls(violations, {int(number) for number in sockets.loc[intact, "exchange"]}, list(violations))

    def frames(self, exchange: Any) -> dict[str, int]:
        """The violations of a WebSocket, with the frames that show them."""
        return self.violations.get(exchange, {}) if exchange is not None else {}


def _broken(tables: Tables) -> Flags:
    """Which WebSockets show violations."""
    broken: Flags = (tables.websockets["violations"].list.len() > 0).to_numpy(bool, na_value=False)
    return broken


def _blamed(row: dict[str, Any], front: _Leg, back: _Leg) -> Iterator[tuple[str, Side, list[str], Confidence]]:
    """Who broke which rules, on which side that is shown, and how sure that is."""
    outer, inner = front.frames(row["front_exchange"]), back.frames(row["back_exchange"])
    own = row["verdict"] == "terminated" and row["detail"] in _OWN_WEBSOCKET
    to_client = (LB, True) if own or row["back_exchange"] in back.whole else (f"{LB} or {ROUTER}", False)
    to_router = (LB, True) if row["front_exchange"] in front.whole else (f"{CLIENT} or {LB}", False)
    legs: tuple[tuple[Side, dict[str, int], dict[str, int], tuple[str, bool]], ...] = (
        ("front", outer, inner, to_client),
        ("back", inner, outer, to_router),
    )
    for side, here, there, from_lb in legs:
        for sender, end in (("client:", CLIENT), ("server:", ROUTER)):
            names = [name for name in here if name.startswith(sender)]
            both = [name for name in names if name in there]
            only = [name for name in names if name not in there]
            if both and side == "front":
                yield end, side, both, "certain"
            if only:
                # The leg's own end sent it, or the load balancer.
                who, sure = (end, True) if (side == "front") == (end == CLIENT) else from_lb
                yield who, side, only, "certain" if sure else "likely"
