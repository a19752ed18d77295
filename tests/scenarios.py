"""Takes the folders of captures/, gives each as a `Scenario` with what really happened in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT / "captures"


@dataclass(frozen=True)
class Scenario:
    """One load balancer with one configuration, recorded on both sides."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, which is also what pytest calls the case."""
        return self.folder.name

    @property
    def front(self) -> Path:
        """What was captured between the clients and the load balancer."""
        return self.folder / "front.pcap"

    @property
    def back(self) -> Path:
        """What was captured between the load balancer and the router."""
        return self.folder / "back.pcap"

    @cached_property
    def truth(self) -> dict[str, Any]:
        """What the client and the router logged; captures/README.md describes it."""
        loaded: dict[str, Any] = json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))
        return loaded

    @property
    def handshakes(self) -> dict[str, dict[str, Any]]:
        """The handshakes of the truth, by their unique path."""
        return {handshake["path"]: handshake for handshake in self.truth["handshakes"]}

    @property
    def front_encrypted(self) -> bool:
        """Whether the front leg is TLS."""
        return any(handshake["tls"] for handshake in self.truth["handshakes"])


SCENARIOS = [Scenario(truth.parent) for truth in sorted(CAPTURES.glob("*/truth.json"))]
