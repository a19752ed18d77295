"""With the same key logs the engine sees within TLS, and in HTTP/2, what tshark sees there."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from tests.scenarios import CAPTURES, SCENARIOS, speaks_http2
from wsanalyze import _engine
from wsanalyze.tables import frame

TSHARK = shutil.which("tshark")
pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")

_FIELDS = (
    "http.request.method",
    "http.request.uri",
    "http.response.code",
    "http2.headers.method",
    "http2.headers.path",
    "http2.headers.status",
    "websocket.opcode",
)
CASES = [
    pytest.param(path, scenario.key_logs, id=f"{scenario.name}-{path.stem}")
    for scenario in SCENARIOS
    for path in (scenario.front, scenario.back)
    if not scenario.damaged and (scenario.key_logs or speaks_http2(path))
]
"""What lacks packets is left out: where tshark loses its way, the engine finds the next record, frame or message."""
UNREAD = {
    "tls10": "the engine decrypts nothing before TLS 1.2",
    "tls11": "the engine decrypts nothing before TLS 1.2",
    "tls12-unsupported-ccm": "the engine does not decrypt CCM",
    "tls13-client-secrets": "tshark shows nothing where the keys of one direction are missing",
    "tls13-server-secrets": "tshark shows nothing where the keys of one direction are missing",
    "tls13-early-data-rejected": "tshark shows what the server ignored, and the client sent again (RFC 8446 4.2.10)",
    "tls13-early-data-replayed": "tshark shows what the server ignored, and the client sent again (RFC 8446 4.2.10)",
}
"""Where both see different things, and why; `engine/tests/captures` compares with what was sent."""
SUITES = [
    pytest.param(path, (path.with_suffix(".keylog"),), id=path.stem)
    for path in sorted((CAPTURES / "tls").glob("*.pcap"))
    if path.stem not in UNREAD
]


def of_tshark(path: Path, key_logs: tuple[Path, ...], folder: Path) -> dict[str, Counter[str]]:
    """How often tshark shows each value of each field."""
    keys = folder / "keys"
    keys.write_bytes(b"".join(key_log.read_bytes() for key_log in key_logs))
    command = [
        TSHARK or "",
        "-r",
        str(path),
        "-2",
        "-o",
        f"tls.keylog_file:{keys}",
        "-o",
        "tcp.reassemble_out_of_order:TRUE",
    ]
    command += ["-d", "tcp.port==8443,tls", "-T", "fields", *(part for name in _FIELDS for part in ("-e", name))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    counts: dict[str, Counter[str]] = {name: Counter() for name in _FIELDS}
    for line in done.stdout.splitlines():
        for name, cell in zip(_FIELDS, line.split("\t"), strict=True):
            counts[name].update(filter(None, cell.split(",")))
    return counts


def of_engine(path: Path, key_logs: tuple[Path, ...]) -> dict[str, pd.DataFrame]:
    """The engine's tables."""
    keys = b"".join(key_log.read_bytes() for key_log in key_logs)
    return {name: frame(pa.table(table)) for name, table in _engine.scan([str(path)], None, keys)[0].items()}


def counted(column: pd.Series) -> Counter[str]:
    """The values of a column, as text."""
    return Counter(str(value) for value in column.dropna())


@pytest.mark.parametrize(("path", "key_logs"), [*CASES, *SUITES])
def test_the_engine_sees_what_tshark_sees(path: Path, key_logs: tuple[Path, ...], tmp_path: Path) -> None:
    theirs, tables = of_tshark(path, key_logs, tmp_path), of_engine(path, key_logs)
    exchanges = tables["exchanges"]
    multiplexed = exchanges["version"].eq("2").to_numpy(bool, na_value=False) | exchanges["stream_id"].notna().to_numpy(
        bool
    )
    ours: dict[str, Any] = {
        "http.request.method": counted(exchanges.loc[~multiplexed, "method"]),
        "http.request.uri": counted(exchanges.loc[~multiplexed, "target"]),
        "http2.headers.method": counted(exchanges.loc[multiplexed, "method"]),
        "http2.headers.path": counted(exchanges.loc[multiplexed, "target"]),
        "http2.headers.status": counted(exchanges.loc[multiplexed, "status"]),
        "http.response.code": counted(exchanges.loc[~multiplexed, "status"]),
    }
    # Interim answers have no row of their own; nghttpx sends a 101 over HTTP/2.
    theirs["http2.headers.status"] = Counter(
        {status: count for status, count in theirs["http2.headers.status"].items() if status >= "200"}
    )
    for name, counts in ours.items():
        assert counts == theirs[name], name
    sockets = tables["websockets"]
    for opcode, kinds in (("1", ("text",)), ("2", ("binary",)), ("9", ("ping",)), ("10", ("pong",))):
        count = sum(int(sockets[f"{side}_{kind}"].sum()) for side in ("client", "server") for kind in kinds)
        # tshark does not look for WebSocket in HTTP/2, and shows one message of several in a record.
        assert multiplexed.any() or count >= theirs["websocket.opcode"][opcode]
