"""The verdicts on handshakes that only one side shows: conditions and reasons, as in `declarations`. Takes nothing, gives them."""

from __future__ import annotations

import pandas as pd

from wsanalyze.pairing.clock import NEVER
from wsanalyze.tables import Flags
from wsanalyze.verdicts.case import Case, Columns
from wsanalyze.verdicts.facts import NOBODY


def _alone(rows: Columns) -> Flags:
    alone: Flags = rows["seen"] & (rows["back"] == NOBODY)
    return alone


WITHOUT_PARTNER = (
    # Nothing was found on the back.
    Case(
        "terminated",
        "bridged",
        lambda r: _alone(r) & r["f_101"] & (r["bridge"] != NOBODY),
        "The client got {f101} (front {fa}), and the first message of its WebSocket went to the router as raw TCP "
        "on a connection without any handshake ({bridge}).",
    ),
    Case(
        "undetermined",
        None,
        lambda r: _alone(r) & pd.notna(r["unproven"]),
        "The handshake (front {f}) was not found on the back, but that proves nothing: {why}.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: _alone(r) & (r["f_began"] == NEVER),
        "The client got {fs} (front {fa}), but the front capture does not hold its request, so it cannot be told "
        "what became of that.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: _alone(r) & (r["f_status"] == 0) & r["f_cut_short"],
        "The handshake (front {f}) was not answered before the front capture ended, and nothing of it had reached "
        "the back.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: _alone(r) & r["f_hidden"],
        "The handshake (front {f}) did not reach the back leg, and the front capture lacks the packets in which "
        "the client may have been answered.",
    ),
    Case(
        "terminated",
        "local",
        lambda r: _alone(r) & r["f_101"],
        "The load balancer answered {f101} itself (front {fa}), {nothing}.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: _alone(r) & ~r["f_complete"] & (r["f_status"] == 0),
        "The front capture does not hold the whole request (front {f}), so it is not known whether there was a "
        "handshake to forward.",
    ),
    Case(
        "blocked",
        "by-policy",
        lambda r: _alone(r) & (r["f_status"] == 0) & r["lb_left"] & pd.notna(r["f_reset"]) & ~r["syn_failed"],
        "The load balancer refused the handshake (front {f}) itself: {client}, {nothing}.",
    ),
    Case(
        "blocked",
        "router-unreachable",
        lambda r: _alone(r) & r["syn_failed"] & ((r["f_status"] == 0) | (r["f_status"] >= 500)),
        "The load balancer could not open a connection to the router for the handshake (front {f}): its SYN was "
        "refused or not answered (back frame {syn}); {client}.",
    ),
    Case(
        "blocked",
        "by-policy",
        lambda r: _alone(r) & (r["f_status"] != 0),
        "The load balancer answered {fs} itself (front {fa}) to the handshake (front {f}), {nothing}.",
    ),
    Case(
        "undetermined",
        "ambiguous",
        lambda r: _alone(r) & r["hasty"],
        "The client left (front frame {end}) less than a second after its handshake (front {f}), of which the back "
        "capture shows nothing: the load balancer may not have come to forward it.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: _alone(r) & r["falls_silent"],
        "The handshake (front {f}) did not reach the back leg, but the front capture shows neither what the client was "
        "answered nor that it went on waiting.",
    ),
    Case("blocked", "silent", _alone, "The handshake (front {f}) went no further: {client}, {nothing}."),
)

ONLY_BACK = (
    # Seen on the back only.
    Case(
        "stripped",
        None,
        lambda r: r["front_encrypted"] & r["remnant"],
        "The front leg is encrypted, but what left the load balancer can be nothing else than a handshake without {lost} "
        "(back {b}): its Sec-WebSocket headers are still there.",
        likely=True,
    ),
    Case(
        "passed-through",
        None,
        lambda r: (
            r["front_encrypted"]
            & r["intact"]
            & (r["b_response_state"] != "missing")
            & (r["b_began"] != NEVER)
            # A load balancer that dislikes the router's 101 does not go on with the WebSocket.
            & (~r["b_101"] | r["b_in_use"])
        ),
        "The front leg is encrypted, but a handshake that still asks for WebSocket left the load balancer (back {b}), and "
        "{router}{use}. Whether the client got that answer, and whether the handshake is the client's own, only the keys would tell.",
        likely=True,
    ),
    Case(
        "undetermined",
        "encrypted",
        lambda r: r["front_encrypted"],
        "The front leg is encrypted: what the client asked for and got cannot be read; the router got the "
        "handshake in back {b} and {router}.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["front_lossy"],
        "The front capture lacks packets at that time, and with them the client's side of this handshake (back {b}).",
    ),
    Case(
        "stripped",
        None,
        lambda r: r["remnant"],
        "The router got a request with Sec-WebSocket headers but without {lost} (back {b}); the client's side "
        "was not captured.",
        likely=True,
    ),
    Case(
        "undetermined",
        "handshake-not-captured",
        lambda r: ~r["seen"],
        "This handshake was seen on the back only (back {b}): the front capture does not hold it.",
    ),
)
