"""Takes an exchange as captured and what came of it in the replay, gives the result and, in one sentence, why.

Whether it works is compared with what the client got, the answer with what the router sent, where that was captured. What cannot
be told of the capture makes nothing better and nothing worse.
"""

from __future__ import annotations

from typing import Final

from wsanalyze import redaction
from wsanalyze.replay.differences import differences
from wsanalyze.replay.fields import Fields, asked, flaw, parsed, value
from wsanalyze.replay.model import (
    ANSWERED,
    ESTABLISHED,
    NO_ANSWER,
    REFUSED,
    RESET,
    Captured,
    NotSent,
    Replayed,
    Request,
)
from wsanalyze.replay.results import Compared, Result
from wsanalyze.replay.volatile import NOTHING_LEARNED, OUTCOME, Volatile
from wsanalyze.replay.why import now, router_error, shown, told_error, why_of

_OUTCOMES: Final = frozenset({ESTABLISHED, REFUSED, ANSWERED, NO_ANSWER, RESET})
_ORDERLY: Final = frozenset({1000, 1001, 1005})
"""Close codes of a WebSocket that came to its end (RFC 6455 7.4.1); 1005 stands for a Close frame without one."""
_WANTS_CREDENTIALS: Final = frozenset({401, 403, 407})
"""Statuses by which servers ask for other credentials, or for some (RFC 9110 15.5)."""
_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})


def compare(
    captured: Captured,
    came: Replayed | NotSent,
    *,
    request: Request | None = None,
    learned: Volatile = NOTHING_LEARNED,
) -> Compared:
    """What came of an exchange beside what was captured; `request`, what was sent of it, tells of credentials that were not."""
    if isinstance(came, NotSent):
        return Compared(captured, None, "not-sent", came.why)
    if came.outcome is None or not came.reached:
        return Compared(captured, came, "not-sent", _unsent(came))
    if came.interrupted and came.outcome in {NO_ANSWER, RESET}:
        return Compared(captured, came, "not-sent", "the replay ended before the answer came")
    works, worked = _works(captured, came), _worked(captured)
    found = differences(captured, came, learned)
    withheld = not works and _may_want_credentials(came, worked=worked) and _lacks_credentials(request)
    result = _result(captured, came, works=works, worked=worked, counting=any(one.counts for one in found))
    unsteady = learned.has_fact(captured.id, OUTCOME)
    if result in {"better", "worse"} and (worked is None or withheld):
        result = "different"
    why = why_of(captured, came, result, found, worked=worked, withheld=withheld)
    if unsteady:
        result, why = "different", f"what comes of it changes from one replay to the next; now {now(came)}"
    return Compared(captured, came, result, why, works, worked, found, withheld, unsteady)


def _unsent(came: Replayed) -> str:
    return f"it could not be sent: {shown(told_error(came))}" if came.error else "the replay ended before it was sent"


def _works(captured: Captured, came: Replayed) -> bool:
    if captured.handshake:
        # A client must fail a connection whose Sec-WebSocket-Accept is wrong (RFC 6455 4.1).
        return came.outcome == ESTABLISHED and came.accept_valid is not False
    return came.outcome == ANSWERED and came.status is not None and came.status < 400


def _worked(captured: Captured) -> bool | None:
    if captured.outcome not in _OUTCOMES:
        return None
    if captured.handshake:
        return captured.outcome == ESTABLISHED and flaw(captured.head, captured.answer) is None
    if captured.outcome == ANSWERED:
        return None if captured.status is None else captured.status < 400
    return False


def _result(captured: Captured, came: Replayed, *, works: bool, worked: bool | None, counting: bool) -> Result:
    if worked is None:
        return "different"
    if works != worked:
        # What fails later on is not better for having been accepted.
        return "worse" if worked else "different" if came.error else "better"
    if works and came.error and (captured.close_code is None or captured.close_code != came.close_code):
        return "worse"
    if works and captured.close_code in _ORDERLY and came.close_code not in _ORDERLY and not came.interrupted:
        return "worse"
    unlike = not works and (captured.outcome != came.outcome or (captured.status is None) != (came.status is None))
    return "different" if counting or unlike else "same"


def _may_want_credentials(came: Replayed, *, worked: bool | None) -> bool:
    """Whether the answer may be one to a client that is not known; servers hide from such ones what they have."""
    if worked and router_error(came) is None and came.status is not None:
        return 400 <= came.status < 500
    return came.status in _WANTS_CREDENTIALS


def _lacks_credentials(request: Request | None) -> bool:
    """Whether something by which the router knows the client was captured and is not sent."""
    if request is None:
        return False
    before, after = parsed(request.captured.head).fields, _sent_fields(request)
    if _credentials(before) - _credentials(after):
        return True
    target = asked(request.captured.head).target or ""
    return redaction.target(target) != target and target != _sent_target(request, after)


def _sent_target(request: Request, fields: Fields) -> str | None:
    return value(fields, ":path") if request.fields else asked(request.head).target


def _sent_fields(request: Request) -> Fields:
    if request.fields:
        return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.fields)
    return parsed(request.head).fields


def _credentials(fields: Fields) -> set[str]:
    return {name.lower() for name, _ in fields} & _CREDENTIALS
