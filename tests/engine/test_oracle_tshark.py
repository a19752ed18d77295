"""The engine sees what tshark sees, field by field, on every recorded capture."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from tests.engine.tables import scan
from tests.scenarios import SCENARIOS, speaks_http2

TSHARK = shutil.which("tshark")
FILES = [
    path
    for scenario in SCENARIOS
    for path in (scenario.front, scenario.back)
    if not scenario.damaged
    and not speaks_http2(path)
    and ((path == scenario.back and not scenario.carried_unread) or not scenario.front_encrypted)
]
"""What lacks packets is left out: where tshark loses its way, the engine finds the next message."""
UNTOLD = {scenario.front for scenario in SCENARIOS if scenario.program_strips_101}
"""tshark sees no WebSocket after a 101 without Upgrade (RFC 6455 4.1 forbids one); the engine goes by the request."""
# tshark takes port 8443 for TLS, and a 101 to h2c for HTTP/2; the engine goes by the bytes.
DECODE = ["-d", "tcp.port==8443,http"]

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")


_FIELDS = (
    "frame.number",
    "tcp.stream",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tcp.flags.syn",
    "tcp.flags.ack",
    "http.request.method",
    "http.request.uri",
    "http.host",
    "http.request.version",
    "http.response.code",
    "websocket.opcode",
)


def packets(path: Path) -> list[dict[str, str]]:
    """What tshark says of every TCP packet; a field that occurs several times is joined by commas."""
    command = [TSHARK or "", "-r", str(path), "-2", *DECODE, "-o", "tcp.reassemble_out_of_order:TRUE"]
    command += ["-Y", "tcp", "-T", "fields", *(part for name in _FIELDS for part in ("-e", name))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [dict(zip(_FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("capture", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_engine_sees_what_tshark_sees(capture: Path) -> None:
    seen, tables = packets(capture), scan(capture)
    same_packets_and_connections(seen, tables)
    same_requests(seen, tables["exchanges"])
    same_answers(seen, tables["exchanges"])
    if capture not in UNTOLD:
        same_websocket_frames(seen, tables["websockets"])


def same_requests(seen: list[dict[str, str]], exchanges: pd.DataFrame) -> None:
    exchanges = exchanges.dropna(subset=["method"])
    # tshark names the frame that completes the body, the engine those of the head.
    ours = Counter(
        (
            frames[-1] if method != "POST" else 0,
            method,
            target,
            host if isinstance(host, str) else "",
            f"HTTP/{version}",
        )
        for frames, method, target, host, version in zip(
            *(exchanges[name] for name in ("request_frames", "method", "target", "host", "version")), strict=True
        )
    )
    theirs = Counter(
        (int(packet["frame.number"]) if method != "POST" else 0, method, target, packet["http.host"], version)
        for packet in seen
        if packet["http.request.method"]
        for method, target, version in zip(
            *(packet[f"http.request.{name}"].split(",") for name in ("method", "uri", "version")), strict=True
        )
    )
    assert {key for key in theirs if key not in ours} == set()
    # After a 101 that switches to something else tshark may lose its way; it must not see more than there is.
    assert sum(ours.values()) - sum(theirs.values()) in {0, 1}


def same_answers(seen: list[dict[str, str]], exchanges: pd.DataFrame) -> None:
    exchanges = exchanges.dropna(subset=["status"])
    ours = Counter(
        (frames[0], int(status))
        for frames, status in zip(exchanges["response_frames"], exchanges["status"], strict=True)
    )
    theirs = Counter(
        (int(packet["frame.number"]), int(code))
        for packet in seen
        for code in filter(None, packet["http.response.code"].split(","))
        if int(code) >= 101 and int(code) != 103
    )
    missing = {key: count for key, count in (theirs - ours).items() if not any(code == key[1] for _, code in ours)}
    assert not missing
    assert Counter(code for _, code in ours.elements()) == Counter(code for _, code in theirs.elements()) or sum(
        ours.values()
    ) >= sum(theirs.values())


def same_packets_and_connections(seen: list[dict[str, str]], tables: dict[str, pd.DataFrame]) -> None:
    assert tables["captures"]["segments"].iloc[0] == len(seen)
    opened = {
        (p["ip.src"] or p["ipv6.src"], int(p["tcp.srcport"]), p["ip.dst"] or p["ipv6.dst"], int(p["tcp.dstport"]))
        for p in seen
        if p["tcp.flags.syn"] in {"1", "True"} and p["tcp.flags.ack"] in {"0", "False"}
    }
    connections = tables["connections"]
    names = ("client_address", "client_port", "server_address", "server_port")
    assert opened <= set(zip(*(connections[name] for name in names), strict=True))
    assert len(connections) == len({packet["tcp.stream"] for packet in seen})
    assert int(connections["client_packets"].sum() + connections["server_packets"].sum()) == len(seen)


def same_websocket_frames(seen: list[dict[str, str]], websockets: pd.DataFrame) -> None:
    theirs: Counter[int] = Counter()
    for packet in seen:
        theirs.update(int(opcode) for opcode in filter(None, packet["websocket.opcode"].split(",")))
    ours = {
        1: int(websockets["client_text"].sum() + websockets["server_text"].sum()),
        2: int(websockets["client_binary"].sum() + websockets["server_binary"].sum()),
        9: int(websockets["client_ping"].sum() + websockets["server_ping"].sum()),
        10: int(websockets["client_pong"].sum() + websockets["server_pong"].sum()),
    }
    # tshark does not dissect frames that the client sent before the 101 went by.
    early = int(websockets["early_client_data"].fillna(value=False).sum())
    for opcode, count in ours.items():
        assert theirs[opcode] <= count <= theirs[opcode] + early + 1, opcode
