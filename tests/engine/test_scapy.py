"""Packets that scapy builds, however they are wrapped, cut or carried, give the same exchange."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, TCP, fragment
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    fragment6,
)
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback
from scapy.layers.ppp import PPP, PPPoE
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap, wrpcapng

from tests.cases.wire import KEY, accept
from tests.engine.tables import scan

REQUEST = (
    f"GET /chat HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n"
    f"Sec-WebSocket-Version: 13\r\nX-Padding: {'p' * 200}\r\n\r\n"
).encode()
ANSWER = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {accept(KEY)}\r\n\r\n"
).encode()
FRAME = b"\x81\x85\x01\x02\x03\x04" + bytes(
    byte ^ mask for byte, mask in zip(b"hello", b"\x01\x02\x03\x04\x01", strict=True)
)


def conversation(version: int = 4, mss: int = 10_000, isn: int = 1000) -> list[Packet]:
    """A handshake and a message as IP packets."""
    client, server = ("10.0.0.1", "10.0.0.2") if version == 4 else ("2001:db8::1", "2001:db8::2")
    sequence = {True: isn, False: (isn * 7 + 99) % 2**32}
    packets: list[Packet] = []

    def send(from_client: bool, flags: str, data: bytes = b"") -> None:
        source, destination = (client, server) if from_client else (server, client)
        ports = (40_000, 80) if from_client else (80, 40_000)
        network = (
            IP(src=source, dst=destination, id=len(packets) + 1) if version == 4 else IPv6(src=source, dst=destination)
        )
        segment = TCP(
            sport=ports[0],
            dport=ports[1],
            seq=sequence[from_client],
            ack=sequence[not from_client] if "A" in flags else 0,
            flags=flags,
        )
        packets.append(network / segment / Raw(data) if data else network / segment)
        sequence[from_client] = (sequence[from_client] + len(data) + ("S" in flags or "F" in flags)) % 2**32

    send(True, "S")
    send(False, "SA")
    send(True, "A")
    for from_client, data in ((True, REQUEST), (False, ANSWER), (True, FRAME)):
        for at in range(0, len(data), mss):
            send(from_client, "PA", data[at : at + mss])
    send(True, "FA")
    send(False, "FA")
    send(True, "A")
    return packets


def ether(packet: Packet) -> Packet:
    framed: Packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet
    return framed


def extended(packet: Packet) -> Packet:
    """IPv6 with the extension headers that a path may put in."""
    payload = packet[TCP]
    whole: Packet = (
        IPv6(src=packet[IPv6].src, dst=packet[IPv6].dst)
        / IPv6ExtHdrHopByHop()
        / IPv6ExtHdrRouting(addresses=[])
        / IPv6ExtHdrDestOpt()
        / payload
    )
    return whole


def check(path: Path, *, address: str = "10.0.0.1") -> None:
    """The exchange is there, whole."""
    tables = scan(path)
    exchanges, websockets = tables["exchanges"], tables["websockets"]
    assert len(exchanges) == 1, tables["captures"]["problems"].iloc[0]
    row = exchanges.iloc[0]
    assert (row["method"], row["target"], row["status"]) == ("GET", "/chat", 101)
    assert (row["request_state"], row["response_state"]) == ("complete", "complete")
    assert row["accept_valid"]
    assert row["request_head"] == REQUEST
    assert len(websockets) == 1
    assert (websockets["client_text"].iloc[0], websockets["client_first_payload"].iloc[0]) == (1, b"hello")
    connection = tables["connections"].iloc[0]
    assert (connection["client_address"], connection["client_port"]) == (address, 40_000)
    assert not len(tables["defects"])


WRAPPED: dict[str, Any] = {
    "ethernet": ether,
    "vlan": lambda packet: Ether() / Dot1Q(vlan=5) / packet,
    "qinq": lambda packet: Ether() / Dot1AD(vlan=7) / Dot1Q(vlan=5) / packet,
    "two vlans": lambda packet: Ether() / Dot1Q(vlan=7) / Dot1Q(vlan=5) / packet,
    "mpls": lambda packet: Ether(type=0x8847) / MPLS(label=16, s=0) / MPLS(label=17, s=1) / packet,
    "pppoe": lambda packet: Ether() / PPPoE(sessionid=3) / PPP() / packet,
    "cooked": lambda packet: CookedLinux(proto=0x0800) / packet,
    "cooked v2": lambda packet: CookedLinuxV2(proto=0x0800) / packet,
    "raw": lambda packet: packet,
    "ip options": lambda packet: ether(
        IP(bytes(IP(src=packet.src, dst=packet.dst, options=[("NOP")] * 8) / packet[TCP]))
    ),
}
LINKTYPES = {"cooked": 113, "cooked v2": 276, "raw": 101}


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        (kind, form)
        for kind in WRAPPED
        for form in ("pcap", "pcap ns", "pcap big endian", "pcapng", "gzip")
        if (kind, form) != ("raw", "pcapng")
    ],
)
def test_link_layers_and_files(kind: str, form: str, tmp_path: Path) -> None:
    packets = [WRAPPED[kind](packet) for packet in conversation()]
    path = tmp_path / "capture"
    if form == "pcapng":
        # Every interface is Ethernet here: cooked records under an Ethernet header, as `bosh pcap` makes them.
        wrpcapng(str(path), packets)
    else:
        options: dict[str, dict[str, Any]] = {
            "pcap ns": {"nano": True},
            "pcap big endian": {"endianness": ">"},
            "gzip": {"gz": True},
        }
        wrpcap(str(path), packets, linktype=LINKTYPES.get(kind, 1), **options.get(form, {}))
    check(path)


def test_loopback(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    wrpcap(str(path), [Loopback(type=2) / packet for packet in conversation()], linktype=0)
    check(path)


@pytest.mark.parametrize("reverse", [False, True])
def test_ipv4_fragments(tmp_path: Path, reverse: bool) -> None:
    pieces = []
    for packet in conversation():
        parts = fragment(packet, fragsize=96)  # type: ignore[no-untyped-call]
        pieces.extend(reversed(parts) if reverse else parts)
    path = tmp_path / "capture.pcap"
    wrpcap(str(path), [ether(piece) for piece in pieces], linktype=1)
    check(path)


def test_ipv6_with_extension_headers(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    wrpcap(str(path), [ether(extended(packet)) for packet in conversation(6)], linktype=1)
    check(path, address="2001:db8::1")


def test_ipv6_fragments(tmp_path: Path) -> None:
    pieces: list[Packet] = []
    for number, packet in enumerate(conversation(6)):
        whole = IPv6(src=packet[IPv6].src, dst=packet[IPv6].dst) / IPv6ExtHdrFragment(id=number + 1) / packet[TCP]
        pieces.extend(fragment6(whole, 200))  # type: ignore[no-untyped-call]
    path = tmp_path / "capture.pcap"
    wrpcap(str(path), [ether(piece) for piece in pieces], linktype=1)
    check(path, address="2001:db8::1")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mss=st.integers(1, 400),
    isn=st.one_of(st.integers(0, 2**32 - 1), st.integers(2**32 - 600, 2**32 - 1)),
    window=st.integers(1, 12),
    copies=st.floats(0, 0.5),
    seed=st.integers(0, 2**32),
)
def test_order_copies_and_splits_change_nothing(
    tmp_path: Path, mss: int, isn: int, window: int, copies: float, seed: int
) -> None:
    chance = random.Random(seed)
    packets = [ether(packet) for packet in conversation(mss=max(mss, 12), isn=isn)]
    keyed = [(index + chance.randrange(window), bytes(packet)) for index, packet in enumerate(packets)]
    keyed += [
        (index + chance.randrange(window), bytes(packet))
        for index, packet in enumerate(packets)
        if chance.random() < copies
    ]
    path = tmp_path / "capture.pcap"
    wrpcap(str(path), [Ether(data) for _, data in sorted(keyed, key=lambda item: item[0])], linktype=1)
    check(path)
