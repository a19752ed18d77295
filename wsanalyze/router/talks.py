"""What the router says on a WebSocket: the same again, a stream of logs, or what was ordered."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

import anyio
from websockets.frames import Frame, Opcode

from wsanalyze.router.conversation import Conversation, Session, Talk
from wsanalyze.router.envelope import log_message

GREETING: Final = b"This WebSocket ends at the test router's own hand."
NO_PONG: Final = "Client did not respond to ping before keep-alive timeout expired."
"""Loggregator's words."""


def _nothing(_: Session, __: Frame) -> None:
    """What is said is not answered."""


def _again(session: Session, frame: Frame) -> None:
    """The frame with its fragmentation (RFC 6455 5.4)."""
    if frame.opcode is Opcode.TEXT:
        session.send_text(frame.data, frame.fin)
    elif frame.opcode is Opcode.BINARY:
        session.send_binary(frame.data, frame.fin)
    else:
        session.send_continuation(frame.data, frame.fin)


ECHO: Final = Talk(_again)


def logs(app: str, rate: float) -> Talk:
    """Envelopes for as long as the client answers pings."""
    return Talk(_nothing, partial(_stream, app=app, rate=rate))


async def _stream(conversation: Conversation, app: str, rate: float) -> None:
    began = pinged = time.monotonic()
    number = 0
    while conversation.open:
        now = time.monotonic()
        if now - conversation.session.ponged > conversation.limits.pong_time:
            await conversation.close(1008, NO_PONG)
        if now - pinged >= conversation.limits.ping_interval:
            pinged = now
            conversation.session.send_ping(b"")
        number += 1
        conversation.session.send_binary(log_message(f"line {number} of the test router", app, time.time_ns()))
        await conversation.flush()
        # By the clock, so that the rate does not suffer from what sending takes.
        await anyio.sleep(max(0.0, began + number / rate - time.monotonic()))


def terminated(code: float | None) -> Talk:
    """Close with the code; without one after a word of its own."""
    return Talk(_nothing, partial(_leave, code=code))


async def _leave(conversation: Conversation, code: float | None) -> None:
    if code is None:
        conversation.session.send_text(GREETING)
    await conversation.close(1000 if code is None else int(code))
