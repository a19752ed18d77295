"""Takes files of TLS secrets (SSLKEYLOGFILE lines), gives their bytes for the engine, and whether they would help.

Raises `CaptureError` for a file that is missing, unreadable, or holds no such line.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from wsanalyze.failure import CaptureError

MAX_SIZE = 256 << 20
"""Bytes of one file: a million connections. A larger one is a mistake, such as a capture in its place."""

_LINE = re.compile(
    rb"^[ \t]*(?:(?:PMS_)?CLIENT_RANDOM|RSA|(?:CLIENT|SERVER)_(?:EARLY_|HANDSHAKE_)?TRAFFIC_SECRET(?:_0)?)[ \t]",
    re.MULTILINE,
)
"""A line of the SSLKEYLOGFILE format (RFC 9850), or of its forerunner for RSA."""
_RANDOM = re.compile(rb"[0-9a-fA-F]{64}")
NEEDED = ("tls_decryption", "tls_client_random")
"""Columns of `schema.CONNECTIONS` that `would_help` looks at."""
_UNREAD = ("no-key", "client-only", "server-only")
"""Values of `schema.CONNECTIONS`' tls_decryption that more keys may change."""


def load(name: str) -> bytes:
    """The lines of a file, ended by a line end."""
    path = Path(name)
    try:
        if path.is_dir():
            raise CaptureError(name, "this is a directory", "Name one key log file.")
        with path.open("rb") as file:
            text = file.read(MAX_SIZE + 1)
    except FileNotFoundError:
        raise CaptureError(name, "no such file", "Check the path.") from None
    except (OSError, ValueError) as error:
        raise CaptureError(
            name, getattr(error, "strerror", None) or str(error), "Check the path and its permissions."
        ) from None
    if len(text) > MAX_SIZE:
        raise CaptureError(name, f"larger than {MAX_SIZE >> 20} MiB", "Name a key log, as SSLKEYLOGFILE writes it.")
    if not _LINE.search(text):
        raise CaptureError(name, "holds no TLS secrets", "A key log has lines such as: CLIENT_RANDOM 52340c85… 94e0a1…")
    return text.rstrip(b"\r\n\0") + b"\n"


def would_help(key_log: bytes, connections: pd.DataFrame) -> bool:
    """Whether it names a connection that was not decrypted for want of keys."""
    wanted = connections.loc[connections["tls_decryption"].isin(_UNREAD), "tls_client_random"].dropna()
    if not len(wanted) or not key_log:
        return False
    named = {random.lower() for random in _RANDOM.findall(key_log)}
    return any(bytes(random).hex().encode() in named for random in wanted)
