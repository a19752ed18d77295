"""Takes the tables of both sides, gives the pairs: which back exchange carried which front exchange, and how we know.

The evidence is a ladder, the strongest first; what one rung has paired the next does not look at:

1. `bytes`: the same head, the same answer, at the same place on the connection (layer 4; a PROXY header aside).
2. `sec-websocket-key`: the same key, or the answer to it (Sec-WebSocket-Accept is a function of the key).
3. `request-id`: an id or trace header that was left unchanged.
4. `forwarded-address`: the back names the front client's address and port.
5. `content-and-time`: the same WebSocket frames or the same method and target, within the window that the clocks allow; for handshakes that nothing
   else joins, the course of events alone (`behaviour`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from wsanalyze.pairing import clock as clocks
from wsanalyze.pairing import unreached
from wsanalyze.pairing.behaviour import by_behaviour
from wsanalyze.pairing.clock import NEVER, Clock
from wsanalyze.pairing.matching import ADDRESS, BYTES, CONTENT, KEY, REQUEST_ID, Edges, match
from wsanalyze.pairing.own import health_checks, own_requests
from wsanalyze.pairing.prepare import REQUEST_IDS, SWITCHING, last_forwarded, prepare
from wsanalyze.tables import Tables


@dataclass(frozen=True, slots=True)
class Pairing:
    """The pairs, and what is left."""

    front: pd.DataFrame
    """The front's exchanges as `prepare` gives them."""
    back: pd.DataFrame
    pairs: pd.DataFrame
    """front, back (exchange numbers), evidence, likely, doubtful, spare; a front exchange stands several times where it was
    tried again or where several partners are possible (doubtful)."""
    clock: Clock
    early: frozenset[int]
    """Front exchanges whose 101 came before the router's answer."""
    compared: frozenset[int]
    """Front exchanges whose answer was compared with what the clocks allow: theirs was not early unless `early` says so."""
    own: frozenset[int]
    """Back exchanges that are the load balancer's own: health checks and probes."""


def pair(front: Tables, back: Tables, *, clock_offset: float | None = None, timeless: bool = False) -> Pairing:
    """Pair the exchanges; `clock_offset` (seconds, back minus front) overrides what the pairs tell of the clocks.

    `timeless`: the sides were not captured at the same time, so that times say nothing.
    """
    ours, theirs = prepare(front), prepare(back)
    if timeless:
        return _timeless(ours, theirs, back)
    clock = _first_guess(ours, theirs) if clock_offset is None else clocks.fixed(clock_offset)
    pairs = _ladder(ours, theirs, clock, unique=False)
    bounds = _bounds(pairs, ours, theirs)
    estimated, against = clocks.estimate(bounds)
    if _is_exchanged(pairs, ours, theirs):
        estimated, against = replace(estimated, exchanged=True), np.zeros(len(bounds), bool)
    early = frozenset(bounds.loc[against & bounds["switching"].to_numpy(bool), "front"])
    if clock_offset is not None:
        clock = clocks.fixed(clock_offset, estimated.pairs)
    elif estimated.pairs:
        clock = estimated
    else:
        clock = unreached.estimate(ours, back) or clock
    pairs = pd.concat([pairs, by_behaviour(ours, theirs, pairs, (front, back), clock)], ignore_index=True)
    compared = frozenset(bounds.loc[(bounds["below"] != NEVER) & (estimated.pairs > 0), "front"])
    own = own_requests(ours, theirs, pairs, front, clock) | health_checks(back)
    return Pairing(ours, theirs, pairs, clock, early, compared, own)


def _timeless(ours: pd.DataFrame, theirs: pd.DataFrame, back: Tables) -> Pairing:
    """Pairs by what they carry alone: none of them can be early, or late."""
    pairs = _ladder(ours, theirs, clocks.UNKNOWN, unique=True)
    clock = replace(clocks.UNKNOWN, pairs=len(pairs))
    return Pairing(ours, theirs, pairs, clock, frozenset(), frozenset(ours["exchange"]), health_checks(back))


def sure_bounds(front: Tables, back: Tables) -> pd.DataFrame:
    """What pairs that are found without regard to time say of the clocks.

    Columns: front, back (exchange numbers), time, above, below, switching, as `clock.estimate` takes them.
    """
    ours, theirs = prepare(front), prepare(back)
    pairs = _ladder(ours, theirs, clocks.UNKNOWN, unique=True)
    certain = pairs[~pairs["likely"].to_numpy(bool)]
    return _bounds(certain if len(certain) else pairs, ours, theirs)


def _is_exchanged(pairs: pd.DataFrame, front: pd.DataFrame, back: pd.DataFrame) -> bool:
    """Whether the front's requests name the back's clients as those that they were forwarded for: front and back were mixed up."""
    named = front.loc[pairs["front"], "x_forwarded_for"].map(last_forwarded)
    return bool((named.to_numpy(object) == back.loc[pairs["back"], "client_address"].to_numpy(object)).any())


def _first_guess(front: pd.DataFrame, back: pd.DataFrame) -> Clock:
    """The offset that those pairs tell whose value is found once on each side; or else those in the same order, if they agree."""
    pairs = _ladder(front, back, clocks.UNKNOWN, unique=True)
    clock, _ = clocks.estimate(_bounds(pairs[~pairs["likely"]], front, back), provisional=True)
    if clock.pairs:
        return clock
    clock, _ = clocks.estimate(_bounds(pairs, front, back), provisional=True)
    return clock if clock.pairs and not clock.contradictory else clocks.assumed()


def _ladder(front: pd.DataFrame, back: pd.DataFrame, clock: Clock, *, unique: bool) -> pd.DataFrame:
    """Handshakes first, against all that is on the back; then the other requests."""
    found: list[pd.DataFrame] = []
    reached: set[str] = set()
    paired: tuple[set[int], set[int]] = (set(), set())
    spoken = [name for name in REQUEST_IDS if _speak_of(name, front, back)]
    rungs = [rung for rung in _RUNGS if rung[1] not in REQUEST_IDS or rung[1] in spoken]
    # Taking rows out of a table costs as much as it has columns.
    front, back = (side[[*_NEEDED, *spoken]] for side in (front, back))
    asking = front["handshake"].to_numpy(bool)
    for fronts, strict in ((front[asking], True), (front[~asking], False)):
        backs = back if strict else back[~back["handshake"].to_numpy(bool) & ~back["traces"].to_numpy(bool)]
        for evidence, on in rungs:
            if unique and evidence == CONTENT and any(rung != CONTENT for rung in reached):
                continue
            free_front = fronts[~fronts["exchange"].isin(paired[0])]
            free_back = backs[~backs["exchange"].isin(paired[1])]
            if not len(free_front) or not len(free_back):
                continue
            ours, theirs = _valued(free_front, _NAMED_BY_FRONT.get(on, on)), _valued(free_back, on)
            edges = match(ours, theirs, "value", evidence, clock, strict=strict, unique=unique)
            if len(edges):
                found.append(edges)
                reached.add(evidence)
                paired[0].update(edges["front"])
                paired[1].update(edges["back"])
    if not found:
        return Edges().frame(CONTENT)
    return pd.concat(found, ignore_index=True)


def _speak_of(name: str, front: pd.DataFrame, back: pd.DataFrame) -> bool:
    """Whether both sides have values of this column: most load balancers know none of the request ids."""
    return bool(front[name].notna().any() and back[name].notna().any())


_NEEDED = (
    *(
        "exchange",
        "position",
        "handshake",
        "traces",
        "complete",
        "head",
        "reply",
        "identity",
        "content",
        "frames",
        "verb",
        "target",
    ),
    *("began", "over", "reach", "itself", "peer", "named_peer", "client_address", "x_forwarded_for"),
)
"""Columns that the rungs look at."""
_RUNGS = (
    (BYTES, "same"),
    (KEY, "identity"),
    *((REQUEST_ID, name) for name in REQUEST_IDS),
    (ADDRESS, "named_peer"),
    (CONTENT, "frames"),
    (CONTENT, "content"),
    (CONTENT, "path"),
)
_NAMED_BY_FRONT = {"named_peer": "peer"}
"""Where the front's value is another column than the back's."""


def _valued(rows: pd.DataFrame, on: str) -> pd.DataFrame:
    """The rows with the value that a rung joins by."""
    value: Any
    match on:
        case "same":
            whole = rows["complete"].to_numpy(bool)
            mixed = pd.util.hash_array(
                np.stack([rows["head"], rows["reply"], rows["position"].astype("uint64")], axis=1).reshape(-1)
            ).reshape(-1, 3)
            value = np.where(
                whole, mixed[:, 0] ^ (mixed[:, 1] << np.uint64(1)) ^ (mixed[:, 2] << np.uint64(2)), np.uint64(0)
            )
        case "peer" | "named_peer":
            value = rows[on].astype("str") + " " + rows["position"].astype("str")
        case "path":
            value = [_path(verb, target) for verb, target in zip(rows["verb"], rows["target"], strict=True)]
        case _:
            value = rows[on]
    return rows.assign(value=value)


def _path(method: object, target: object) -> str | None:
    """Method and origin-form of the target: a proxy may turn the absolute-form into it (RFC 9112 3.2), a cache HEAD into GET."""
    if not isinstance(method, str) or not isinstance(target, str):
        return None
    scheme, found, rest = target.partition("://")
    if found and scheme.isalpha():
        slash = rest.find("/")
        target = rest[slash:] if slash >= 0 else "/"
    return f"{'GET' if method == 'HEAD' else method} {target}"


def _bounds(pairs: pd.DataFrame, front: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """What each certain pair says of the clocks: front, back, time, above, below, switching (see `clock.estimate`)."""
    sure = pairs[~pairs["doubtful"].to_numpy(bool) & ~pairs["back"].duplicated(keep=False).to_numpy(bool)]
    # Of several tries that one counts whose answer the client got.
    got = front.loc[sure["front"], "status"].to_numpy() == back.loc[sure["back"], "status"].to_numpy()
    sure = sure[got | ~sure["front"].duplicated(keep=False).to_numpy(bool)]
    sure = sure[~sure["front"].duplicated(keep=False).to_numpy(bool)]
    ours, theirs = front.loc[sure["front"]], back.loc[sure["back"]]
    above = _least([_later(ours[name], theirs[name]) for name in ("began", "asked")], smallest=True)
    whole = [
        side["complete"].to_numpy(bool) & (side["response_state"] == "complete").to_numpy(bool)
        for side in (ours, theirs)
    ]
    above = np.where(whole[0] & whole[1], above, NEVER)
    same = ours["status"].to_numpy() == theirs["status"].to_numpy()
    below = _least([_later(ours[name], theirs[name]) for name in ("answer", "answered")], smallest=False)
    return pd.DataFrame(
        {
            "front": sure["front"].to_numpy(),
            "back": sure["back"].to_numpy(),
            "time": ours["began"].to_numpy(),
            "above": above,
            "below": np.where(same, below, NEVER),
            "switching": ours["status"].to_numpy() == SWITCHING,
        }
    )


def _later(front: pd.Series, back: pd.Series) -> clocks.Times:
    """How much later the back's clock shows it; NEVER where one is absent."""
    ours, theirs = front.to_numpy(np.int64), back.to_numpy(np.int64)
    absent = (ours == NEVER) | (theirs == NEVER)
    return np.where(absent, NEVER, np.where(absent, 0, theirs) - np.where(absent, 0, ours))


def _least(values: list[clocks.Times], *, smallest: bool) -> clocks.Times:
    first, second = values
    both = np.minimum(first, second) if smallest else np.maximum(first, second)
    return np.where(first == NEVER, second, np.where(second == NEVER, first, both))
