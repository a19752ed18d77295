"""Takes an exchange as captured, what came of it and what differs, gives one sentence with the facts, without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wsanalyze import redaction
from wsanalyze.replay.differences import ROUTER_ERROR, Difference
from wsanalyze.replay.fields import WRONG_ACCEPT, flaw, value
from wsanalyze.replay.model import ESTABLISHED, NO_ANSWER, RESET, Captured, Replayed
from wsanalyze.replay.results import Result
from wsanalyze.rules.router_error import MEANINGS

MAX_NAMED: Final = 3
"""Differences that a sentence names."""
MAX_VALUE: Final = 80
"""Characters of a value that a sentence quotes."""

_OF_ACCEPTING: Final = frozenset(
    {"upgrade", "connection", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions"}
)
"""Headers that an answer has, or has not, because it accepts the handshake or refuses it."""
_REACHED: Final = {
    "stripped": "the router accepts it when it arrives with Upgrade, which the LB had stripped",
    "terminated": "the router accepts it as the client sent it; the LB had answered by itself",
    "blocked": "the router accepts it when it arrives; the LB had stopped it",
    "passed-through": "the router did not accept it as the LB had passed it on",
}
"""Why a handshake is better now, by its verdict."""


def why_of(
    captured: Captured,
    came: Replayed,
    result: Result,
    found: Sequence[Difference],
    *,
    worked: bool | None,
    withheld: bool,
) -> str:
    """Why the result is what it is: what came of it beside what was captured, and the facts that tell more."""
    head = _beside(captured, came, result, worked=worked)
    facts = _better(captured) if result == "better" else _facts(captured, came, found)
    if result == "worse" and captured.verdict == "terminated":
        facts.append("the LB had answered by itself")
    if withheld:
        facts.append("the client's credentials were not sent")
    if came.error:
        facts.append(shown(came.error))
    return f"{head}: {'; '.join(facts)}" if facts else head


def _better(captured: Captured) -> list[str]:
    if not captured.handshake:
        return []
    return [_REACHED.get(captured.verdict or "", "it is accepted without what was between")]


def _facts(captured: Captured, came: Replayed, found: Sequence[Difference]) -> list[str]:
    """What differs and counts, and what the router says of itself."""
    meaning = _meaning(came)
    # The status comes first anyway.
    elsewhere = {"status", ROUTER_ERROR if meaning else ""}
    if captured.handshake and (came.outcome == ESTABLISHED) != (captured.outcome == ESTABLISHED):
        elsewhere |= _OF_ACCEPTING
    counting = [one for one in found if one.counts and one.what.lower() not in elsewhere]
    facts = [_told(one) for one in counting[:MAX_NAMED]]
    if len(counting) > MAX_NAMED:
        left = len(counting) - MAX_NAMED
        facts.append(f"and {left} more difference{'s' if left > 1 else ''}")
    return [*facts, meaning] if meaning else facts


def _beside(captured: Captured, came: Replayed, result: Result, *, worked: bool | None) -> str:
    after, before, router = now(came), _then(captured), _router_then(captured)
    if result == "same" and captured.handshake and worked:
        return f"established as captured ({after}{router and '; '}{router})"
    head = f"{after} as captured" if after == before else f"{after} instead of {before}"
    if worked is None:
        head = f"{after}; what the client got was not captured"
    return f"{head} ({router})" if router else head


def now(came: Replayed) -> str:
    """What came: a status, or what there was instead of one."""
    if came.status is not None:
        return f"{came.status} {WRONG_ACCEPT}" if came.accept_valid is False else str(came.status)
    return _unanswered(came.outcome)


def _then(captured: Captured) -> str:
    if captured.status is None:
        return _unanswered(captured.outcome)
    wrong = flaw(captured.head, captured.answer) if captured.outcome == ESTABLISHED else None
    return f"{captured.status} {wrong}" if wrong else str(captured.status)


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
    return shown(redaction.header(one.what, text)) if one.header else text


def shown(text: str | None) -> str:
    """The text on one line, without secrets, and not long."""
    line = " ".join(redaction.target(text or "").split())
    return line if len(line) <= MAX_VALUE else f"{line[: MAX_VALUE - 1]}…"


def told_error(came: Replayed) -> str:
    """What failed, in words that go on a sentence."""
    return (came.error or "").removeprefix("not sent: ")


def router_error(came: Replayed) -> str | None:
    """The X-Cf-Routererror of the answer."""
    return value(came.headers, ROUTER_ERROR)


def _meaning(came: Replayed) -> str:
    """What the router says of itself, and what that means."""
    said = router_error(came)
    if said is None:
        return ""
    known = next((text for prefix, text in MEANINGS.items() if said.lower().startswith(prefix)), None)
    return f"X-Cf-Routererror is {shown(said)}{f', which means: {known}' if known else ''}"
