"""The engine counts what dpkt counts, packet by packet."""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path

import dpkt
import pytest

from tests.engine.tables import scan
from tests.scenarios import SCENARIOS

LINKS = {dpkt.pcap.DLT_EN10MB: dpkt.ethernet.Ethernet, dpkt.pcap.DLT_LINUX_SLL2: dpkt.sll2.SLL2}
FILES = [path for scenario in SCENARIOS for path in (scenario.front, scenario.back)]


def address(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_packets_bytes_and_payloads(path: Path) -> None:
    packets, size, sent = 0, 0, Counter[tuple[str, int, str, int]]()
    seen: set[tuple[object, ...]] = set()
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        for _, data in reader:
            packets += 1
            size += len(data)
            ip = LINKS[reader.datalink()](data).data
            segment = getattr(ip, "data", None)
            if not isinstance(segment, dpkt.tcp.TCP):
                continue
            ends = (address(ip.src), segment.sport, address(ip.dst), segment.dport)
            for offset in range(len(segment.data)):
                place = (*ends, (segment.seq + offset) % 2**32)
                if place not in seen:
                    seen.add(place)
                    sent[ends] += 1
    tables = scan(path)
    capture = tables["captures"].iloc[0]
    assert (capture["packets"], capture["bytes"]) == (packets, size)
    ours = Counter[tuple[str, int, str, int]]()
    for row in tables["connections"].to_dict("records"):
        client, server = ((row[f"{side}_address"], int(row[f"{side}_port"])) for side in ("client", "server"))
        ours[*client, *server] += int(row["client_bytes"])
        ours[*server, *client] += int(row["server_bytes"])
    # A keep-alive probe repeats a byte; nothing else may differ.
    assert +ours == +sent
