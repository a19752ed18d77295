"""Takes what was read, gives the front and the back: connections once, legs told apart, what there is to say of it.

Captures may hold one leg or both: of a load balancer's own `-i any`, of a Gorouter's, of several machines merged. Who is asked and
asks on is the box that is judged; what was opened to it is the front, what it opened is the back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wsanalyze import capture
from wsanalyze.capture import Read
from wsanalyze.completeness import sealed
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
    if not addresses and len(reads) > 1 and (apart := _apart(reads[0].tables, reads[1].tables)):
        sides, said = [], []
        for side, read, leg in zip(SIDES, reads, apart, strict=True):
            tables, twice = copies.once(leg)
            sides.append(tables)
            said += [(side, note) for note in (*read.notes, *([_copied(twice)] if twice else []))]
        if beyond := len(reads[1].tables.connections) - len(apart[1].connections):
            said.append(
                ("back", f"{_connections(beyond)} opened by who is asked on the back, and {_were(beyond)} left out.")
            )
        return Sides(sides[0], sides[1], tuple(said))
    pool = capture.pooled(reads)
    said = [one for note in pool.notes for one in _both(note)]
    tables, twice = copies.once(pool.tables)
    told, found = _named(tables, addresses) if addresses else _found(tables)
    if found is None:
        raise CaptureError(_files(tables), *_untold(tables, several=len(reads) > 1))
    if not addresses and len(reads) > 1 and _is_unused(reads[0].tables, found):
        raise CaptureError(
            _files(reads[0].tables),
            "nothing in it belongs to the box that the back shows to be asked and to ask on.",
            "Name the addresses of the box to be judged: --lb ADDRESS, once for each.",
        )
    sentences = [_copied(twice)] if twice else []
    sentences += [told] if told else []
    if found.neither:
        sentences.append(f"{_connections(found.neither)} of neither leg, and {_were(found.neither)} left out.")
    return Sides(found.front, found.back, (*said, *(one for text in sentences for one in _both(text))))


def _apart(front: Tables, back: Tables) -> tuple[Tables, Tables] | None:
    """Both legs, where each of the two holds one of its own, as they should. A router's capture shows what the router asks, too."""
    if copies.shared(front, back) or legs.are_several(front):
        return None
    if not legs.are_several(back):
        return front, back
    asked = legs.outer(back)
    # The same clients on both would be the same leg twice.
    known = set(front.connections["client_address"])
    return (front, asked) if known.isdisjoint(asked.connections["client_address"]) else None


def _is_unused(tables: Tables, found: legs.Legs) -> bool:
    """Whether what was given as the front has no part in what was found."""
    servers = {*found.front.connections["server_address"], *found.back.connections["server_address"]}
    return len(tables.connections) > 0 and servers.isdisjoint(tables.connections["server_address"])


def _untold(tables: Tables, *, several: bool) -> tuple[str, str]:
    """What to say where nothing tells the legs apart: what is on both sides would be taken for having been passed on."""
    same = "front and back hold the same connections, and " if several else ""
    keys = " Where they are TLS, --keylog FILE lets requests be seen." if sealed(tables.connections).any() else ""
    return (
        f"{same}which leg is which cannot be told: no request is seen to come to a box and to leave it.",
        f"Name the addresses of the load balancer: --lb ADDRESS, once for each.{keys}",
    )


def _files(tables: Tables) -> str:
    """The files in few words."""
    files = tables.frames.files
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _named(tables: Tables, addresses: Collection[str]) -> tuple[str, legs.Legs]:
    """The legs of the box that was named."""
    found = legs.split(tables, addresses)
    front, back = len(found.front.connections), len(found.back.connections)
    named = ", ".join(sorted(addresses))
    if not front:
        shown = ", ".join(sorted(set(tables.connections["server_address"]))[:8])
        what = f"only what {named} opened is in it, and nothing that was opened to it" if back else ""
        raise CaptureError(
            _files(tables),
            what or f"no connection to or from {named} is in it",
            f"Servers in it are: {shown}." if shown else "",
        )
    if not back:
        more = [box for box in legs.boxes(tables) if box.addresses & set(addresses) and box.addresses - set(addresses)]
        if more:
            raise CaptureError(
                _files(tables),
                f"only what was opened to {named} is in it, and nothing that it opened",
                f"Name all of its addresses: {more[0].options()}.",
            )
        return (
            f"Nothing that {named} opened is in the capture: if the box has other addresses, name them too (--lb).",
            found,
        )
    return "", found


def _found(tables: Tables) -> tuple[str, legs.Legs | None]:
    """The legs of the box that the traffic shows, if it shows one. Raises CaptureError where it shows one behind the other."""
    boxes = legs.boxes(tables)
    if len(boxes) > 1 and not legs.abreast(boxes):
        which = _few([f"{box.options()} ({_seen(box)})" for box in boxes], "; ")
        raise CaptureError(
            _files(tables),
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
    how = f"what came to it left it again, {_times(seen)}" if seen else "it is asked and asks on"
    return f"Both legs are in the same capture; the box that is judged was found in the traffic ({how}): {which}"


def _few(names: Sequence[str], separator: str) -> str:
    return separator.join([*names[:MAX_NAMED], "…"] if len(names) > MAX_NAMED else names)


def _seen(box: legs.Box) -> str:
    return f"what came to it left it for {', '.join(sorted(box.behind)[:3])}, {_times(box.seen)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _both(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((side, text) for side in SIDES)


def _copied(count: int) -> str:
    return f"{_connections(count)} captured more than once, and {_were(count)} taken for one each."


def _connections(count: int) -> str:
    return f"{count} connection{'s' if count != 1 else ''} {_were(count)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
