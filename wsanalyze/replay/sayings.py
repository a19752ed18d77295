"""Takes nothing, gives the words of a replay's conclusion."""

from __future__ import annotations

from typing import Final

SAYINGS: Final = {
    "accepted-stripped": (
        "the router accepts {} when it arrives with Upgrade: the LB is the cause",
        "the router accepts {} when they arrive with Upgrade: the LB is the cause",
    ),
    "accepted-withheld": (
        "the router accepts {}, as it did behind the LB: the LB, which withheld its answer, is the cause",
        "the router accepts {}, as it did behind the LB: the LB, which withheld its answers, is the cause",
    ),
    "accepted-response": (
        "the router accepts {}, as it did behind the LB: the LB, which strips the upgrade from its answer, is the cause",
        "the router accepts {}, as it did behind the LB: the LB, which strips the upgrade from its answers, is the cause",
    ),
    "accepted-unreachable": (
        "the router accepts {}, but the LB could not reach its own: what is between the LB and its router is the cause",
        "the router accepts {}, but the LB could not reach its own: what is between the LB and its router is the cause",
    ),
    "accepted-blocked": (
        "the router accepts {} when it arrives: the LB, which stopped it, is the cause",
        "the router accepts {} when they arrive: the LB, which stopped them, is the cause",
    ),
    "accepted-terminated": (
        "the router accepts {} as the client sent it: the LB, which answered by itself, is the cause",
        "the router accepts {} as the clients sent them: the LB, which answered by itself, is the cause",
    ),
    "accepted-lowered": (
        "the router accepts {} as the client sent it: the LB, which lowered it to HTTP/1.0, is the cause",
        "the router accepts {} as the clients sent them: the LB, which lowered them to HTTP/1.0, is the cause",
    ),
    "accepted-passed": (
        "the router accepts {}, which was refused behind the LB: the router there, its app, or what the LB changed on the way was the cause",
        "the router accepts {}, which were refused behind the LB: the router there, its app, or what the LB changed on the way was the cause",
    ),
    "accepted": (
        "the router accepts {} when it arrives with Upgrade: whether the LB was the cause cannot be told from what was captured",
        "the router accepts {} when they arrive with Upgrade: whether the LB was the cause cannot be told from what was captured",
    ),
    "accepted-unknown": (
        "the router accepts {}; what the client got was not captured",
        "the router accepts {}; what the clients got was not captured",
    ),
    "broken": (
        "{} fails after it was accepted, where it had not been before",
        "{} fail after they were accepted, where they had not been before",
    ),
    "refused": ("{} is refused without the LB too", "{} are refused without the LB too"),
    "refused-stripped": (
        "{} is refused without the LB too: the stripped upgrade was not all that was wrong",
        "{} are refused without the LB too: the stripped upgrade was not all that was wrong",
    ),
    "refused-far": (
        "{} is refused as servers refuse what has lost its Upgrade: an LB before the target may strip it",
        "{} are refused as servers refuse what has lost its Upgrade: an LB before the target may strip it",
    ),
    "accept-wrong": (
        "{} is answered by a Sec-WebSocket-Accept that does not fit its key, which clients must not accept",
        "{} are answered by a Sec-WebSocket-Accept that does not fit their key, which clients must not accept",
    ),
    "unanswered-unknown": (
        "{} gets no answer; what the client got was not captured",
        "{} get no answer; what the clients got was not captured",
    ),
    "refused-unknown": (
        "the router refuses {}; what the client got was not captured",
        "the router refuses {}; what the clients got was not captured",
    ),
    "refused-credentials": (
        "{} is refused without the client's credentials, which were not sent and may be the cause",
        "{} are refused without the clients' credentials, which were not sent and may be the cause",
    ),
    "unanswered": ("{} gets no answer without the LB either", "{} get no answer without the LB either"),
    "worse": (
        "{} was established through the LB and is not without it",
        "{} were established through the LB and are not without it",
    ),
    "worse-terminated": (
        "{} had been answered by the LB itself; the router does not accept it",
        "{} had been answered by the LB itself; the router does not accept them",
    ),
    "worse-later": (
        "{} is established without the LB as it was with it, but fails or is cut later on",
        "{} are established without the LB as they were with it, but fail or are cut later on",
    ),
    "unsteady": (
        "what comes of {} changes from one replay to the next",
        "what comes of {} changes from one replay to the next",
    ),
    "established-terminated": (
        "the router accepts {} by itself, which the LB had answered in its place",
        "the router accepts {} by itself, which the LB had answered in its place",
    ),
    "established": (
        "{} is established without the LB as it was with it",
        "{} are established without the LB as they were with it",
    ),
}
"""What is said of a handshake, or of several, by the group that they belong to; what matters most first."""
