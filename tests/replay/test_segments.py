"""What dpkt and scapy read in the packets is what was said."""

from __future__ import annotations

import random
from collections.abc import Iterator

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from wsanalyze.replay.segments import ACKNOWLEDGED, MTU, Address, Connection

ENDS = {
    4: (("203.0.113.10", 50122), ("10.244.0.10", 80)),
    6: (("2001:db8::1", 50122), ("2001:db8::2", 443)),
}
SIZES = st.one_of(st.integers(0, 5000), st.sampled_from([ACKNOWLEDGED, ACKNOWLEDGED + 1, 2 * ACKNOWLEDGED]))
SAID = st.lists(st.tuples(st.booleans(), SIZES), max_size=4)


def packets(ends: tuple[Address, Address], said: list[tuple[bool, bytes]], number: int = 1) -> Iterator[bytes]:
    connection = Connection(*ends, number)
    yield from connection.open()
    for by_client, data in said:
        yield from connection.say(data, by_client=by_client)
    yield from connection.end(by_client=True, reset=False)


def segment(packet: bytes) -> dpkt.tcp.TCP:
    ip = dpkt.ip.IP(packet) if packet[0] >> 4 == 4 else dpkt.ip6.IP6(packet)
    assert isinstance(ip.data, dpkt.tcp.TCP)
    return ip.data


@settings(max_examples=40, deadline=None)
@given(version=st.sampled_from([4, 6]), sizes=SAID, number=st.integers(0, 2**40))
def test_the_streams_are_what_was_said(version: int, sizes: list[tuple[bool, int]], number: int) -> None:
    pattern = random.Random(number).randbytes(2 * ACKNOWLEDGED)
    said = [(by_client, pattern[:size]) for by_client, size in sizes]
    expected: dict[int, int] = {}
    streams = {port: b"" for _, port in ENDS[version]}
    for packet in packets(ENDS[version], said, number):
        assert len(packet) <= MTU
        tcp = segment(packet)
        assert tcp.seq == expected.get(tcp.sport, tcp.seq)
        if tcp.flags & dpkt.tcp.TH_ACK:
            assert tcp.ack == expected[tcp.dport]
        expected[tcp.sport] = (tcp.seq + len(tcp.data) + bool(tcp.flags & (dpkt.tcp.TH_SYN | dpkt.tcp.TH_FIN))) % 2**32
        streams[tcp.sport] += tcp.data
    client, server = (port for _, port in ENDS[version])
    assert streams[client] == b"".join(data for by_client, data in said if by_client)
    assert streams[server] == b"".join(data for by_client, data in said if not by_client)


@given(version=st.sampled_from([4, 6]), data=st.binary(max_size=3000))
def test_scapy_makes_the_same_checksums(version: int, data: bytes) -> None:
    for packet in packets(ENDS[version], [(True, data), (False, data)]):
        read = IP(packet) if version == 4 else IPv6(packet)
        made = read.copy()
        del made[TCP].chksum
        if version == 4:
            del made[IP].chksum
        assert bytes(made) == packet


@pytest.mark.parametrize("by_client", [True, False])
def test_a_reset_is_the_last_packet(*, by_client: bool) -> None:
    connection = Connection(*ENDS[4], 1)
    list(connection.open())
    (last,) = map(segment, connection.end(by_client=by_client, reset=True))
    assert last.flags & dpkt.tcp.TH_RST
    assert (last.sport == 50122) is by_client
    assert not [*connection.say(b"late", by_client=True), *connection.end(by_client=True, reset=False)]


def test_connections_of_the_same_ports_differ() -> None:
    first = [segment(next(Connection(*ENDS[4], number).open())).seq for number in range(1000)]
    assert len(set(first)) == 1000


@pytest.mark.parametrize(
    ("client", "server", "source"),
    [
        ("::ffff:203.0.113.10", "10.0.0.1", "203.0.113.10"),
        ("fe80::1%eth0", "fe80::2%eth0", "fe80::1"),
        ("127.0.0.1", "::1", "::ffff:127.0.0.1"),
    ],
)
def test_addresses_as_sockets_tell_them(client: str, server: str, source: str) -> None:
    packet = next(Connection((client, 1), (server, 2), 1).open())
    read = IP(packet) if packet[0] >> 4 == 4 else IPv6(packet)
    assert read.src == source
