"""Takes a judged row and the box that is judged, gives its reason as one sentence that names frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from wsanalyze.box import GOROUTER, NAMES, Box, named, worded
from wsanalyze.pairing.matching import ADDRESS, BYTES, CONTENT, KEY, REQUEST_ID
from wsanalyze.tables import Frames
from wsanalyze.verdicts.case import NOTHING, Case
from wsanalyze.verdicts.declarations import CASES

_BY = {
    BYTES: "byte for byte",
    KEY: "with the same key",
    REQUEST_ID: "with the same request id",
    ADDRESS: "named by the client's address and port",
    CONTENT: "with the same method and target, at that time",
}


def reason(row: Mapping[Any, Any], box: Box, front: Frames, back: Frames) -> str:
    """Why the verdict is what it is; `front` and `back` tell the files of frames."""
    if row["ambiguous"]:
        return (
            f"Several handshakes at the same time could be this one on the back (front {frames(row['f_request_frames'], front)}): "
            "which of them it was cannot be told, and it would make a difference."
        )
    lost = [
        name
        for name, is_lost in (
            ("Upgrade", row["lost_upgrade"] or row["remnant"]),
            ("Connection: upgrade", row["lost_connection"]),
        )
        if is_lost
    ]
    case: Case = CASES[row["case"]]
    return worded(case.reason, box).format(
        f=frames(row["f_request_frames"], front),
        fa=frames(row["f_response_frames"], front),
        fs=f"{row['f_said']}{own}," if (own := _own_words(row, box)) else row["f_said"],
        b=frames(row["b_request_frames"], back),
        ba=frames(row["b_response_frames"], back),
        bs=row["b_said"],
        f101=_accepted(row, "f"),
        b101=_accepted(row, "b"),
        lost=" and ".join(lost),
        lack=_lack(row),
        why=worded(row["why"], box),
        bridge=f"back connection {row['bridge']}",
        syn=back.number(row["syn_frame"]),
        end=front.number(row["f_end_frame"]),
        nothing=NOTHING,
        client=_client(row, box, front),
        router=_router(row, box, back),
        by=_by(row) + _as(row),
        use=", and the WebSocket was used" if row["b_in_use"] else "",
        its_answer="its own" if row["b_101"] else "any",
    )


def _own_words(row: Mapping[Any, Any], box: Box) -> str:
    """What a Gorouter says of an answer of its own, behind the status."""
    words = row["f_x_cf_routererror"]
    return f", {words}" if box == GOROUTER and isinstance(words, str) else ""


def _accepted(row: Mapping[Any, Any], side: str) -> str:
    """The status that accepts a WebSocket: 101, or 2xx to an extended CONNECT (RFC 8441 5)."""
    said = row[f"{side}_said"]
    return f"{said} to its extended CONNECT" if row[f"{side}_version"] == "2" and said else "101"


def _as(row: Mapping[Any, Any]) -> str:
    """In which version of HTTP it left, where that is not the one in which it came."""
    versions = (row["f_version"], row["b_version"])
    if "2" in versions and None not in versions and versions[0] != versions[1]:
        return ", translated to HTTP/2" if versions[1] == "2" else f", translated to HTTP/{versions[1]}"
    return ", as HTTP/1.0" if row["lowered"] else ""


def _by(row: Mapping[Any, Any]) -> str:
    """What joins the two requests."""
    ours, theirs = (str(row[f"{side}_target"]) for side in "fb")
    # The absolute-form ends with the origin-form (RFC 9112 3.2).
    if row["evidence"] == CONTENT and not ours.endswith(theirs) and not theirs.endswith(ours):
        return "by the course of events: nothing else was asked and answered like that at that time"
    return _BY.get(row["evidence"], "")


def frames(numbers: Any, where: Frames) -> str:
    """Frame numbers in words."""
    return where.words([int(number) for number in numbers] if hasattr(numbers, "__len__") else [])


def _client(row: Mapping[Any, Any], box: Box, front: Frames) -> str:
    """What the client got."""
    if row["f_status"]:
        return f"the client got {row['f_said']}{_own_words(row, box)} (front {frames(row['f_response_frames'], front)})"
    how = "reset" if row["f_ended"] == "rst" else "closed"
    what, code = "connection", ""
    if isinstance(row["f_reset"], str):
        what, code = "stream", f"{row['f_reset']}, "
    if row["client_left"]:
        return f"the {named('client', box)} {how} the {what} before it had an answer ({code}front frame {front.number(row['f_end_frame'])})"
    if row["lb_left"]:
        return f"the {NAMES[box].itself} {how} the client's {what} without an answer ({code}front frame {front.number(row['f_end_frame'])})"
    return "the client got no answer while it was captured"


def _router(row: Mapping[Any, Any], box: Box, back: Frames) -> str:
    """What the router answered."""
    router = NAMES[box].router
    if not row["b_status"]:
        if isinstance(row["b_reset"], str) and row["b_ended_by"] == "server":
            return f"the {router} reset the stream ({row['b_reset']}, back frame {back.number(row['b_end_frame'])})"
        return (
            f"what the {router} answered is not in the capture" if row["b_hidden"] else f"the {router} never answered"
        )
    words = row["b_x_cf_routererror"]
    own = f", {words}" if isinstance(words, str) else ""
    return f"the {router} answered {row['b_said']}{own} (back {frames(row['b_response_frames'], back)})"


def _lack(row: Mapping[Any, Any]) -> str:
    """What the capture does not hold."""
    front = row["f_hidden"] or (row["key_unclear"] and not row["f_complete"])
    back = row["b_hidden"] or not row["legible"] or (row["key_unclear"] and not row["b_complete"])
    sides = [name for name, lacks in (("front", front), ("back", back)) if lacks] or ["back"]
    does = "cut the packets that would tell" if row["detail"] == "truncated" else "lacks packets that would tell"
    return " and ".join(f"the {side} capture {row[f'{side[0]}_lacks'] or does}" for side in sides)


def addressed(address: Any, port: Any) -> str | None:
    """`address:port`, IPv6 in brackets; null without an address."""
    if not isinstance(address, str) or pd.isna(port):
        return None
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
