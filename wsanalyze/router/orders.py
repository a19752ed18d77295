"""What can be ordered of the router, by an option or in the path: takes the text of an order, gives what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from websockets.exceptions import ProtocolError
from websockets.frames import Close

LONGEST: Final = 3600.0
"""Seconds that may be ordered: whatever waits longer is better ended."""

ROUTER_ERRORS: Final = ("unknown_route", "route_service_unsupported", "no_endpoints", "endpoint_failure")
"""Values of X-Cf-Routererror that can be ordered."""

_BEHAVE, _ROUTER_ERROR = "behave", "router-error"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What is done with a request other than what a good router would do."""

    name: str
    """One of `BEHAVIOURS`."""
    value: float | None = None
    """A status, a close code or seconds."""

    @classmethod
    def parse(cls, text: str) -> Behaviour:
        """Takes `strip` or `refuse=503`, gives what it means; raises ValueError where it means nothing."""
        name, equals, value = text.partition("=")
        if name not in BEHAVIOURS:
            raise ValueError(f"there is no behaviour {name!r}; there are {', '.join(BEHAVIOURS)}")
        kind = BEHAVIOURS[name]
        if not equals and kind.optional:
            return cls(name)
        if kind.read is None:
            raise ValueError(f"{name} takes no value")
        try:
            return cls(name, kind.read(value))
        except ValueError:
            raise ValueError(f"{name} takes {kind.value}, as in {name}={kind.example}") from None


@dataclass(frozen=True, slots=True)
class Kind:
    """Which value a behaviour takes."""

    read: Callable[[str], float] | None = None
    value: str = ""
    example: str = ""
    optional: bool = True
    """Whether it may go without a value."""


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= LONGEST:
        raise ValueError(text)
    return seconds


def _status(text: str) -> float:
    status = int(text)
    if not 200 <= status <= 599:
        raise ValueError(text)
    return status


def _close_code(text: str) -> float:
    code = int(text)
    try:
        Close(code, "").check()
    except ProtocolError:
        raise ValueError(text) from None
    return code


BEHAVIOURS: Final = {
    "strip": Kind(),
    "terminate": Kind(_close_code, "a close code", "4000"),
    "refuse": Kind(_status, "a status from 200 to 599", "503", optional=False),
    "silent": Kind(),
    "cut": Kind(_seconds, "seconds, at most an hour", "2.5", optional=False),
    "slow": Kind(_seconds, "seconds, at most an hour", "2.5", optional=False),
}
"""By name. What they do is written in `wsanalyze router --help`, and in `decision`."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a path orders."""

    words: tuple[str, ...]
    """The segments behind the order: they say what is done beside it."""
    behaviour: Behaviour | None = None
    router_error: str | None = None


def in_path(path: str) -> Ordered:
    """Takes a path such as `/behave/refuse/503/page` or `/router-error/no_endpoints`; raises ValueError for an order that is none."""
    words = tuple(path.split("/")[1:])
    if words[:1] == (_ROUTER_ERROR,) and len(words) > 1:
        if words[1] not in ROUTER_ERRORS:
            raise ValueError(f"there is no router error {words[1]!r}; there are {', '.join(ROUTER_ERRORS)}")
        return Ordered(words[2:], router_error=words[1])
    if words[:1] == (_BEHAVE,) and len(words) > 1:
        return _behaviour_in(words[1:])
    return Ordered(words)


def _behaviour_in(words: tuple[str, ...]) -> Ordered:
    name, value = words[0], words[1] if len(words) > 1 else ""
    kind = BEHAVIOURS.get(name)
    if kind is not None and kind.read is not None:
        try:
            return Ordered(words[2:], Behaviour.parse(f"{name}={value}"))
        except ValueError:
            if not kind.optional:
                raise
    return Ordered(words[1:], Behaviour.parse(name))
