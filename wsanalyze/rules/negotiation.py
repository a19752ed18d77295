"""Takes a list header of the handshake, gives the handshakes in which the load balancer altered it: what two rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from wsanalyze import redaction
from wsanalyze.pairing.prepare import SWITCHED_BY, switched
from wsanalyze.rules.carried import column_of
from wsanalyze.rules.context import Context, Problem, text
from wsanalyze.rules.instances import problems
from wsanalyze.tables import differ, equal


def altered(
    context: Context, column: str, header: str, listed: Callable[[object], object], title: str, advice: str
) -> Iterator[Problem]:
    """Handshakes whose offer reached the router otherwise than it was sent, or whose 101 reached the client otherwise.

    `listed` gives a value in the form that is compared.
    """
    rows = context.once(_negotiated)
    offered = _altered(context, rows[rows["whole"]], column, header, listed)
    accepted = _altered(context, rows[rows["switched"]], f"response_{column}", header, listed, reverse=True)
    notes = {
        index: "; ".join(
            f"{what}: {changes[index]}"
            for what, changes in (("offered", offered), ("accepted", accepted))
            if index in changes
        )
        for index in sorted({*offered, *accepted})
    }
    if not notes:
        return
    found = rows.loc[list(notes)].assign(note=list(notes.values()))
    # What was offered is seen best by the router, what was accepted by the client.
    by_router = [index in offered for index in notes]
    sides = found[by_router], found[[not offer for offer in by_router]]
    yield from problems(
        context,
        "warning",
        title,
        advice,
        {
            "back": sides[0].rename(columns={"back": "exchange"}),
            "front": sides[1].rename(columns={"front": "exchange"}),
        },
    )


def _negotiated(context: Context) -> pd.DataFrame:
    """The handshakes that both captures show, as `context.carried`; `switched`: both answers accept it, and were captured whole."""
    rows = context.carried[context.carried["handshake"].notna()]
    # Another handshake than the client's has an offer of its own; what is undetermined may be another one.
    rows = rows[rows["detail"].ne("re-originated") & rows["verdict"].ne("undetermined")]
    answers = [
        tables.rows("exchanges", rows[side], *SWITCHED_BY, "response_state")
        for side, tables in (("front", context.front), ("back", context.back))
    ]
    both = [switched(answer) & equal(answer["response_state"], "complete") for answer in answers]
    return rows.assign(switched=both[0] & both[1])


def _altered(
    context: Context,
    rows: pd.DataFrame,
    column: str,
    header: str,
    listed: Callable[[object], object],
    *,
    reverse: bool = False,
) -> dict[int, str]:
    """`A → B` by the rows' index, in the direction in which the header went."""
    front, back = column_of(context.front, rows["front"], column), column_of(context.back, rows["back"], column)
    # Most are the same to the letter; only the others are taken apart.
    unlike = differ(front, back)
    found = {}
    for index, ours, theirs in zip(rows.index[unlike], front[unlike], back[unlike], strict=True):
        if listed(ours) != listed(theirs):
            before, after = (theirs, ours) if reverse else (ours, theirs)
            found[int(index)] = f"{_shown(header, before)} → {_shown(header, after)}"
    return found


def _shown(header: str, value: object) -> str:
    """A value without its secrets: browsers send tokens as subprotocols."""
    return redaction.header(header, text(value) or "") or "none"
