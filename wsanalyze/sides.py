"""Takes what was read, gives the front and the back: connections once, legs told apart, what there is to say of it.

Captures may hold one leg or both: of a load balancer's own `-i any`, of a Gorouter's, of several machines merged. Who is asked and
asks on is the box that is judged; what was opened to it is the front, what it opened is the back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wsanalyze import capture
from wsanalyze.capture import Read
from wsanalyze.failure import CaptureError
from wsanalyze.pairing import copies, legs, listeners
from wsanalyze.tables import Tables

SIDES = ("front", "back")
MAX_NAMED = 16
"""Boxes that are named in a sentence; a capture may show thousands."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of the box that is judged."""

    front: Tables
    back: Tables
    problems: tuple[tuple[str, str], ...]
    """What there is to say: the side, and a sentence."""


def sides(reads: Sequence[Read], addresses: Collection[str] = ()) -> Sides:
    """Front and back of what was read, for one side each or for both together.

    `addresses` are those of the box that is judged. Raises CaptureError where what was read for both cannot be told apart.
    """
    said = [(side, note) for side, read in zip(SIDES, reads, strict=False) for note in read.notes]
    if len(reads) > 1 and not addresses and not copies.shared(reads[0].tables, reads[1].tables):
        sides = []
        for side, read in zip(SIDES, reads, strict=True):
            tables, twice = copies.once(read.tables)
            sides.append(tables)
            said += [(side, _copied(twice))] if twice else []
        return Sides(sides[0], sides[1], tuple(said))
    tables, twice = copies.once(capture.pooled(reads).tables)
    told, found = _named(tables, addresses) if addresses else _found(tables)
    if found is None:
        if len(reads) == 1:
            raise CaptureError(" ".join(tables.frames.files), *_UNTOLD)
        return Sides(reads[0].tables, reads[1].tables, (*said, *_both(" ".join(_UNTOLD))))
    sentences = [_copied(twice)] if twice else []
    sentences += [told] if told else []
    if found.neither:
        sentences.append(f"{_connections(found.neither)} of neither leg, and {_were(found.neither)} left out.")
    return Sides(found.front, found.back, (*said, *(one for text in sentences for one in _both(text))))


_UNTOLD = (
    "which leg is which cannot be told: no request is seen to come to a box and to leave it.",
    "Name the addresses of the load balancer: --lb ADDRESS, once for each.",
)


def _named(tables: Tables, addresses: Collection[str]) -> tuple[str, legs.Legs]:
    """The legs of the box that was named."""
    found = legs.split(tables, addresses)
    if not len(found.front.connections) and not len(found.back.connections):
        named = ", ".join(sorted(addresses))
        shown = ", ".join(sorted(set(tables.connections["server_address"]))[:8])
        raise CaptureError(
            " ".join(tables.frames.files),
            f"no connection to or from {named} is in it",
            f"Servers in it are: {shown}." if shown else "",
        )
    return "", found


def _found(tables: Tables) -> tuple[str, legs.Legs | None]:
    """The legs of the box that the traffic shows, if it shows one. Raises CaptureError where it shows one behind the other."""
    boxes = legs.boxes(tables)
    if len(boxes) > 1 and not legs.abreast(boxes):
        which = _few([f"{box.options()} ({_seen(box)})" for box in boxes], "; ")
        raise CaptureError(
            " ".join(tables.frames.files),
            "several boxes are asked and ask on, one behind the other.",
            f"Name the one to be judged: {which}.",
        )
    if boxes:
        addresses = legs.spread(boxes)
        found = legs.split(tables, addresses)
        if len(found.front.connections) and len(found.back.connections):
            return _proposal(boxes), found
    front, back, neither = listeners.split(tables)
    if len(front.connections) and len(back.connections):
        text = "Both legs are in the same capture: what carried a request first was taken for the front."
        return text, legs.Legs(front, back, neither)
    return "", None


def _proposal(boxes: Sequence[legs.Box]) -> str:
    which = _few([box.options() for box in boxes], " ")
    seen = sum(box.seen for box in boxes)
    how = f"{seen} request{'s' if seen != 1 else ''} came to it and left it" if seen else "it is asked and asks on"
    return f"Both legs are in the same capture; the box that is judged was found in the traffic ({how}): {which}"


def _few(names: Sequence[str], separator: str) -> str:
    return separator.join([*names[:MAX_NAMED], "…"] if len(names) > MAX_NAMED else names)


def _seen(box: legs.Box) -> str:
    return f"{box.seen} requests passed it, to {', '.join(sorted(box.behind)[:3])}"


def _both(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((side, text) for side in SIDES)


def _copied(count: int) -> str:
    return f"{_connections(count)} captured more than once, and {_were(count)} taken for one each."


def _connections(count: int) -> str:
    return f"{count} connection{'s' if count != 1 else ''} {_were(count)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
