"""What a rule gives: findings, each with its evidence.

Takes nothing, gives the types. A finding is a judged problem; it lists every instance, one entry each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "info"]
Confidence = Literal["certain", "likely"]
Side = Literal["front", "back"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One instance of a finding: where it can be seen."""

    side: Side
    file: str
    frames: tuple[int, ...]
    """Frame numbers in `file`, as Wireshark counts them; rules give them as the tables number them, through all files."""
    method: str | None = None
    host: str | None = None
    target: str | None = None
    note: str | None = None
    """What this instance adds to the title, such as a header's value."""
    handshake: str | None = None
    """Id of the handshake it belongs to, if any."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A judged problem with all its instances."""

    id: str
    rule: str
    severity: Severity
    confidence: Confidence
    title: str
    advice: str
    evidence: tuple[Evidence, ...] = field(default=())

    @property
    def count(self) -> int:
        """How many instances there are."""
        return len(self.evidence)
