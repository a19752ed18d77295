"""Takes a log line, gives the envelope in which Loggregator's first API streams it: protocol buffers.

Field numbers are those of cloudfoundry/dropsonde-protocol, `events/envelope.proto` and `events/log.proto`.
"""

from __future__ import annotations

from typing import Final

_LOG_MESSAGE, _OUT = 5, 1
"""Envelope.EventType and LogMessage.MessageType."""
_ORIGIN: Final = "wsanalyze"


def log_message(text: str, app: str, nanoseconds: int) -> bytes:
    """An envelope with a line that an app wrote to its standard output."""
    line = b"".join(
        [
            _bytes(1, text.encode()),
            _number(2, _OUT),
            _number(3, nanoseconds),
            _bytes(4, app.encode()),
            _bytes(5, b"APP/PROC/WEB"),
            _bytes(6, b"0"),
        ]
    )
    return _bytes(1, _ORIGIN.encode()) + _number(2, _LOG_MESSAGE) + _number(6, nanoseconds) + _bytes(8, line)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have the eighth."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
