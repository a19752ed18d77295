"""Takes captured exchanges, gives the plan: what is sent on which connection, when, and what is not sent and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze import redaction
from wsanalyze.filters import Filter
from wsanalyze.replay.edits import Edited, Edits, edited, proxy_header
from wsanalyze.replay.heads import Head
from wsanalyze.replay.model import Captured, Connection, Frame, NotSent, Plan, Request, Step
from wsanalyze.replay.sendable import unsendable

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 9.2.1); TRACE and PRI are nobody's."""
TEXT, BINARY, CLOSE, PONG = 1, 2, 8, 10
"""Opcodes (RFC 6455 11.8)."""
SECOND = 1_000_000_000
"""Nanoseconds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which exchanges are replayed; where nothing is named, all."""

    only: str | None = None
    """`handshakes` or `requests`."""
    ids: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """`*` stands for anything."""
    paths: tuple[str, ...] = ()
    """The same; the query apart."""
    limit: int = 10_000
    """How many of them at most."""

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Those of `captured.of_side` or `captured.of_analysis` that are asked for."""
        chosen = np.ones(len(rows), bool)
        handshakes = rows["handshake"].to_numpy(bool)
        if self.only is not None:
            chosen &= handshakes == (self.only == "handshakes")
        if self.ids:
            chosen &= rows["id"].isin(self.ids).to_numpy(bool)
        if self.hosts:
            named = Filter(hosts=self.hosts).named
            chosen &= _each(rows["host"], named)
        if self.paths:
            chosen &= _each(rows["target"], self._is_path)
        return rows[chosen]

    def _is_path(self, target: object) -> bool:
        path = str(target).partition("?")[0]
        return any(fnmatchcase(path, pattern) for pattern in self.paths)


def _each(values: pd.Series, test: Callable[[object], bool]) -> npt.NDArray[np.bool_]:
    return np.array([test(value) for value in values], bool)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a replay goes."""

    methods: frozenset[str] = SAFE
    max_gap: float = 1.0
    """Seconds; longer pauses are shortened."""


def plan(captured: Sequence[Captured], edits: Edits, bounds: Bounds) -> Plan:
    """What is to be done with what was captured, in order of time."""
    not_sent: list[NotSent] = []
    sent: dict[int, list[Edited]] = defaultdict(list)
    for one in captured:
        made = edited(one, edits)
        why = _unsendable(made, bounds)
        if why is None:
            sent[one.connection].append(made)
        else:
            not_sent.append(NotSent(one, why))
    clock = _Clock((made.captured for some in sent.values() for made in some), bounds.max_gap)
    ordered = sorted(sent.values(), key=lambda made: made[0].captured.asked)
    connections = [_connection(number, made, clock, edits) for number, made in enumerate(ordered, 1)]
    return Plan(tuple(connections), tuple(not_sent))


def repeated(once: Plan, times: int) -> Plan:
    """The plan so many times, one after the other; `h1.2` is what `h1` is the second time."""
    length = max((connection.start for connection in once.connections), default=0.0)
    connections = list(once.connections)
    for time in range(2, times + 1):
        for connection in once.connections:
            again = tuple(
                replace(one, captured=replace(one.captured, id=f"{one.id}.{time}")) for one in connection.requests
            )
            connections.append(replace(connection, start=connection.start + (time - 1) * length, requests=again))
    return replace(once, connections=tuple(connections))


def _unsendable(made: Edited, bounds: Bounds) -> str | None:
    """Why an exchange is not sent; None where it is."""
    one = made.captured
    if not one.head:
        return "the head of the request is not whole in the capture"
    # What was captured has to be one request, and so has what is made of it.
    return unsendable(one, Head.parse(one.head, http2=one.version == "2"), bounds.methods) or unsendable(
        one, made.head, bounds.methods
    )


class _Clock:
    """The captured time without its long pauses."""

    def __init__(self, captured: Iterable[Captured], max_gap: float) -> None:
        moments = [moment for one in captured for moment in _moments(one)]
        self._at = np.unique(np.array(moments or [0], np.int64))
        steps = np.minimum(np.diff(self._at), round(max_gap * SECOND))
        self._since = np.concatenate([[0], np.cumsum(steps)])

    def seconds(self, moment: int) -> float:
        """Since the first moment."""
        return float(self._since[int(np.searchsorted(self._at, moment))]) / SECOND


def _moments(one: Captured) -> Iterable[int]:
    yield one.asked
    if one.answered is not None:
        yield one.answered
    yield from (frame.time for frame in one.frames)


def _connection(number: int, exchanges: Sequence[Edited], clock: _Clock, edits: Edits) -> Connection:
    first = exchanges[0].captured
    http2 = first.version == "2" and edits.http2
    requests = []
    before: Captured | None = None
    for made in exchanges:
        requests.append(_request(made, before, edits, http2=http2))
        before = made.captured
    return Connection(
        number=number,
        start=clock.seconds(first.asked),
        http2=http2,
        proxy_header=proxy_header(first, edits.proxy_protocol),
        requests=tuple(requests),
    )


def _request(made: Edited, before: Captured | None, edits: Edits, *, http2: bool) -> Request:
    one = made.captured
    # In HTTP/2 requests do not wait for each other.
    since = one.asked if before is None else before.asked if http2 else before.answered or before.asked
    steps, masked = _steps(one, edits)
    return Request(
        captured=one,
        method=made.head.method,
        head=b"" if http2 else made.head.raw,
        fields=made.head.pairs if http2 else (),
        body=b"" if one.handshake else one.body,
        key=made.key,
        pause=max(0, one.asked - since) / SECOND,
        steps=steps,
        lingers=_lingers(one),
        masked=(*made.masked, *(("messages",) if masked else ())),
    )


def _steps(one: Captured, edits: Edits) -> tuple[tuple[Step, ...], bool]:
    """What the client said, each with what it waited for; and whether secrets in it were masked."""
    steps: list[Step] = []
    payloads = iter(_payloads(one.frames, edits))
    server_messages, compressed, masked = 0, False, False
    opened = one.answered if one.answered is not None else one.asked
    last = opened
    for frame in one.frames:
        begins = frame.opcode in {TEXT, BINARY}
        if not frame.by_client:
            server_messages += frame.fin and frame.opcode < CLOSE
        else:
            payload = next(payloads)
        if frame.by_client and frame.opcode != PONG:
            compressed = frame.rsv1 if begins else compressed
            masked |= payload != frame.payload
            pause, at = (max(0, frame.time - since) / SECOND for since in (last, opened))
            steps.append(Step(frame.fin, frame.opcode, payload, compressed, server_messages, pause, at))
            if frame.opcode == CLOSE:
                break
        last = max(last, frame.time)
    return tuple(steps), masked


def _payloads(frames: Sequence[Frame], edits: Edits) -> Iterator[bytes]:
    """What each of the client's frames carries, without secrets: a message is looked through as a whole, whatever its fragments."""
    ours = [frame for frame in frames if frame.by_client]
    if edits.send_credentials:
        yield from (frame.payload for frame in ours)
        return
    shown = {}
    message: list[int] = []
    text = False
    for index, frame in enumerate(ours):
        if frame.opcode >= CLOSE:
            # A status code comes before the reason (RFC 6455 5.5.1).
            code = 2 if frame.opcode == CLOSE else 0
            shown[index] = frame.payload[:code] + _masked(frame.payload[code:], text=True)[: 125 - code]
            continue
        text = frame.opcode == TEXT if frame.opcode else text
        message.append(index)
        if frame.fin or index == len(ours) - 1:
            whole = b"".join(ours[part].payload for part in message)
            left = _masked(whole, text=text)
            for part in message:
                size = len(left) if part == message[-1] else len(ours[part].payload)
                shown[part], left = left[:size], left[size:]
            message = []
    yield from (shown.get(index, frame.payload) for index, frame in enumerate(ours))


def _masked(payload: bytes, *, text: bool) -> bytes:
    """Text without the secrets that have the form of one, be it sent as `text` or as bytes; what is none stays as it is."""
    try:
        read = payload.decode("utf-8", "surrogateescape" if text else "strict")
    except UnicodeDecodeError:
        return payload
    shown = redaction.message(read)
    return payload if shown == read else shown.encode("utf-8", "surrogateescape")


def _lingers(one: Captured) -> float:
    """How long the client stayed after all was said, where it did not close."""
    closed = any(frame.by_client and frame.opcode == CLOSE for frame in one.frames)
    if closed or one.ended is None:
        return 0.0
    last = max([one.answered or one.asked, *(frame.time for frame in one.frames if frame.opcode != CLOSE)])
    return max(0, one.ended - last) / SECOND
