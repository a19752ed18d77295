"""Takes what failed, gives one line that says so; whatever a peer had its hand in is escaped and cut."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Final

_SHOWN: Final = 60
"""Bytes of an odd answer that are enough to recognise what speaks there."""
_LINE: Final = 300
"""Characters of a line, whatever a peer puts into it."""
_TLS_ALERT: Final = b"\x15\x03"
"""How the record begins with which a TLS server answers what is no TLS (RFC 8446 5.1)."""


def escaped(data: bytes) -> str:
    """The first of some bytes, as text on one line."""
    text = data[:_SHOWN].decode("latin-1").encode("unicode_escape").decode("ascii")
    return f'"{text}"' + (" …" if len(data) > _SHOWN else "")


def one_line(text: str) -> str:
    """Text on one line, without control characters."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= _LINE else f"{line[:_LINE]} …"


def seconds(count: float) -> str:
    """A duration as people write it."""
    return f"{count:g} s"


def not_connected(error: BaseException, where: str) -> str:
    """Why there is no connection to `where`."""
    if isinstance(error, socket.gaierror):
        return f"cannot connect to {where}: the name is unknown ({one_line(error.strerror or str(error))})"
    cause: BaseException | None = error
    while isinstance(cause, BaseExceptionGroup) or (
        cause is not None and _errno(cause) is None and cause.__cause__ is not None
    ):
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__
    number = _errno(cause)
    why = os.strerror(number) if number is not None else str(error)
    return f"cannot connect to {where}: {one_line(why)}"


def _errno(error: BaseException | None) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def not_encrypted(error: BaseException, name: str) -> str:
    """Why TLS did not come about with the server that is called `name`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate for {name} is not trusted (--cafile, --sni or --insecure): {one_line(error.verify_message)}"
    if isinstance(error, ssl.SSLError):
        if _reason(error) in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}:
            return "TLS failed: what answers does not speak TLS (is it http://?)"
        return f"TLS failed: {_alert(error)}"
    return "TLS failed: the connection was closed during the handshake"


def broken_off(error: BaseException) -> str:
    """How the target ended a connection before its time; some TLS servers say what they miss only after the handshake."""
    if isinstance(error, ssl.SSLError):
        return f"the target ended TLS: {_alert(error)}"
    return "the target reset the connection"


def _reason(error: ssl.SSLError) -> str | None:
    return getattr(error, "reason", None)


def _alert(error: ssl.SSLError) -> str:
    return one_line((_reason(error) or str(error)).replace("_", " ").lower())


def not_http(data: bytes, why: str) -> str:
    """That an answer is no HTTP, by its first bytes and what a parser said of it."""
    if data.startswith(_TLS_ALERT):
        return f"the answer is no HTTP but TLS (is it https://?): {escaped(data)}"
    # What follows the first line may be headers, and those secrets.
    first = data.partition(b"\n")[0]
    return f"the answer is no HTTP: {escaped(first)} ({one_line(why)})"
