"""The envelopes of a stream of logs, read by the rules of protocol buffers alone."""

from __future__ import annotations

from wsanalyze.router.envelope import log_message


def fields(data: bytes) -> dict[int, int | bytes]:
    """Field numbers and values (https://protobuf.dev/programming-guides/encoding/)."""
    found: dict[int, int | bytes] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = varint()
        value = varint()
        if tag & 7 == 2:
            found[tag >> 3] = data[at : at + value]
            at += value
        else:
            assert tag & 7 == 0
            found[tag >> 3] = value
    return found


def test_a_log_message() -> None:
    envelope = fields(log_message("ä line", "app", 1_700_000_000_000_000_123))
    assert (envelope[1], envelope[2], envelope[6]) == (b"wsanalyze", 5, 1_700_000_000_000_000_123)
    line = envelope[8]
    assert isinstance(line, bytes)
    assert fields(line) == {
        1: "ä line".encode(),
        2: 1,
        3: 1_700_000_000_000_000_123,
        4: b"app",
        5: b"APP/PROC/WEB",
        6: b"0",
    }
