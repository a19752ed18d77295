"""Takes a story about clients, a load balancer and a router, gives the two captures that would show it."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import wsanalyze
from wsanalyze.analysis import Analysis

CLIENT, LB_FRONT, LB_BACK, ROUTER = "203.0.113.10", "203.0.113.1", "10.244.0.1", "10.244.0.10"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
FIN, SYN, RST, ACK = 1, 2, 4, 16
STEP = 0.0002
"""Seconds between two packets, unless the story says otherwise."""


def accept(key: str) -> str:
    """The answer to a key (RFC 6455 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()  # noqa: S324


def request(method: str = "GET", target: str = "/", version: str = "1.1", **headers: Any) -> bytes:
    """A request; underscores in header names stand for dashes, None leaves a header out."""
    head = {"Host": "app.test", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [
        f"{method} {target} HTTP/{version}",
        *(f"{name}: {value}" for name, value in head.items() if value is not None),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _merged(usual: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {**usual, **changes}


def handshake(target: str = "/ws", key: str | None = KEY, **headers: Any) -> bytes:
    """A WebSocket handshake; header arguments change it."""
    asked: dict[str, Any] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": key,
        "Sec_WebSocket_Version": "13",
    }
    return request(target=target, **_merged(asked, headers))


def answer(status: int, body: bytes = b"", **headers: Any) -> bytes:
    """A response with a length."""
    head = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Because", *(f"{name}: {value}" for name, value in head.items() if value is not None)]
    length = [] if status in {101, 204, 304} else [f"Content-Length: {len(body)}"]
    return ("\r\n".join([*lines, *length]) + "\r\n\r\n").encode() + body


def switching(key: str = KEY, **headers: Any) -> bytes:
    """The 101 that answers a key; header arguments change it."""
    return answer(
        101, **_merged({"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Accept": accept(key)}, headers)
    )


def frame(payload: bytes, opcode: int = 1, *, masked: bool, mask: bytes = b"\x11\x22\x33\x44") -> bytes:
    """A WebSocket frame of less than 126 bytes."""
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)) if masked else payload
    return bytes([0x80 | opcode, len(payload) | (0x80 if masked else 0)]) + (mask if masked else b"") + body


def close(code: int = 1000, *, masked: bool) -> bytes:
    """A Close frame."""
    return frame(struct.pack(">H", code), 8, masked=masked)


@dataclass
class Tcp:
    """One connection on one leg."""

    story: Story
    side: str
    client: tuple[str, int]
    server: tuple[str, int]
    sequence: dict[bool, int] = field(default_factory=lambda: {True: 1000, False: 900_000})
    ident: int = 0

    def packet(self, from_client: bool, flags: int, data: bytes = b"") -> None:
        """One segment, now."""
        source, destination = (self.client, self.server) if from_client else (self.server, self.client)
        self.ident += 1
        acknowledgment = self.sequence[not from_client] if flags & ACK else 0
        tcp = struct.pack(
            ">HHIIBBHHH",
            source[1],
            destination[1],
            self.sequence[from_client],
            acknowledgment,
            0x50,
            flags,
            64240,
            0,
            0,
        )
        one, other = (ipaddress.ip_address(end[0]) for end in (source, destination))
        if one.version == 4:
            length = 40 + len(data)
            ip = struct.pack(">BBHHHBBH", 0x45, 0, length, self.ident, 0x4000, 64, 6, 0) + one.packed + other.packed
        else:
            ip = struct.pack(">IHBB", 0x60000000, 20 + len(data), 6, 64) + one.packed + other.packed
        kind = b"\x08\x00" if one.version == 4 else b"\x86\xdd"
        self.story.record(self.side, bytes(12) + kind + ip + tcp + data)
        self.sequence[from_client] += len(data) + bool(flags & (SYN | FIN))

    def connect(self) -> Tcp:
        """The three-way handshake."""
        self.packet(True, SYN)
        self.packet(False, SYN | ACK)
        self.packet(True, ACK)
        return self

    def ask(self, data: bytes) -> Tcp:
        """The client sends; the server acknowledges."""
        return self._say(True, data)

    def reply(self, data: bytes) -> Tcp:
        """The server sends; the client acknowledges."""
        return self._say(False, data)

    def _say(self, from_client: bool, data: bytes) -> Tcp:
        for at in range(0, len(data), 1400):
            self.packet(from_client, ACK | 8, data[at : at + 1400])
        self.packet(not from_client, ACK)
        return self

    def end(self, *, by_client: bool = True) -> Tcp:
        """FIN both ways."""
        self.packet(by_client, FIN | ACK)
        self.packet(not by_client, FIN | ACK)
        self.packet(by_client, ACK)
        return self

    def reset(self, *, by_client: bool = True) -> Tcp:
        """RST."""
        self.packet(by_client, RST | ACK)
        return self


class Story:
    """What happened, in order; the back's clock may be off."""

    def __init__(self, offset: float = 0.0) -> None:
        self.now = 1_795_000_000.0
        self.offset = offset
        self.records: dict[str, list[tuple[float, bytes]]] = {"front": [], "back": []}
        self.ports = 50_000

    def record(self, side: str, data: bytes) -> None:
        """A packet goes by."""
        self.now += STEP
        self.records[side].append((self.now + (self.offset if side == "back" else 0.0), data))

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    def tcp(self, side: str, client: str, server: str, port: int) -> Tcp:
        """A connection that nothing was sent on yet."""
        self.ports += 1
        return Tcp(self, side, (client, self.ports), (server, port))

    def front(self, client: str = CLIENT, port: int = 80) -> Tcp:
        """A client connects to the load balancer."""
        return self.tcp("front", client, LB_FRONT, port).connect()

    def back(self, router: str = ROUTER, port: int = 80) -> Tcp:
        """The load balancer connects to a router."""
        return self.tcp("back", LB_BACK, router, port).connect()

    def page(self, target: str | None = None, *, forwarded: bool = True) -> None:
        """An ordinary request goes through: it proves that both captures were running."""
        path = target or f"/page/{len(self.records['front'])}"
        names = {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "http"} if forwarded else {}
        front, back = self.front(), self.back()
        front.ask(request(target=path))
        back.ask(request(target=path, **names))
        back.reply(answer(200, b"ok")).end()
        front.reply(answer(200, b"ok")).end()

    def files(self, folder: Path) -> tuple[Path, Path]:
        """The two captures."""
        paths = []
        for side, records in self.records.items():
            parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
            for time, data in records:
                nanoseconds = round(time * 1e6) * 1000
                parts += [struct.pack("<IIII", nanoseconds // 10**9, nanoseconds % 10**9, len(data), len(data)), data]
            paths.append(folder / f"{side}.pcap")
            paths[-1].write_bytes(b"".join(parts))
        return paths[0], paths[1]

    def analyze(self, folder: Path, **options: Any) -> Analysis:
        """What wsanalyze says about it."""
        return wsanalyze.analyze(*self.files(folder), **options)


def told(analysis: Analysis, target: str | None = None) -> tuple[str, str | None, str | None]:
    """Verdict, detail and outcome of the only handshake, or of the one with this target."""
    rows = analysis.handshakes
    if target is not None:
        rows = rows[(rows["target"] == target) | (rows["target"].isna() & (rows["back_target"] == target))]
    assert len(rows) == 1, rows[["target", "back_target", "verdict"]]
    row = rows.iloc[0]
    return row["verdict"], row["detail"], row["outcome"]


def rules(analysis: Analysis) -> set[str]:
    """The rules that found something."""
    return {finding.rule for finding in analysis.findings}
