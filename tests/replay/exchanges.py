"""Exchanges as captured and as replayed, for the tests of what is told of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.cases.wire import answer, handshake, request, switching
from wsanalyze.replay.model import ANSWERED, ESTABLISHED, NO_ANSWER, REFUSED, Captured, Frame, Replayed, Request

MILLISECOND = 1_000_000


def outcome_of(status: int | None, *, is_handshake: bool) -> str:
    """The outcome that a status stands for."""
    if status is None:
        return NO_ANSWER
    if not is_handshake:
        return ANSWERED
    return ESTABLISHED if status == 101 else REFUSED


def head_of(status: int | None, **headers: Any) -> bytes | None:
    """The head of an answer with this status."""
    if status is None:
        return None
    return switching(**headers) if status == 101 else answer(status, **headers)


def captured(status: int | None = 101, *, id_: str = "h1", router: int | None = None, **changes: Any) -> Captured:
    """A handshake that got this status; `router` is what the router had answered."""
    made = Captured(
        id=id_, handshake=True, connection=1, version="1.1", head=handshake("/chat"), body=b"", body_whole=True, asked=0,
        answered=None if status is None else 2 * MILLISECOND, answer=head_of(status), status=status,
        outcome=outcome_of(status, is_handshake=True), router_answer=head_of(router), router_status=router,
    )  # fmt: skip
    return replace(made, **changes)


def page(status: int | None = 200, *, id_: str = "r1", router: int | None = None, **changes: Any) -> Captured:
    """An ordinary request that got this status."""
    made = captured(status, id_=id_, router=router)
    return replace(
        made,
        **{
            "handshake": False,
            "head": request(target="/page"),
            "outcome": outcome_of(status, is_handshake=False),
            **changes,
        },
    )


def came(status: int | None = 101, *, id_: str = "h1", headers: bytes | None = None, **changes: Any) -> Replayed:
    """What came of a handshake, with the headers of this head; as captured where none is given."""
    lines = (headers if headers is not None else head_of(status) or b"").decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(": ") for line in lines if ": " in line)
    made = Replayed(
        id_, outcome_of(status, is_handshake=True), status, tuple((name, text) for name, _, text in pairs),
        accept_valid=True if status == 101 else None, latency=None if status is None else 0.0015,
    )  # fmt: skip
    return replace(made, **changes)


def got(status: int | None = 200, *, id_: str = "r1", headers: bytes | None = None, **changes: Any) -> Replayed:
    """What came of an ordinary request."""
    return replace(
        came(status, id_=id_, headers=headers), **{"outcome": outcome_of(status, is_handshake=False), **changes}
    )


def said(*payloads: tuple[bool, int, bytes]) -> tuple[Frame, ...]:
    """Frames: whether by the client, opcode, payload."""
    return tuple(
        Frame(by, number, True, False, opcode, payload) for number, (by, opcode, payload) in enumerate(payloads)
    )


def asked(of: Captured, head: bytes | None = None, **changes: Any) -> Request:
    """What is sent of a captured exchange: its head, or another one."""
    made = Request(of, "GET", of.head if head is None else head, (), of.body, "key", 0.0)
    return replace(made, **changes)
