"""Takes what one HTTP/2 connection says, gives its bytes: frames with real HPACK, in both directions (RFC 9113)."""

from __future__ import annotations

import struct

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4
ENABLE_CONNECT_PROTOCOL = 8
PROTOCOL_ERROR, REFUSED_STREAM, CANCEL = 1, 7, 8

Fields = list[tuple[str, str]]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame (RFC 9113 4.1)."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(*, connect: bool = False) -> bytes:
    """SETTINGS; `connect` allows extended CONNECT (RFC 8441 3)."""
    return frame(SETTINGS, 0, 0, struct.pack(">HI", ENABLE_CONNECT_PROTOCOL, 1) if connect else b"")


def data(stream: int, payload: bytes, *, end: bool = False) -> bytes:
    """DATA."""
    return frame(DATA, END_STREAM if end else 0, stream, payload)


def reset(stream: int, code: int = CANCEL) -> bytes:
    """RST_STREAM."""
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last: int, code: int = 0) -> bytes:
    """GOAWAY: no stream above `last` was looked at."""
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code))


class Http2:
    """Both ends of one connection, each with its header table."""

    def __init__(self) -> None:
        self.client, self.server = hpack.Encoder(), hpack.Encoder()

    def request(self, stream: int, target: str, *more: tuple[str, str], method: str = "GET", end: bool = True) -> bytes:
        """A request's HEADERS."""
        fields = [(":method", method), (":scheme", "http"), (":authority", "app.test"), (":path", target), *more]
        return self._headers(self.client, stream, fields, end=end)

    def connect(self, stream: int, target: str = "/ws", *more: tuple[str, str]) -> bytes:
        """An extended CONNECT for WebSocket (RFC 8441 4)."""
        fields = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "app.test")]
        fields += [(":path", target), ("sec-websocket-version", "13"), *more]
        return self._headers(self.client, stream, fields, end=False)

    def answer(self, stream: int, status: int, *more: tuple[str, str], end: bool = False) -> bytes:
        """A response's HEADERS."""
        return self._headers(self.server, stream, [(":status", str(status)), *more], end=end)

    @staticmethod
    def _headers(encoder: hpack.Encoder, stream: int, fields: Fields, *, end: bool) -> bytes:
        return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, encoder.encode(fields))
