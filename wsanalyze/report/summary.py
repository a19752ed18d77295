"""Takes an analysis, gives the sentences that sum it up: the answer, the requests, the clocks, what limits it."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from wsanalyze.analysis import Analysis
from wsanalyze.box import received_on, worded
from wsanalyze.completeness import sealed
from wsanalyze.tables import Tables

WORST_FIRST = ("stripped", "terminated", "blocked", "undetermined", "passed-through")

_DOES = {
    "stripped": ("strips the upgrade from", "stripped of the upgrade"),
    "terminated": ("answers by itself", "answered by the load balancer itself"),
    "blocked": ("stops", "stopped at the load balancer"),
}
_BECAUSE = {
    "encrypted": "the traffic is encrypted",
    "back-not-captured": "the back capture does not cover that time",
    "handshake-not-captured": "the front capture does not hold the client's side",
    "packets-missing": "packets are missing",
    "truncated": "packets were cut by the snapshot length",
    "ambiguous": "several explanations are possible",
}


def worst_first(handshakes: pd.DataFrame) -> pd.DataFrame:
    """The handshakes with those first that somebody has to do something about."""
    rank = handshakes["verdict"].map({verdict: rank for rank, verdict in enumerate(WORST_FIRST)})
    refused = (handshakes["outcome"] != "established").astype(int)
    return handshakes.assign(rank=rank * 2 - refused).sort_values("rank", kind="stable").drop(columns="rank")


def answer(analysis: Analysis) -> str:
    """What the judged box does, in a sentence or two."""
    # Nothing in them but addresses and numbers was captured.
    return worded(_answer(analysis), analysis.box)


def _answer(analysis: Analysis) -> str:
    unread = is_unread(analysis.handshakes)
    handshakes = analysis.handshakes[~unread]
    carried = _carried(int(unread.sum()))
    if not len(handshakes):
        return f"The load balancer{_where(analysis)} {carried}." if carried else _no_handshakes(analysis)
    told = _told(analysis, handshakes)
    return f"{told} It also {carried}." if carried else told


def is_unread(handshakes: pd.DataFrame) -> pd.Series:
    """Whether a row stands for a TLS connection that was carried byte for byte, whatever is inside."""
    return (handshakes["mode"] == "tcp") & handshakes["front_exchange"].isna() & handshakes["back_exchange"].isna()


def _carried(count: int) -> str:
    """What it does with such connections; empty where there are none."""
    if not count:
        return ""
    if count == 1:
        return "passes a TLS connection on byte for byte: whatever handshake is inside, it cannot have touched it"
    return (
        f"passes {count} TLS connections on byte for byte: whatever handshakes are inside, it cannot have touched them"
    )


def _told(analysis: Analysis, handshakes: pd.DataFrame) -> str:
    """What it does with the handshakes that could be read, in one sentence."""
    total = len(handshakes)
    if analysis.back.was_captured_apart_from(analysis.front):
        return _replayed(handshakes, "back" if analysis.back.is_replay else "front")
    counts = Counter(handshakes["verdict"])
    bad = [verdict for verdict in WORST_FIRST[:3] if counts[verdict]]
    parts: list[str] = []
    if len(bad) == 1 and counts[bad[0]] == total:
        probably = "" if (handshakes["confidence"] == "certain").any() else "probably "
        return f"The load balancer{_where(analysis)} {probably}{_DOES[bad[0]][0]} {_all(total)}."
    parts.extend(f"{counts[verdict]} {_were(counts[verdict])} {_DOES[verdict][1]}" for verdict in bad)
    if counts["passed-through"]:
        parts.append(_passed(handshakes, counts["passed-through"]))
    if counts["undetermined"] == total:
        return (
            f"What the load balancer{_where(analysis)} did with {_all(total)} cannot be told: {_because(handshakes)}."
        )
    if counts["undetermined"]:
        parts.append(f"for {counts['undetermined']} the captures cannot tell: {_because(handshakes)}")
    if len(parts) == 1 and counts["passed-through"] == total:
        probably = "" if (handshakes["confidence"] == "certain").any() else "probably "
        return f"The load balancer{_where(analysis)} {probably}passes WebSocket through: {parts[0]}."
    return f"Of {total} WebSocket handshake{'s' if total > 1 else ''}{_at(analysis)}, {'; '.join(parts)}."


def _replayed(handshakes: pd.DataFrame, side: str) -> str:
    """What a replay got, which tells nothing of the load balancer."""
    if side == "front":
        return (
            "The front is a replay of another time than the back: what the load balancer did with its "
            f"{int(handshakes['front_exchange'].notna().sum())} WebSocket handshakes cannot be told."
        )
    got = handshakes["back_status"].value_counts().sort_index()
    told = ", ".join(f"{status} to {count}" for status, count in got.items())
    return (
        f"The back is a replay of {int(handshakes['back_exchange'].notna().sum())} of {len(handshakes)} WebSocket handshakes, which got "
        f"{told or 'no answer'}; what the load balancer did with them it cannot tell."
    )


def _because(handshakes: pd.DataFrame) -> str:
    details = Counter(handshakes.loc[handshakes["verdict"] == "undetermined", "detail"])
    return " and ".join(_BECAUSE.get(detail, detail) for detail, _ in details.most_common(2))


def filtered(analysis: Analysis) -> str:
    """That a filter chose what is told, and how much it left out; empty without a filter."""
    if analysis.left_out is None:
        return ""
    total = analysis.left_out + len(analysis.handshakes)
    if not analysis.left_out:
        return "Filtered: no handshake was left out."
    return f"Filtered: {analysis.left_out} of {total} handshake{'s' if total > 1 else ''} {_were(analysis.left_out)} left out."


def _no_handshakes(analysis: Analysis) -> str:
    if analysis.left_out:
        return "No WebSocket handshake is what the filter asks for."
    unread = [
        side
        for side, tables in (("front", analysis.front), ("back", analysis.back))
        if sealed(tables.connections).any()
    ]
    if not unread and any(tables.captures["truncated"].sum() for tables in (analysis.front, analysis.back)):
        return "No WebSocket handshake can be seen, but packets were cut by the snapshot length: there may be some."
    if unread:
        return f"No WebSocket handshake can be seen: the {' and the '.join(unread)} leg is encrypted."
    return "There is no WebSocket handshake in these captures."


def _all(total: int) -> str:
    return "the only WebSocket handshake" if total == 1 else f"all {total} WebSocket handshakes"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _passed(handshakes: pd.DataFrame, count: int) -> str:
    passed = handshakes[handshakes["verdict"] == "passed-through"]
    outcomes = Counter(outcome for outcome in passed["outcome"] if isinstance(outcome, str))
    told = [
        f"{outcomes[name]} {words}"
        for name, words in (
            ("established", "established"),
            ("refused", "refused"),
            ("no-answer", "never answered"),
            ("reset", "broken off"),
        )
        if outcomes[name]
    ]
    as_sent = f"{count} reached the router as {'they were' if count > 1 else 'it was'}"
    # What only the back shows has no outcome.
    alone = count - sum(outcomes.values())
    if alone == count:
        return f"{count} reached the router still asking for WebSocket, as the back shows; the front is encrypted"
    told += [f"{alone} seen on the back only"] if alone else []
    return f"{as_sent} ({', '.join(told)})"


def _where(analysis: Analysis) -> str:
    """The load balancer's addresses, where they are the same in all handshakes."""
    handshakes = analysis.handshakes
    fronts = set(handshakes["lb_front"].dropna())
    backs = {address.rpartition(":")[0] for address in handshakes["lb_back"].dropna()}
    words = [
        f"{next(iter(fronts))} in front" if len(fronts) == 1 else "",
        f"{next(iter(backs))} behind" if len(backs) == 1 else "",
    ]
    told = ", ".join(word for word in words if word)
    return f" ({told})" if told else ""


def _at(analysis: Analysis) -> str:
    fronts = set(analysis.handshakes["lb_front"].dropna())
    return f" at {next(iter(fronts))}" if len(fronts) == 1 else ""


def requests(analysis: Analysis) -> str:
    """What the router got of the client in ordinary requests."""
    counts, side = analysis.requests, received_on(analysis.box)
    if not counts.total:
        filtered = analysis.left_out is not None
        return f"There are no ordinary requests {'that the filter asks for' if filtered else 'in these captures'}."
    if not counts.judged:
        none = (
            "The only ordinary request cannot"
            if counts.total == 1
            else f"None of the {counts.total} ordinary requests can"
        )
        return f"{none} be looked at on the {side} leg."
    plural = "s" if counts.total > 1 else ""
    got = (
        f"{counts.judged} of {counts.total} ordinary request{plural} {_were(counts.judged)} looked at on the {side} leg"
    )
    lacking = [
        f"{missing} without {name}"
        for missing, name in (
            (counts.missing_x_forwarded_for, "X-Forwarded-For"),
            (counts.missing_x_forwarded_proto, "X-Forwarded-Proto"),
        )
        if missing
    ]
    have = "it has" if counts.judged == 1 else "all have"
    return f"{got}: {', '.join(lacking) if lacking else f'{have} X-Forwarded-For and X-Forwarded-Proto'}."


def clocks(analysis: Analysis) -> str:
    """How the two clocks differ."""
    offset = analysis.clock_offset
    if offset.low is None and offset.high is None:
        return "the offset between the captures is not known"
    pairs = (
        f"by {offset.pairs} pair{'s' if offset.pairs != 1 else ''}" if offset.pairs else "by connections that failed"
    )
    if offset.low is None or offset.high is None:
        bound, value = ("at least", offset.low) if offset.high is None else ("at most", offset.high)
        return f"back minus front is {bound} {value:.6f} s, {pairs}"
    if offset.low == offset.high:
        return f"back minus front is {offset.low:g} s, as was said"
    return f"back minus front is {offset.low:.6f} to {offset.high:.6f} s, {pairs}"


def problems(tables: Tables, notes: tuple[str, ...]) -> list[str]:
    """What limits what this side's capture can show."""
    found = [str(problem) for row in tables.captures["problems"] for problem in row]
    return [*found, *notes]
