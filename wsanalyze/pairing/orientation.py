"""Takes both sides' tables, gives their pairs, by clocks that were set alike and with the sides the right way round."""

from __future__ import annotations

from wsanalyze.pairing import Pairing, alignment, pair
from wsanalyze.pairing.alignment import Said
from wsanalyze.tables import Tables

_REPLAYED: Said = (
    (
        "back",
        "The back is a replay: it did not go through the load balancer, on which there are no verdicts therefore.",
    ),
)
_OF_ANOTHER_TIME: Said = (
    (
        "front",
        "The front is a replay of another time than the back: what the load balancer did with it the back cannot tell.",
    ),
)


def paired(front: Tables, back: Tables, *, clock_offset: float | None = None) -> tuple[Tables, Tables, Pairing, Said]:
    """Front, back, their pairs, and what there is to say; `clock_offset` as for `pairing.pair`, then nothing is set or turned."""
    if clock_offset is not None:
        return front, back, pair(front, back, clock_offset=clock_offset), ()
    if back.was_captured_apart_from(front):
        return front, back, pair(front, back, timeless=True), _REPLAYED if back.is_replay else _OF_ANOTHER_TIME
    said: Said = ()
    if alignment.is_several(front, back):
        front, back, said = alignment.align(front, back)
    pairs = pair(front, back)
    if pairs.clock.contradictory and not said:
        front, back, said = alignment.align(front, back)
        pairs = pair(front, back) if said else pairs
    if pairs.clock.exchanged:
        turned = pair(back, front)
        if not turned.clock.exchanged:
            return back, front, turned, (*said, *_turned(back, front))
    return front, back, pairs, said


def _turned(front: Tables, back: Tables) -> Said:
    """What to say where the captures were named in the wrong order."""
    text = (
        f"The captures were named in the wrong order: the requests in {back.frames.files[0]} lie within those in "
        f"{front.frames.files[0]}, which was taken for the front."
    )
    return ("front", text), ("back", text)
