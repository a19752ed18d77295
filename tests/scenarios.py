"""Takes the folders of captures/, gives each as a `Scenario` with what really happened in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pandas as pd

import wsanalyze
from wsanalyze.analysis import Analysis

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
        """The handshakes of the truth, by their unique id."""
        return {handshake["id"]: handshake for handshake in self.truth["handshakes"]}

    @property
    def requests(self) -> dict[str, dict[str, Any]]:
        """The other requests of the truth, by their unique id."""
        return {request["id"]: request for request in self.truth["http"]}

    @property
    def front_encrypted(self) -> bool:
        """Whether the front leg is TLS."""
        return any(handshake["tls"] for handshake in self.truth["handshakes"])

    @property
    def key_logs(self) -> tuple[Path, ...]:
        """The TLS secrets of the front leg, and those of the back."""
        return tuple(path for path in (self.folder / "keylog.txt", self.folder / "keylog-back.txt") if path.is_file())

    @property
    def carried_unread(self) -> bool:
        """Whether both legs are the same TLS, which the load balancer only carries."""
        return bool(self.truth["recording"].get("router_tls")) and not (self.folder / "keylog-back.txt").is_file()

    @property
    def damaged(self) -> bool:
        """Whether the recording lacks packets or parts of them."""
        return not {"snaplen", "packets_lost_by_the_recording"}.isdisjoint(self.truth["recording"])

    @property
    def program_strips_101(self) -> bool:
        """Whether clients got a 101 without Upgrade or Connection."""
        return any(handshake["expected_detail"] == "response" for handshake in self.truth["handshakes"])

    def id_of(self, row: Mapping[str, Any], analysis: Analysis) -> str | None:
        """The id of the handshake that a row is: by its target, or else by its connection and stream."""
        known = self.id_in(row["target"], row["back_target"])
        if known or row["client"] is None or row["front_exchange"] is None:
            return known
        exchanges = analysis.front.exchanges.set_index("exchange")
        stream = exchanges.loc[row["front_exchange"], "stream_id"]
        return self._streams.get((row["client"], None if pd.isna(stream) else int(stream)))

    @cached_property
    def _streams(self) -> dict[tuple[str, int | None], str]:
        streams = ((one, handshake["client"], handshake.get("stream")) for one, handshake in self.handshakes.items())
        # Over HTTP/1.1 a connection holds one handshake of those whose paths are all the same.
        return {
            (client, stream): one
            for one, client, stream in streams
            if stream is not None or one not in self.handshakes[one]["path"]
        }

    def id_in(self, *targets: str | None) -> str | None:
        """The id that a request-target carries."""
        return next((one for one in self._ids if any(one in target for target in targets if target)), None)

    @cached_property
    def _ids(self) -> list[str]:
        return [*self.handshakes, *self.requests]


def speaks_http2(path: Path) -> bool:
    """Whether a capture shows HTTP/2 in the clear that did not begin as HTTP/1.1."""
    data = path.read_bytes()
    return b"PRI * HTTP/2.0" in data and b"h2c" not in data


SCENARIOS = [Scenario(truth.parent) for truth in sorted(CAPTURES.glob("*/truth.json"))]
ENCRYPTED = [scenario for scenario in SCENARIOS if scenario.front_encrypted and not scenario.carried_unread]
CARRIED = [scenario for scenario in SCENARIOS if scenario.carried_unread]


@cache
def analysis_of(scenario: Scenario) -> Analysis:
    """What wsanalyze says of a scenario, with its keys; worked out once."""
    return wsanalyze.analyze(scenario.front, scenario.back, key_logs=scenario.key_logs)


@cache
def keyless_analysis_of(scenario: Scenario) -> Analysis:
    """The same without keys."""
    return wsanalyze.analyze(scenario.front, scenario.back)
