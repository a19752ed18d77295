"""The values that a comparison gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from wsanalyze.replay.differences import Difference
from wsanalyze.replay.model import Captured, Replayed

Result = Literal["worse", "different", "better", "same", "not-sent"]
RESULTS: Final[tuple[Result, ...]] = ("worse", "different", "better", "same", "not-sent")
"""What somebody has to look at first."""


@dataclass(frozen=True, slots=True)
class Compared:
    """An exchange and what came of it."""

    captured: Captured
    replayed: Replayed | None
    """None where it was not to be sent."""
    result: Result
    why: str
    """One sentence, without the secrets that headers carry."""
    works: bool | None = None
    """Whether it works in the replay; None where it was not sent."""
    worked: bool | None = None
    """Whether it did for the client; None where that was not captured."""
    differences: tuple[Difference, ...] = ()
    withheld: bool = False
    """Whether it lacked the credentials that the client had sent, and was refused as one without."""
    unsteady: bool = False
    """Whether two replays of it came to different ends."""

    @property
    def sent(self) -> bool:
        """Whether it was sent."""
        return self.works is not None
