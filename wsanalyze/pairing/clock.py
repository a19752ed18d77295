"""Takes pairs of exchanges with their times on both sides, gives what is known of the offset between the clocks.

The back's request cannot leave before the front's came, so each pair's requests bound the offset (back minus front) from
above; the client's answer cannot come before the router's, so its answers bound it from below. Clocks drift, so a bound
weakens with the distance in time from the pair that gave it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Times = npt.NDArray[np.int64]

NEVER: int = int(np.iinfo(np.int64).min)
"""What stands for no time in arrays of nanoseconds; the value of NaT."""
DRIFT = 200e-6
"""How fast two clocks may part: NTP slews by up to 500 ppm for a while, crystals drift by 50 ppm."""
TOLERANCE = 100_000
"""Nanoseconds by which time stamps may be wrong: microsecond rounding and interrupt moderation."""
ASSUMED = 2_000_000_000
"""Nanoseconds by which clocks are taken to agree where no pair tells: hosts run NTP, badly at worst."""
UNBOUNDED = 1 << 61
"""Nanoseconds; added to a time of this century it stays within 64 bits."""
FIXED_SLACK = 1_000_000
"""Nanoseconds around an offset that a user gave: people write milliseconds."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What is known of the offset, back minus front."""

    low: float | None
    """Seconds; null where nothing bounds it, or where the bounds contradict each other."""
    high: float | None
    pairs: int
    """How many pairs bound it."""
    contradictory: bool
    """No single offset fits: a clock jumped, or the clocks drifted apart."""
    exchanged: bool
    """The front's exchanges lie within those of the back: the captures were named in the wrong order."""
    times: Times
    """Nanoseconds on the front's clock, ascending, at which the next two hold."""
    lower: Times
    upper: Times

    @property
    def known(self) -> bool:
        """Whether pairs or the user tell the offset; without either it is only assumed."""
        return self.pairs > 0 or self.low is not None

    @property
    def rough(self) -> int:
        """The offset in nanoseconds, about: to find the front's time of something that only the back shows."""
        known = [bound for bound in (self.low, self.high) if bound is not None]
        if known:
            return round(sum(known) / len(known) * 1e9)
        return int(np.median((self.lower + self.upper) // 2)) if len(self.times) else 0

    def bounds(self, at: Times) -> tuple[Times, Times]:
        """Lowest and highest offset in nanoseconds at these times of the front's clock."""
        return -_envelope(self.times, -self.lower, at), _envelope(self.times, self.upper, at)


UNKNOWN = Clock(
    None,
    None,
    0,
    contradictory=False,
    exchanged=False,
    times=np.zeros(0, np.int64),
    lower=np.zeros(0, np.int64),
    upper=np.zeros(0, np.int64),
)


def fixed(seconds: float, pairs: int = 0) -> Clock:
    """The offset that the user gave."""
    offset = np.array([round(seconds * 1e9)], np.int64)
    return Clock(
        seconds,
        seconds,
        pairs,
        contradictory=False,
        exchanged=False,
        times=np.zeros(1, np.int64),
        lower=offset - FIXED_SLACK,
        upper=offset + FIXED_SLACK,
    )


def assumed() -> Clock:
    """What is taken for granted where there are no pairs."""
    zero = np.zeros(1, np.int64)
    return Clock(
        None, None, 0, contradictory=False, exchanged=False, times=zero, lower=zero - ASSUMED, upper=zero + ASSUMED
    )


def estimate(pairs: pd.DataFrame, *, provisional: bool = False) -> tuple[Clock, npt.NDArray[np.bool_]]:
    """The offset that pairs agree on, and for each pair whether its answer contradicts what the others agree on.

    `pairs` has the columns `time` (of the front's request), `above` (bound from the requests), `below` (bound from the
    answers), in nanoseconds, NEVER where absent; and `switching`: the answers are 101s, which a load balancer may give
    too early. `provisional`: more pairs are to come, so whether a clock jumped is not judged by them yet.
    """
    switching = pairs["switching"].to_numpy(bool)
    at, above, below = (pairs[name].to_numpy(np.int64) for name in ("time", "above", "below"))
    bounded = above != NEVER
    if not bounded.any():
        return UNKNOWN, np.zeros(len(pairs), bool)
    order = np.argsort(at[bounded], kind="stable")
    times = at[bounded][order]
    upper = _spread(times, above[bounded][order])
    answered = below != NEVER
    limit = _envelope(times, upper, at)
    against = answered & (below > limit + TOLERANCE)
    own = answered & bounded & (below > above + TOLERANCE)
    ordinary = answered & ~switching
    exchanged = bool(ordinary.any() and own[ordinary].all())
    jumped = bool((against & ordinary).any())
    if provisional:
        jumped |= _is_block(against[answered][np.argsort(at[answered], kind="stable")])
    if exchanged:
        against = np.zeros(len(pairs), bool)
    elif jumped:
        # A clock jumped somewhere: only a pair's own times can be compared.
        against = own & switching
    trusted = answered & ~against
    lower = np.full(len(pairs), -UNBOUNDED, np.int64)
    lower[trusted] = below[trusted]
    lows = -_spread(times, -lower[bounded][order])
    if jumped:
        # Where is not known, so at any time all offsets are possible that a pair allows.
        lows = np.full(len(times), below[trusted].min(), np.int64)
        upper = np.full(len(times), above[bounded].max(), np.int64)
    low, high = lower.max(), above[bounded].min()
    fits = low <= high + TOLERANCE
    clock = Clock(
        low=float(min(low, high)) / 1e9 if trusted.any() and fits else None,
        high=float(max(high, low)) / 1e9 if fits else None,
        pairs=int(bounded.sum()),
        contradictory=not fits,
        exchanged=exchanged,
        times=times,
        lower=np.minimum(lows, upper) - TOLERANCE,
        upper=np.maximum(lows, upper) + TOLERANCE,
    )
    return clock, against


def _is_block(against: npt.NDArray[np.bool_]) -> bool:
    """Whether those that contradict are all that came after a moment, or before it, as when a clock is set."""
    count = int(against.sum())
    return 2 <= count < len(against) and bool(against[:count].all() or against[-count:].all())


def _spread(times: Times, values: Times) -> Times:
    """Each value, or a smaller one of another time plus the drift until here."""
    drifted = np.round((times - times[0]) * DRIFT).astype(np.int64)
    forward = np.minimum.accumulate(values - drifted) + drifted
    backward = np.minimum.accumulate((values + drifted)[::-1])[::-1] - drifted
    nearest: Times = np.minimum(forward, backward)
    return nearest


def _envelope(times: Times, values: Times, at: Times) -> Times:
    """The bound at other times than those that gave it."""
    if not len(times):
        return np.full(len(at), UNBOUNDED, np.int64)
    if len(times) == 1 and times[0] == 0:
        return np.full(len(at), values[0], np.int64)
    right = np.searchsorted(times, at)
    result = np.full(len(at), UNBOUNDED, np.int64)
    for index in (np.clip(right - 1, 0, None), np.clip(right, None, len(times) - 1)):
        drift = np.round(np.abs(at - times[index]) * DRIFT).astype(np.int64)
        result = np.minimum(result, values[index] + drift)
    return result
