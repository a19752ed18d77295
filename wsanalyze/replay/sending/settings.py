"""Takes what the user asks for, gives how it is sent: the pace, the limits of time, the version of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """How a plan is sent."""

    speed: float = 1.0
    """How many times as fast as captured; infinity waits for nothing."""
    max_gap: float = 1.0
    """Captured seconds; longer pauses are shortened to it."""
    concurrency: int = 10
    """Connections that are open at once."""
    timeout: float = 10.0
    """Seconds for each: the connection, an answer, a message that is waited for, the close handshake."""
    gate: Literal["messages", "time"] = "messages"
    """What a message of the client waits for: the server's messages before it, or its time."""
    max_rate: float = float("inf")
    """New connections a second."""
    http: Literal["auto", "1.1", "2"] = "auto"
    """`auto` is what the plan says of each connection."""
    key_log: Path | None = None
    """Where the TLS secrets are appended, as Wireshark reads them."""

    def __post_init__(self) -> None:
        """Refuse what would never begin or never end."""
        for name in ("speed", "concurrency", "timeout", "max_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it has to be more than 0")
        if not self.max_gap >= 0:
            raise ValueError(f"max_gap is {self.max_gap}: it cannot be less than 0")

    def pause(self, captured: float) -> float:
        """Captured seconds between two events, as they are waited for."""
        return self.scaled(min(captured, self.max_gap))

    def scaled(self, captured: float) -> float:
        """Captured seconds at this speed."""
        return 0.0 if self.speed == float("inf") else max(0.0, captured) / self.speed
