"""Takes a request and what carries its answer, answers it, and writes its line of the access log."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final, Protocol

import anyio

from wsanalyze.router import access_log
from wsanalyze.router.access_log import Record
from wsanalyze.router.answer import Answer
from wsanalyze.router.conversation import Conversation, Session
from wsanalyze.router.decision import Decision, decide
from wsanalyze.router.request import Request
from wsanalyze.router.settings import Settings
from wsanalyze.router.stream import Channel

_WITHOUT_BODY: Final = {101, 204, 304}
"""Statuses of responses that have none (RFC 9110 6.4.1)."""


class Carrier(Protocol):
    """What is the same in HTTP/1.1 and HTTP/2. Everything raises OSError where the other end is gone or too slow."""

    async def body(self) -> int:
        """Read the request's body: how long it is, or more than what is allowed."""

    async def answer(self, answer: Answer) -> None:
        """Send a final response."""

    async def open(self, answer: Answer) -> Channel:
        """Accept a handshake."""

    async def wait(self) -> None:
        """Send nothing until the other end leaves."""

    async def cut(self) -> None:
        """End it without ceremony."""


async def serve(request: Request, carrier: Carrier, settings: Settings) -> None:
    """Answer a request."""
    began = time.monotonic()
    record = Record(request)
    try:
        with anyio.fail_after(settings.limits.body_time):
            record.received = await carrier.body()
        request = replace(request, body_bytes=record.received)
        await _carry_out(decide(request, settings), request, carrier, settings, record)
    finally:
        record.took = time.monotonic() - began
        settings.log(access_log.line(record, show_secrets=settings.show_secrets))


async def _carry_out(
    decision: Decision, request: Request, carrier: Carrier, settings: Settings, record: Record
) -> None:
    asked = time.monotonic()
    await anyio.sleep(decision.wait)
    if decision.answer is None:
        await carrier.wait()
        return
    answer = _written(decision.answer, request)
    record.status, record.router_error = answer.status, answer.router_error
    if decision.talk is None:
        await carrier.answer(answer)
        record.sent = len(answer.body)
        record.app_took = 0.0 if answer.router_error else time.monotonic() - asked
        if decision.cut is not None:
            await anyio.sleep(decision.cut)
            await carrier.cut()
        return
    session = Session(decision.talk.hear, decision.extensions, settings.limits.message)
    conversation = Conversation(await carrier.open(answer), session, settings.limits)
    try:
        with anyio.move_on_after(decision.cut) as scope:
            await conversation.run(decision.talk)
        if scope.cancelled_caught:
            await carrier.cut()
    finally:
        record.received, record.sent = conversation.received, conversation.sent
        record.app_took = time.monotonic() - asked


def _written(answer: Answer, request: Request) -> Answer:
    """With all its headers, as Go writes them: names in its spelling, sorted by them. The body only where one may stand."""
    named = [*answer.headers, ("X-Vcap-Request-Id", request.id)]
    if answer.status not in _WITHOUT_BODY and not _opens_tunnel(answer, request):
        named.append(("Content-Length", str(len(answer.body))))
    body = b"" if request.method == "HEAD" or answer.status in _WITHOUT_BODY else answer.body
    return replace(answer, headers=tuple(sorted((name.title(), value) for name, value in named)), body=body)


def _opens_tunnel(answer: Answer, request: Request) -> bool:
    """RFC 9110 9.3.6."""
    return request.method == "CONNECT" and 200 <= answer.status <= 299
