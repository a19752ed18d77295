"""Takes an exchange as captured and what came of it in the replay, gives the result and, in one sentence, why.

Whether it works is compared with what the client got, the answer with what the router sent, where that was captured. What cannot
be told of the capture makes nothing better and nothing worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from websockets.utils import accept_key

from wsanalyze import redaction
from wsanalyze.replay.differences import ROUTER_ERROR, Difference, differences
from wsanalyze.replay.fields import parsed, value
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
from wsanalyze.replay.volatile import NOTHING_LEARNED, OUTCOME, Volatile
from wsanalyze.rules.router_error import MEANINGS

Result = Literal["worse", "different", "better", "same", "not-sent"]
RESULTS: Final[tuple[Result, ...]] = ("worse", "different", "better", "same", "not-sent")
"""What somebody has to look at first."""

_OUTCOMES: Final = frozenset({ESTABLISHED, REFUSED, ANSWERED, NO_ANSWER, RESET})
_WANTS_CREDENTIALS: Final = frozenset({401, 403, 407})
_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
MAX_NAMED: Final = 3
"""Differences that a sentence names."""
MAX_VALUE: Final = 80
"""Characters of a value that a sentence quotes."""

_OF_ACCEPTING: Final = frozenset(
    {"upgrade", "connection", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions"}
)
"""Headers that an answer has, or has not, because it accepts the handshake or refuses it."""
_WRONG_ACCEPT: Final = " with a Sec-WebSocket-Accept that does not answer the key"
_REACHED: Final = {
    "stripped": "the router accepts it when it arrives with Upgrade, which the LB had stripped",
    "terminated": "the router accepts it as the client sent it; the LB had answered by itself",
    "blocked": "the router accepts it when it arrives; the LB had stopped it",
    "passed-through": "the router did not accept it as the LB had passed it on",
}
"""Why a handshake is better now, by its verdict."""


@dataclass(frozen=True, slots=True)
class Compared:
    """An exchange and what came of it."""

    captured: Captured
    replayed: Replayed | None
    """None where it was not to be sent."""
    result: Result
    why: str
    """One sentence, without the secrets that headers carry."""
    works: bool | None = None
    """Whether it works in the replay; None where it was not sent."""
    worked: bool | None = None
    """Whether it did for the client; None where that was not captured."""
    differences: tuple[Difference, ...] = ()
    withheld: bool = False
    """Whether it lacked the credentials that the client had sent, and was refused as one without."""
    unsteady: bool = False
    """Whether two replays of it came to different ends."""

    @property
    def sent(self) -> bool:
        """Whether it was sent."""
        return self.works is not None


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
    if came.outcome is None:
        return Compared(captured, came, "not-sent", _unsent(came))
    works, worked = _works(captured, came), _worked(captured)
    found = differences(captured, came, learned)
    withheld = not works and came.status in _WANTS_CREDENTIALS and request is not None and lacks_credentials(request)
    result = _result(captured, came, works=works, worked=worked, counting=any(one.counts for one in found))
    unsteady = learned.has_fact(captured.id, OUTCOME)
    if result in {"better", "worse"} and (worked is None or withheld):
        result = "different"
    why = _why(captured, came, result, found, worked=worked, withheld=withheld)
    if unsteady:
        result, why = "different", f"what comes of it changes from one replay to the next; now {_now(came)}"
    return Compared(captured, came, result, why, works, worked, found, withheld, unsteady)


def _unsent(came: Replayed) -> str:
    return f"it could not be sent: {_shown(came.error)}" if came.error else "the replay ended before it was sent"


def _works(captured: Captured, came: Replayed) -> bool:
    if captured.handshake:
        # A client must fail a connection whose Sec-WebSocket-Accept is wrong (RFC 6455 4.1).
        return came.outcome == ESTABLISHED and came.accept_valid is not False
    return came.outcome == ANSWERED and came.status is not None and came.status < 400


def _worked(captured: Captured) -> bool | None:
    if captured.outcome not in _OUTCOMES:
        return None
    if captured.handshake:
        return captured.outcome == ESTABLISHED and _accept_was_right(captured)
    if captured.outcome == ANSWERED:
        return None if captured.status is None else captured.status < 400
    return False


def _accept_was_right(captured: Captured) -> bool:
    """Whether the answer that the client got fits its key; also where there is neither, as in HTTP/2."""
    key = value(parsed(captured.head).fields, "sec-websocket-key")
    accept = value(parsed(captured.answer or b"").fields, "sec-websocket-accept")
    return key is None or accept is None or accept == accept_key(key)


def _result(captured: Captured, came: Replayed, *, works: bool, worked: bool | None, counting: bool) -> Result:
    if worked is None:
        return "different"
    if works != worked:
        # What fails later on is not better for having been accepted.
        return "worse" if worked else "different" if came.error else "better"
    if works and came.error and captured.close_code != came.close_code:
        return "worse"
    unlike = not works and (captured.outcome != came.outcome or (captured.status is None) != (came.status is None))
    return "different" if counting or unlike else "same"


def lacks_credentials(request: Request) -> bool:
    """Whether something by which the router knows the client was captured and is not sent."""
    return bool(_credentials(parsed(request.captured.head).fields) - _credentials(_sent_fields(request)))


def _sent_fields(request: Request) -> tuple[tuple[str, str], ...]:
    if request.fields:
        return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.fields)
    return parsed(request.head).fields


def _credentials(fields: Sequence[tuple[str, str]]) -> set[str]:
    return {name.lower() for name, _ in fields} & _CREDENTIALS


def _why(
    captured: Captured,
    came: Replayed,
    result: Result,
    found: Sequence[Difference],
    *,
    worked: bool | None,
    withheld: bool,
) -> str:
    now, then = _now(came), _then(captured)
    meaning = _meaning(came)
    # The status comes first anyway, and what the router says of itself with its meaning.
    elsewhere = {"status", ROUTER_ERROR if meaning else ""}
    if captured.handshake and (came.outcome == ESTABLISHED) != (captured.outcome == ESTABLISHED):
        elsewhere |= _OF_ACCEPTING
    counting = [one for one in found if one.counts and one.what.lower() not in elsewhere]
    facts = [] if result == "better" else [_told(one) for one in counting[:MAX_NAMED]]
    if len(counting) > MAX_NAMED and facts:
        facts.append(f"and {len(counting) - MAX_NAMED} more differences")
    if result == "better" and captured.handshake:
        facts.append(_REACHED.get(captured.verdict or "", "it is accepted without what was between"))
    if result == "worse" and captured.verdict == "terminated":
        facts.append("the LB had answered by itself")
    if withheld:
        facts.append("the client's credentials were not sent")
    if meaning and result != "better":
        facts.append(meaning)
    if came.error:
        facts.append(_shown(came.error))
    if worked is None:
        head = f"{now}; what the client got was not captured"
    elif result == "same" and captured.handshake and worked:
        head = f"established as captured ({now})"
    elif now == then:
        head = f"{now} as captured"
    else:
        head = f"{now} instead of {then}"
    router = _router_then(captured)
    head += f" ({router})" if router else ""
    return f"{head}: {'; '.join(facts)}" if facts else head


def _now(came: Replayed) -> str:
    if came.status is not None:
        return f"{came.status}{_WRONG_ACCEPT if came.accept_valid is False else ''}"
    return _unanswered(came.outcome)


def _then(captured: Captured) -> str:
    if captured.status is None:
        return _unanswered(captured.outcome)
    wrong = captured.outcome == ESTABLISHED and not _accept_was_right(captured)
    return f"{captured.status}{_WRONG_ACCEPT if wrong else ''}"


def _unanswered(outcome: str | None) -> str:
    return {NO_ANSWER: "no answer", RESET: "a reset", None: "nothing"}.get(outcome, str(outcome))


def _router_then(captured: Captured) -> str:
    """What the router had answered, where the client got something else."""
    if captured.router_status is None or captured.router_status == captured.status:
        return ""
    return f"the router had answered {captured.router_status}"


def _told(one: Difference) -> str:
    return f"{one.what} {_value(one, one.replayed)} instead of {_value(one, one.captured)}"


def _value(one: Difference, text: str | None) -> str:
    if text is None:
        return "none"
    return _shown(redaction.header(one.what, text)) if one.header else text


def _shown(text: str | None) -> str:
    line = " ".join(redaction.target(text or "").split())
    return line if len(line) <= MAX_VALUE else f"{line[: MAX_VALUE - 1]}…"


def router_error(came: Replayed) -> str | None:
    """The X-Cf-Routererror of the answer."""
    return value(came.headers, ROUTER_ERROR)


def _meaning(came: Replayed) -> str:
    """What the router says of itself, and what that means."""
    said = router_error(came)
    if said is None:
        return ""
    known = next((text for prefix, text in MEANINGS.items() if said.lower().startswith(prefix)), None)
    return f"X-Cf-Routererror is {_shown(said)}{f', which means: {known}' if known else ''}"
