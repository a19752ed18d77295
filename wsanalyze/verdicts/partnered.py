"""The verdicts on handshakes that both sides show: conditions and reasons, as in `declarations`. Takes nothing, gives them."""

from __future__ import annotations

from wsanalyze.verdicts.case import Case

SWITCHED = (
    # The client got a 101.
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["f_101"] & r["other_key"] & r["front_lossy"] & (r["evidence"] == "content-and-time"),
        "The handshake on the back (back {b}) has another key, but the front capture lacks packets at that time, "
        "so it may belong to another client.",
    ),
    Case(
        "terminated",
        "re-originated",
        lambda r: r["f_101"] & r["other_key"],
        "The load balancer made a handshake of its own: the client's key (front {f}) is not the one that the "
        "router got (back {b}); the client's {f101} (front {fa}) is not the router's.",
    ),
    Case(
        "stripped",
        None,
        lambda r: r["f_101"] & r["lost"] & r["b_101"],
        "The request reached the router (back {b}) without {lost}, which the client had sent (front {f}); the "
        "router answered {b101} (back {ba}) all the same.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["f_101"] & r["lost"] & r["b_hidden"],
        "The request reached the router (back {b}) without {lost}, and the client got {f101} (front {fa}); whose "
        "101 it was cannot be told: {lack}.",
    ),
    Case(
        "terminated",
        "bridged",
        lambda r: r["f_101"] & r["lost"],
        "The client got {f101} (front {fa}), but the router got an ordinary request without {lost} (back {b}) and "
        "{router}: the load balancer speaks WebSocket itself.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["f_101"] & r["early"] & (r["front_lossy"] | r["back_lossy"]),
        "The client's {f101} (front {fa}) seems to come before the router's (back {ba}), but packets are missing, and "
        "a retransmission may have been taken for the original.",
    ),
    Case(
        "terminated",
        "early",
        lambda r: r["f_101"] & r["early"],
        "The client got its {f101} (front {fa}) before the router gave {its_answer} (back {ba}): the load balancer "
        "answered the WebSocket itself.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["f_101"] & r["b_hidden"],
        "The client got {f101} (front {fa}) and the handshake reached the router (back {b}), but whether the 101 "
        "was the router's cannot be told: {lack}.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["f_101"] & ~r["b_101"] & (r["try_hidden"] | r["back_lossy"]),
        "The client got {f101} (front {fa}), but the router did not say so ({router}, back {b}); the back capture lacks packets in "
        "which the load balancer may have tried again.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["f_101"] & ~r["b_101"] & ~r["legible"],
        "The client got {f101} (front {fa}), but the router never said so ({router}, back {b}); whether the request still asked "
        "for WebSocket cannot be told: {lack}.",
    ),
    Case(
        "terminated",
        "early",
        lambda r: r["f_101"] & ~r["b_101"],
        "The client got {f101} (front {fa}), but the router never said so ({router}, back {b}): the load balancer "
        "answered the WebSocket itself.",
    ),
    Case(
        "stripped",
        "response",
        lambda r: (
            r["f_101"]
            & r["b_accepts_websocket"]
            & r["b_accepts_upgrade"]
            & (r["f_response_state"] == "complete")
            & ~(r["f_accepts_websocket"] & r["f_accepts_upgrade"])
        ),
        "The router's {b101} (back {ba}) reached the client (front {fa}) without its Upgrade and Connection headers.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: (
            r["f_101"] & (r["f_response_state"] != "complete") & ~(r["f_accepts_websocket"] & r["f_accepts_upgrade"])
        ),
        "The router answered {b101} (back {ba}) and the client got {f101} (front {fa}), but whether that still had its Upgrade and "
        "Connection headers cannot be told: {lack}.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["f_101"] & r["key_unclear"] & ~r["same_bytes"],
        "A handshake like the client's (front {f}) reached the router (back {b}), but whether it is the client's own "
        "cannot be told: {lack}.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["f_101"] & ~r["compared"],
        "The router answered {b101} (back {ba}) and so did the load balancer (front {fa}), but which of them came first "
        "cannot be told: {lack}.",
    ),
    Case(
        "terminated",
        "re-originated",
        lambda r: r["f_101"] & r["speaks_itself"],
        "The handshake on the back (back {b}) has the client's key, but the load balancer speaks WebSocket itself: it masked the "
        "client's first message anew, and nothing in the client's {f101} (front {fa}) is from the router's (back {ba}).",
        likely=True,
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["f_101"] & r["may_speak_itself"],
        "The handshake on the back (back {b}) has the client's key, but nothing in the client's {f101} (front {fa}) is from the "
        "router's (back {ba}), and the messages that could tell whether the load balancer speaks WebSocket itself are missing.",
    ),
    Case(
        "passed-through",
        None,
        lambda r: r["f_101"] & r["intact"],
        "The client's handshake (front {f}) reached the router still asking for WebSocket ({by}, back {b}), and "
        "the client got the router's {b101} (back {ba}, front {fa}).",
    ),
    Case(
        "passed-through",
        None,
        lambda r: r["f_101"],
        "The router answered {b101} (back {ba}) to the client's handshake, and the client got it (front {fa}); the "
        "request's head on the back (back {b}) is not all there.",
        likely=True,
    ),
)

NOT_SWITCHED = (
    # The client got another answer, or none.
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["other_key"] & r["front_lossy"] & (r["evidence"] == "content-and-time"),
        "The handshake on the back (back {b}) has another key, but the front capture lacks packets at that time, "
        "so it may belong to another client.",
    ),
    Case(
        "terminated",
        "re-originated",
        lambda r: r["other_key"],
        "The load balancer made a handshake of its own: the client's key (front {f}) is not the one that the "
        "router got (back {b}); {router}, and {client}.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["lost"] & r["f_hidden"],
        "The request reached the router (back {b}) without {lost}, which the client had sent (front {f}); whether the "
        "load balancer answered 101 by itself cannot be told: {lack}.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["lost"] & r["f_cut_short"],
        "The request reached the router (back {b}) without {lost}, which the client had sent (front {f}), but the front "
        "capture ends before the client's answer could be seen.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["lost"] & r["try_hidden"],
        "The request reached the router (back {b}) without {lost}, which the client had sent (front {f}), but the back capture "
        "lacks packets in which the load balancer may have tried it intact before.",
    ),
    Case(
        "stripped",
        None,
        lambda r: r["lost"],
        "The request reached the router (back {b}) without {lost}, which the client had sent (front {f}); "
        "{router}, and {client}.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: ~r["legible"],
        "The request reached the router (back {b}), but whether it still asked for WebSocket cannot be told: {lack}.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["f_hidden"],
        "The handshake (front {f}) reached the router intact (back {b}), but what the client was answered cannot "
        "be told: {lack}.",
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["key_unclear"] & ~r["same_bytes"],
        "A handshake like the client's (front {f}) reached the router (back {b}), but whether it is the client's own "
        "cannot be told: {lack}.",
    ),
    Case(
        "passed-through",
        None,
        lambda r: r["b_101"] & r["left_before"],
        "The handshake (front {f}) reached the router intact (back {b}) and was accepted (back {ba}), but the "
        "client had gone by then.",
    ),
    Case(
        "undetermined",
        "ambiguous",
        lambda r: r["b_101"] & r["client_left"] & ~r["left_after"],
        "The router accepted the handshake (back {ba}) about when the client gave up: the clocks do not tell "
        "which came first.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["b_101"] & r["f_cut_short"],
        "The router accepted the handshake (back {ba}), but the front capture ends before the client's answer "
        "could be seen.",
    ),
    Case(
        "undetermined",
        "packets-missing",
        lambda r: r["b_101"] & r["waiting"],
        "The router accepted the handshake (back {ba}), but the front capture shows neither what the client was answered "
        "nor that it ended.",
    ),
    Case(
        "blocked",
        "answer-withheld",
        lambda r: r["b_101"],
        "The router accepted the handshake with {b101} (back {ba}), but the load balancer withheld that: {client}.",
    ),
    Case(
        "passed-through",
        None,
        lambda r: r["b_hidden"] & r["router_words"],
        "The handshake (front {f}) reached the router intact (back {b}), and the client's answer {fs} (front "
        "{fa}) carries the router's own headers.",
        likely=True,
    ),
    Case(
        "undetermined",
        None,
        lambda r: r["b_hidden"],
        "The handshake (front {f}) reached the router intact (back {b}), but what the router answered cannot be "
        "told: {lack}.",
    ),
    Case(
        "passed-through",
        None,
        lambda r: r["b_status"] != 0,
        "The client's handshake (front {f}) reached the router still asking for WebSocket ({by}, back {b}); "
        "{router}, and {client}.",
    ),
    Case(
        "passed-through",
        None,
        lambda r: r["paired"],
        "The client's handshake (front {f}) reached the router still asking for WebSocket ({by}, back {b}); "
        "{router}, and {client}.",
    ),
)
