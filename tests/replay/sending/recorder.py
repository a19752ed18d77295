"""Takes what a tap is told, gives it to the tests."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Recorded:
    """What went over one connection."""

    local: tuple[str, int]
    remote: tuple[str, int]
    times: list[float] = field(default_factory=list)
    sent_pieces: list[bytes] = field(default_factory=list)
    received_pieces: list[bytes] = field(default_factory=list)
    end: tuple[str, bool] | None = None

    def sent(self, data: bytes, time: float, /) -> None:
        self.sent_pieces.append(data)
        self.times.append(time)

    def received(self, data: bytes, time: float, /) -> None:
        self.received_pieces.append(data)
        self.times.append(time)

    def ended(self, by: str, reset: bool, time: float, /) -> None:
        assert self.end is None
        self.end = by, reset
        self.times.append(time)


@dataclass
class Recorder:
    """A tap that keeps all it is told."""

    connections: list[Recorded] = field(default_factory=list)

    def opened(self, local: tuple[str, int], remote: tuple[str, int], time: float, /) -> Recorded:
        self.connections.append(Recorded(local, remote, [time]))
        return self.connections[-1]
