"""Takes what was said on a connection, gives the IP packets that carry it: whole TCP (RFC 9293), with right checksums.

What is not known of the wire is made up in the plainest way: a handshake with options, segments of the usual size, each side's
acknowledgements at once, no losses.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import dpkt

MTU = 1500
"""Of Ethernet: what readers expect."""
_TCP_HEADER = 20
_IP_HEADERS = {4: 20, 6: 40}
WINDOW = 65535
WINDOW_SCALE = 7
ACKNOWLEDGED = 1 << 18
"""Bytes that are under way at most, well within the window (`WINDOW << WINDOW_SCALE`)."""
_FIN, _SYN, _RST, _PSH, _ACK = dpkt.tcp.TH_FIN, dpkt.tcp.TH_SYN, dpkt.tcp.TH_RST, dpkt.tcp.TH_PUSH, dpkt.tcp.TH_ACK
_GOLDEN = 0x9E3779B1
"""2**32 divided by the golden ratio: its multiples are far from each other, so that connections that have the same ports
one after the other are told apart by their sequence numbers."""

Address = tuple[str, int]


class Connection:
    """A TCP connection: its packets in their order. `number` tells it from others of the same addresses and ports."""

    def __init__(self, client: Address, server: Address, number: int) -> None:
        addresses = [_address(host) for host, _ in (client, server)]
        version = 4 if all(address.version == 4 for address in addresses) else 6
        self._packet = _packet4 if version == 4 else _packet6
        self._maximum = MTU - _IP_HEADERS[version] - _TCP_HEADER
        self._addresses = [_packed(address, version) for address in addresses]
        self._ports = [client[1], server[1]]
        self._next = [number * _GOLDEN & 0xFFFFFFFF, (number * _GOLDEN ^ 0x80000000) & 0xFFFFFFFF]
        self._ended = False

    def open(self) -> Iterator[bytes]:
        """The three packets that open it (RFC 9293 3.5)."""
        options = b"".join(
            (
                bytes([dpkt.tcp.TCP_OPT_MSS, 4]) + self._maximum.to_bytes(2, "big"),
                bytes([dpkt.tcp.TCP_OPT_NOP, dpkt.tcp.TCP_OPT_WSCALE, 3, WINDOW_SCALE]),
                bytes([dpkt.tcp.TCP_OPT_NOP, dpkt.tcp.TCP_OPT_NOP, dpkt.tcp.TCP_OPT_SACKOK, 2]),
            )
        )
        yield self._segment(0, _SYN, options=options)
        yield self._segment(1, _SYN | _ACK, options=options)
        yield self._segment(0, _ACK)

    def say(self, data: bytes, *, by_client: bool) -> Iterator[bytes]:
        """The segments that carry the data, and the other side's acknowledgements; none once it has ended."""
        if self._ended:
            return
        side = 0 if by_client else 1
        for start in range(0, len(data), ACKNOWLEDGED):
            stop = min(start + ACKNOWLEDGED, len(data))
            for place in range(start, stop, self._maximum):
                end = min(place + self._maximum, stop)
                yield self._segment(side, _ACK | (_PSH if end == len(data) else 0), data[place:end])
            yield self._segment(1 - side, _ACK)

    def end(self, *, by_client: bool, reset: bool) -> Iterator[bytes]:
        """The packets that end it: a reset, or both sides' FIN, that of the one who ended it first (RFC 9293 3.6)."""
        if self._ended:
            return
        self._ended = True
        side = 0 if by_client else 1
        if reset:
            yield self._segment(side, _RST | _ACK)
            return
        yield self._segment(side, _FIN | _ACK)
        yield self._segment(1 - side, _FIN | _ACK)
        yield self._segment(side, _ACK)

    def _segment(self, side: int, flags: int, data: bytes = b"", options: bytes = b"") -> bytes:
        first = flags & _SYN
        segment = dpkt.tcp.TCP(
            sport=self._ports[side],
            dport=self._ports[1 - side],
            seq=self._next[side],
            ack=self._next[1 - side] if flags & _ACK else 0,
            flags=flags,
            # The window of a SYN is not scaled (RFC 7323 2.2).
            win=WINDOW,
            off=(_TCP_HEADER + len(options)) // 4,
            data=data,
        )
        segment.opts = options
        self._next[side] = self._next[side] + len(data) + bool(first or flags & _FIN) & 0xFFFFFFFF
        return self._packet(self._addresses[side], self._addresses[1 - side], segment)


def _packet4(source: bytes, destination: bytes, segment: Any) -> bytes:
    # Not to be fragmented, so that the identification needs not differ (RFC 6864 4.1).
    return bytes(dpkt.ip.IP(src=source, dst=destination, p=dpkt.ip.IP_PROTO_TCP, df=1, data=segment))


def _packet6(source: bytes, destination: bytes, segment: Any) -> bytes:
    return bytes(
        dpkt.ip6.IP6(
            src=source, dst=destination, nxt=dpkt.ip.IP_PROTO_TCP, hlim=64, plen=len(segment), data=segment,
        )
    )  # fmt: skip


def _address(host: str) -> IPv4Address | IPv6Address:
    """An address without its zone; one of IPv4 that a socket of IPv6 shows (RFC 4291 2.5.5.2) as what it is on the wire."""
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _packed(address: IPv4Address | IPv6Address, version: int) -> bytes:
    """The address's bytes; one of IPv4 beside one of IPv6 is mapped."""
    mapped = bytes(10) + b"\xff\xff" if address.version < version else b""
    return mapped + address.packed
