"""The engine sees what tshark sees, field by field, on every recorded capture."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.engine.tables import scan
from tests.scenarios import SCENARIOS

TSHARK = shutil.which("tshark")
FILES = [
    path
    for scenario in SCENARIOS
    for path in (scenario.front, scenario.back)
    if path == scenario.back or not scenario.front_encrypted
]
# tshark takes port 8443 for TLS, and a 101 to h2c for HTTP/2; the engine goes by the bytes.
DECODE = ["-d", "tcp.port==8443,http"]

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")


def fields(path: Path, wanted: list[str], display_filter: str) -> list[list[str]]:
    """What tshark prints of these fields; a field that occurs several times is joined by commas."""
    command = [
        TSHARK or "",
        "-r",
        str(path),
        "-2",
        *DECODE,
        "-o",
        "tcp.reassemble_out_of_order:TRUE",
        "-Y",
        display_filter,
        "-T",
        "fields",
    ]
    done = subprocess.run(
        [*command, *(part for name in wanted for part in ("-e", name))], capture_output=True, text=True, check=True
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture(params=FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def capture(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_requests(capture: Path) -> None:
    rows = fields(
        capture,
        ["frame.number", "http.request.method", "http.request.uri", "http.host", "http.request.version"],
        "http.request",
    )
    exchanges = scan(capture)["exchanges"].dropna(subset=["method"])
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
    # tshark names the frame that completes the body, the engine those of the head.
    theirs = Counter(
        (int(frame) if method != "POST" else 0, method, target, host, version)
        for frame, method, target, host, version in rows
    )
    assert {key for key in theirs if key not in ours} == set()
    # After a 101 that switches to something else tshark may lose its way; it must not see more than there is.
    assert sum(ours.values()) - sum(theirs.values()) in {0, 1}


def test_answers(capture: Path) -> None:
    rows = fields(
        capture, ["frame.number", "http.response.code"], "http.response.code >= 101 && http.response.code != 103"
    )
    exchanges = scan(capture)["exchanges"].dropna(subset=["status"])
    ours = Counter(
        (frames[0], int(status))
        for frames, status in zip(exchanges["response_frames"], exchanges["status"], strict=True)
    )
    theirs: Counter[tuple[int, int]] = Counter()
    for frame, codes in rows:
        for code in codes.split(","):
            theirs[int(frame), int(code)] += 1
    missing = {key: count for key, count in (theirs - ours).items() if not any(code == key[1] for _, code in ours)}
    assert not missing
    assert Counter(code for _, code in ours.elements()) == Counter(code for _, code in theirs.elements()) or sum(
        ours.values()
    ) >= sum(theirs.values())


def test_packets_and_connections(capture: Path) -> None:
    tables = scan(capture)
    rows = fields(
        capture,
        ["tcp.stream", "ip.src", "tcp.srcport", "ip.dst", "tcp.dstport", "tcp.flags.syn", "tcp.flags.ack"],
        "tcp",
    )
    assert tables["captures"]["segments"].iloc[0] == len(rows)
    opened = {
        (src, int(sport), dst, int(dport))
        for _, src, sport, dst, dport, syn, ack in rows
        if syn in {"1", "True"} and ack in {"0", "False"}
    }
    connections = tables["connections"]
    ours = set(
        zip(
            connections["client_address"],
            connections["client_port"],
            connections["server_address"],
            connections["server_port"],
            strict=True,
        )
    )
    assert opened <= ours
    assert len(connections) == len({stream for stream, *_ in rows})
    assert int(connections["client_packets"].sum() + connections["server_packets"].sum()) == len(rows)


def test_websocket_frames(capture: Path) -> None:
    rows = fields(capture, ["tcp.stream", "websocket.opcode", "tcp.srcport"], "websocket")
    theirs: Counter[int] = Counter()
    for _, opcodes, _ in rows:
        theirs.update(int(opcode) for opcode in filter(None, opcodes.split(",")))
    websockets = scan(capture)["websockets"]
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
