"""Takes a recorded classic pcap, gives a pcapng of the same packets that carries TLS secrets (Decryption Secrets Blocks)."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.mutate import read

SECTION, INTERFACE, PACKET, SECRETS = 0x0A0D0D0A, 1, 6, 10
TLS_KEY_LOG = 0x544C534B
"""https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng, Decryption Secrets Block."""


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def write(path: Path, source: Path, secrets: bytes, *, after: int = 0) -> Path:
    """The packets of `source`, with the secrets after that many of them."""
    header, records = read(source)
    (link_type,) = struct.unpack("<I", header[20:24])
    resolution = b"" if header[:4] == b"\xd4\xc3\xb2\xa1" else struct.pack("<HHBxxxI", 9, 1, 9, 0)
    parts = [
        _block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
        _block(INTERFACE, struct.pack("<HHI", link_type, 0, 0) + resolution),
    ]
    ticks = 10**9 if resolution else 10**6
    keys = _block(SECRETS, struct.pack("<II", TLS_KEY_LOG, len(secrets)) + secrets)
    for number, (seconds, fraction, data, original) in enumerate(records):
        if number == after:
            parts.append(keys)
        time = seconds * ticks + fraction
        fixed = struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(data), original)
        parts.append(_block(PACKET, fixed + data))
    if after >= len(records):
        parts.append(keys)
    path.write_bytes(b"".join(parts))
    return path
