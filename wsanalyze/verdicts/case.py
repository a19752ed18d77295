"""Takes nothing, gives what a verdict's declaration is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from wsanalyze.tables import Flags

Columns = dict[str, Any]
"""The columns of `facts`, as arrays: what a condition says of one row costs next to nothing, whatever it says of many."""

Verdict = Literal["passed-through", "terminated", "stripped", "blocked", "undetermined"]


@dataclass(frozen=True, slots=True)
class Case:
    """One way in which a verdict comes about."""

    verdict: Verdict
    detail: str | None
    """Null where the detail is worked out for the row: which headers were lost, why nothing can be said."""
    when: Callable[[Columns], Flags]
    reason: str
    likely: bool = False
    """Other explanations are thinkable."""


NOTHING = "and the back capture, which covers that time, shows nothing of it"
"""What stands for `{nothing}` in a reason."""
