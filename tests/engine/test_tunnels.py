"""Recorded captures, wrapped in tunnels by scapy, give the tables of the bare ones; tshark sees the same requests in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path

import pandas as pd
import pytest
from scapy.contrib.erspan import ERSPAN_I, ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw
from scapy.utils import PcapWriter, RawPcapReader

from tests.engine.tables import scan
from tests.engine.test_oracle_tshark import TSHARK, packets, same_requests
from tests.scenarios import CAPTURES

PACKETS = 100
"""So many of a capture are wrapped: several handshakes and messages, and few enough for scapy to be quick."""
PLAIN = "haproxy-http-fwd"
TABLES = ("connections", "exchanges", "websockets", "defects")
FRAMES = (
    "first_frame", "last_frame", "end_frame", "request_frames", "response_frames", "reset_frame", "close_frame",
    "last_heard_frame", "violation_frames", "frame",
)  # fmt: skip
COPIES = ("client_packets", "server_packets", "duplicates")

ETHERNET = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
TEB, IPV4, IPV6 = 0x6558, 0x0800, 0x86DD


@dataclass(frozen=True)
class Record:
    """One captured packet: its bytes, as long as it was on the wire, how many of them were captured, and when."""

    data: bytes
    captured: int
    seconds: int
    microseconds: int


@cache
def bare(name: str) -> tuple[Record, ...]:
    """A recorded capture; what was not captured is zeros, so that lengths around it come out right."""
    with RawPcapReader(str(CAPTURES / name / "front.pcap")) as reader:
        records = islice(reader, PACKETS)
        return tuple(Record(data.ljust(meta.wirelen, b"\0"), len(data), meta.sec, meta.usec) for data, meta in records)


def write(path: Path, records: Iterable[Record]) -> Path:
    with PcapWriter(str(path), linktype=1) as writer:
        writer.write_header(None)
        for record in records:
            writer.write_packet(
                record.data[: record.captured],
                sec=record.seconds,
                usec=record.microseconds,
                caplen=record.captured,
                wirelen=len(record.data),
            )
    return path


def outer(version: int = 4) -> Packet:
    """What leads from the mirror to who captures."""
    network = IP(src="192.0.2.1", dst="192.0.2.2", id=7) if version == 4 else IPv6(src="2001:db8::7", dst="2001:db8::8")
    framed: Packet = ETHERNET / network
    return framed


def ip(frame: bytes) -> Raw:
    """The IP packet of an Ethernet frame."""
    return Raw(frame[14:])


def kind(frame: bytes) -> int:
    """Its EtherType."""
    return int.from_bytes(frame[12:14], "big")


def extended(frame: bytes) -> Packet:
    """GTP-U with the extension header that 5G has."""
    container = GTPPDUSessionContainer(type=1, QFI=9)
    packet: Packet = GTP_U_Header(gtp_type=255, teid=5, E=1, next_ex=0x85) / container / ip(frame)
    return packet


def inside(frame: bytes, version: int = 4) -> Packet:
    """IP-in-IP, 6in4, 4in6 or 6in6."""
    packet, number = outer(version), 4 if kind(frame) == IPV4 else 41
    if version == 4:
        packet[IP].proto = number
    else:
        packet[IPv6].nh = number
    wrapped: Packet = packet / ip(frame)
    return wrapped


Wrap = Callable[[bytes], Packet]

WRAPPED: dict[str, Wrap] = {
    "vxlan": lambda frame: outer() / UDP(sport=54321, dport=4789) / VXLAN(flags="Instance", vni=42) / Raw(frame),
    "vxlan over ipv6": lambda frame: (
        outer(6) / UDP(sport=54321, dport=4789) / VXLAN(flags="Instance", vni=42) / Raw(frame)
    ),
    "geneve": lambda frame: outer() / UDP(sport=54321, dport=6081) / GENEVE(proto=TEB, vni=42) / Raw(frame),
    "geneve with options": lambda frame: (
        outer()
        / UDP(sport=54321, dport=6081)
        / GENEVE(
            proto=kind(frame), vni=42, options=[GeneveOptions(classid=0x108, type=1, data=b"8bytes.."), GeneveOptions()]
        )
        / ip(frame)
    ),
    "gre": lambda frame: outer() / GRE(proto=kind(frame)) / ip(frame),
    "gre with all fields": lambda frame: (
        outer()
        / GRE(proto=TEB, chksum_present=1, offset=0, key_present=1, key=5, seqnum_present=1, sequence_number=9)
        / Raw(frame)
    ),
    "gre over ipv6": lambda frame: outer(6) / GRE(proto=TEB) / Raw(frame),
    "gre mpls": lambda frame: outer() / GRE(proto=0x8847) / MPLS(label=16, s=0) / MPLS(label=17, s=1) / ip(frame),
    "erspan i": lambda frame: outer() / GRE(proto=0x88BE) / ERSPAN_I() / Raw(frame),
    "erspan ii": lambda frame: (
        outer() / GRE(proto=0x88BE, seqnum_present=1, sequence_number=9) / ERSPAN_II(session_id=3) / Raw(frame)
    ),
    "erspan iii": lambda frame: (
        outer() / GRE(proto=0x22EB, seqnum_present=1, sequence_number=9) / ERSPAN_III(session_id=3) / Raw(frame)
    ),
    "erspan iii with subheader": lambda frame: (
        outer()
        / GRE(proto=0x22EB, seqnum_present=1, sequence_number=9)
        / ERSPAN_III(session_id=3, o=1)
        / ERSPAN_PlatformSpecific(platf_id=3)
        / Raw(frame)
    ),
    "gtp-u": lambda frame: outer() / UDP(sport=2152, dport=2152) / GTP_U_Header(gtp_type=255, teid=5) / ip(frame),
    "gtp-u with extension": lambda frame: outer() / UDP(sport=2152, dport=2152) / extended(frame),
    "ip-in-ip": inside,
    "ip-in-ip over ipv6": lambda frame: inside(frame, 6),
}
NESTED: dict[str, Wrap] = {
    "vxlan in vxlan": lambda frame: WRAPPED["vxlan"](bytes(WRAPPED["vxlan over ipv6"](frame))),
    "ip-in-ip in geneve": lambda frame: WRAPPED["geneve"](bytes(WRAPPED["ip-in-ip"](frame))),
    "vlan in gre in erspan ii": lambda frame: WRAPPED["erspan ii"](
        bytes(WRAPPED["gre with all fields"](bytes(ETHERNET / Dot1Q(vlan=5, type=kind(frame)) / ip(frame))))
    ),
    "four": lambda frame: WRAPPED["vxlan"](
        bytes(WRAPPED["gre"](bytes(WRAPPED["gtp-u"](bytes(WRAPPED["geneve with options"](frame))))))
    ),
}


TUNNELS = {**WRAPPED, **NESTED}
SOME = ("vxlan", "geneve with options", "gre", "erspan ii", "gtp-u", "ip-in-ip", "four")


def wrap_each(records: Iterable[Record], tunnel: str) -> tuple[Record, ...]:
    """Each packet in a tunnel; of a packet that was cut, the same bytes are missing."""
    datas = ((record, bytes(TUNNELS[tunnel](record.data))) for record in records)
    return tuple(
        Record(data, len(data) - len(record.data) + record.captured, record.seconds, record.microseconds)
        for record, data in datas
    )


@cache
def wrapped(name: str, tunnel: str) -> tuple[Record, ...]:
    """A recorded capture in a tunnel."""
    return wrap_each(bare(name), tunnel)


@cache
def in_pieces(tunnel: str) -> tuple[tuple[Record, ...], ...]:
    """A recorded capture in a tunnel whose outer packets are fragments: those of each packet."""
    return tuple(tuple(pieces(record, number)) for number, record in enumerate(wrapped(PLAIN, tunnel)))


def pieces(record: Record, number: int) -> Iterator[Record]:
    """A packet in fragments."""
    packet = Ether(record.data)
    if IP in packet:
        packet[IP].id = number
        parts = fragment(packet, fragsize=64)  # type: ignore[no-untyped-call]
    else:
        network = packet[IPv6]
        header = IPv6ExtHdrFragment(id=number, nh=network.nh)
        whole = ETHERNET / IPv6(src=network.src, dst=network.dst) / header / Raw(bytes(network.payload))
        parts = fragment6(whole, 120)  # type: ignore[no-untyped-call]
    for part in parts:
        data = bytes(part)
        yield Record(data, len(data), record.seconds, record.microseconds)


def same_tables(folder: Path, records: Iterable[Record], name: str, *but: str) -> dict[str, pd.DataFrame]:
    """Holds that these records give the tables of a recorded capture, but for these columns. Gives their tables."""
    ours, theirs = scan(write(folder / "ours.pcap", records)), scan(write(folder / "bare.pcap", bare(name)))
    assert len(theirs["exchanges"])
    for table in TABLES:
        left, right = (tables[table].drop(columns=list(but), errors="ignore") for tables in (ours, theirs))
        pd.testing.assert_frame_equal(left, right, obj=table)
    told = ours["captures"].iloc[0]
    assert told["undecoded"] == 0
    assert not [problem for problem in told["problems"] if "not captured whole" in problem]
    return ours


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_a_tunnel_changes_nothing(tunnel: str, tmp_path: Path) -> None:
    told = same_tables(tmp_path, wrapped(PLAIN, tunnel), PLAIN)["captures"].iloc[0]
    if tunnel in WRAPPED:
        assert told["tunnels"] == f"{tunnel.split(maxsplit=1)[0]}: {PACKETS}"


@pytest.mark.parametrize("name", ["haproxy-ipv6", "haproxy-lossy-front", "nginx-snaplen-200"])
@pytest.mark.parametrize("tunnel", SOME)
def test_ipv6_and_packets_lost_or_cut(name: str, tunnel: str, tmp_path: Path) -> None:
    same_tables(tmp_path, wrapped(name, tunnel), name)


def test_each_kind_is_counted(tmp_path: Path) -> None:
    records = [*wrapped(PLAIN, "four")[:50], *wrapped(PLAIN, "ip-in-ip")[50:60], *bare(PLAIN)[60:]]
    told = same_tables(tmp_path, records, PLAIN)["captures"].iloc[0]
    assert told["tunnels"] == "vxlan: 50, geneve: 50, gre: 50, gtp-u: 50, ip-in-ip: 10"
    assert pd.isna(scan(tmp_path / "bare.pcap")["captures"]["tunnels"].iloc[0])


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "backwards"])
@pytest.mark.parametrize("tunnel", [*SOME, "vxlan over ipv6", "ip-in-ip over ipv6", "ip-in-ip in geneve"])
def test_outer_fragments(tunnel: str, reverse: bool, tmp_path: Path) -> None:
    records = chain.from_iterable(reversed(parts) if reverse else parts for parts in in_pieces(tunnel))
    same_tables(tmp_path, records, PLAIN, *FRAMES)


@pytest.mark.parametrize("tunnel", ["vxlan", "gtp-u", "gre over ipv6"])
def test_inner_fragments(tunnel: str, tmp_path: Path) -> None:
    records = wrap_each(chain.from_iterable(in_pieces("ip-in-ip")), tunnel)
    same_tables(tmp_path, records, PLAIN, *FRAMES)


def test_more_tunnels_than_are_taken_off(tmp_path: Path) -> None:
    told = scan(write(tmp_path / "five.pcap", wrap_each(wrapped(PLAIN, "vxlan"), "four")))["captures"].iloc[0]
    assert (told["segments"], told["undecoded"]) == (0, PACKETS)
    assert [problem for problem in told["problems"] if "too many tunnels" in problem]


@pytest.mark.parametrize("name", [PLAIN, "haproxy-ipv6"])
@pytest.mark.parametrize("later", [0.5, -0.5, 3.5], ids=["bare first", "wrapped first", "wrapped later"])
@pytest.mark.parametrize("tunnel", SOME)
def test_a_packet_seen_bare_and_wrapped_is_one(name: str, later: float, tunnel: str, tmp_path: Path) -> None:
    copies = ((place + later, copy) for place, copy in enumerate(wrapped(name, tunnel)))
    records = [record for _, record in sorted([*enumerate(bare(name)), *copies], key=lambda item: item[0])]
    tables = same_tables(tmp_path, records, name, *FRAMES, *COPIES)
    once = scan(tmp_path / "bare.pcap")["connections"]
    connections = tables["connections"]
    for column in ("client_packets", "server_packets"):
        assert list(connections[column]) == list(once[column] * 2)
    assert connections["duplicates"].sum() - once["duplicates"].sum() == PACKETS


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
@pytest.mark.parametrize("tunnel", TUNNELS)
def test_tshark_sees_the_same_requests_inside(tunnel: str, tmp_path: Path) -> None:
    same_as_tshark(write(tmp_path / "wrapped.pcap", wrapped(PLAIN, tunnel)))


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
@pytest.mark.parametrize("tunnel", SOME)
def test_tshark_sees_the_same_requests_in_fragments(tunnel: str, tmp_path: Path) -> None:
    same_as_tshark(write(tmp_path / "pieces.pcap", chain.from_iterable(in_pieces(tunnel))))


def same_as_tshark(path: Path) -> None:
    seen = packets(path)
    assert any(packet["http.request.method"] for packet in seen)
    same_requests(seen, scan(path)["exchanges"])
