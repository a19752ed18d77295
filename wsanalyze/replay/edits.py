"""Takes a captured request's head, gives it as it is to be sent: with a key of its own, without secrets, with what was asked for."""

from __future__ import annotations

import base64
import ipaddress
import secrets
import struct
from dataclasses import dataclass

from wsanalyze import redaction
from wsanalyze.replay.heads import Field, Head, as_http1
from wsanalyze.replay.model import Captured

KEY_BYTES = 16
"""RFC 6455 4.1."""
KEY = "sec-websocket-key"
_PROTOCOLS = "sec-websocket-protocol"
_V2_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
"""https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, 2.2."""


@dataclass(frozen=True, slots=True)
class Edits:
    """What is to be changed in what was captured."""

    keep_key: bool = False
    """The captured Sec-WebSocket-Key is sent, instead of a fresh one."""
    host: str | None = None
    """The value of Host, or `:authority`."""
    set_: tuple[tuple[str, str], ...] = ()
    """Headers that are set, name and value."""
    removed: tuple[str, ...] = ()
    """Names of headers that are not sent."""
    as_lb: bool = False
    """X-Forwarded-For and X-Forwarded-Proto are added, as the load balancer should have."""
    send_credentials: bool = False
    proxy_protocol: int | None = None
    """Version of the PROXY header before each connection."""
    http2: bool = True
    """Whether what came by HTTP/2 is sent by it; else as HTTP/1.1."""
    secure: bool = False
    """Whether the target speaks TLS."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A request's head as it is sent."""

    captured: Captured
    head: Head
    key: str | None
    """What its answer is verified by."""
    masked: tuple[str, ...]
    """Names of headers, and `target`, that would have given a secret away."""


def edited(captured: Captured, edits: Edits) -> Edited:
    """The head that is sent for what was captured."""
    multiplexed = captured.version == "2"
    head = Head.parse(captured.head, http2=multiplexed)
    if multiplexed and not edits.http2:
        head = as_http1(head)
    masked: tuple[str, ...] = ()
    if not edits.send_credentials:
        head, masked = _without_secrets(head)
    if edits.as_lb:
        head = _forwarded(head, captured)
    if edits.host is not None:
        head = head.having("Host" if head.start else ":authority", edits.host)
    if not head.start:
        head = head.having(":scheme", "https" if edits.secure else "http")
    head = head.without(edits.removed)
    for name, value in edits.set_:
        head = head.having(name, value)
    head, key = _with_key(head, captured, keep=edits.keep_key)
    return Edited(captured, head, key, masked)


def _without_secrets(head: Head) -> tuple[Head, tuple[str, ...]]:
    """Credentials are left out, tokens in other values masked."""
    masked: list[str] = []

    def change(field: Field) -> Field | None:
        if field.lowered.startswith(":"):
            return field
        shown = redaction.header(field.lowered, field.text)
        if shown == field.text:
            return field
        masked.append(field.name.decode("latin-1"))
        return None if shown == redaction.MASK else field.with_value(shown)

    # A token may follow on another line of the same list (RFC 9110 5.3).
    offered = head.values(_PROTOCOLS)
    if len(offered) > 1 and redaction.header(_PROTOCOLS, ", ".join(offered)) != ", ".join(offered):
        head = head.having(_PROTOCOLS, ", ".join(offered))
    authority = [value for name in ("host", ":authority") for value in head.values(name)]
    if any("@" in value for value in authority):
        masked.append("host")
        head = head.mapped(
            lambda field: (
                field.with_value(field.text.rpartition("@")[2]) if field.lowered in {"host", ":authority"} else field
            )
        )
    head = head.mapped(change)
    target = redaction.target(head.target)
    if target != head.target:
        head = head.with_target(target)
        masked.append("target")
    return head, tuple(dict.fromkeys(masked))


def _forwarded(head: Head, captured: Captured) -> Head:
    """What the platform requires of a load balancer: who the client was, and how it came."""
    if captured.client is None:
        return head
    before = ", ".join(head.values("x-forwarded-for"))
    head = head.having("X-Forwarded-For", f"{before}, {captured.client[0]}" if before else captured.client[0])
    secure = captured.tls or (captured.server is not None and captured.server[1] == 443)
    return head.having("X-Forwarded-Proto", "https" if secure else "http")


def _with_key(head: Head, captured: Captured, *, keep: bool) -> tuple[Head, str | None]:
    """A key of its own in the place of a valid one; what was not valid is what is to be tried."""
    keys = head.values(KEY)
    if not captured.handshake or not head.start:
        return head, None
    if not keys and captured.version == "2":
        # An extended CONNECT has none (RFC 8441 5), the GET that takes its place needs one.
        fresh = _fresh()
        return head.having("Sec-WebSocket-Key", fresh), fresh
    if len(keys) != 1 or keep or not _is_valid(keys[0]):
        return head, keys[0] if len(keys) == 1 else None
    fresh = _fresh()
    return head.mapped(lambda field: _rekeyed(field, fresh)), fresh


def _rekeyed(field: Field, key: str) -> Field:
    """The line with the value replaced where it stands: blanks are as captured."""
    if field.lowered != KEY:
        return field
    return Field(field.name, key.encode(), field.raw.replace(field.value, key.encode(), 1) if field.raw else b"")


def _fresh() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _is_valid(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == KEY_BYTES
    except ValueError:
        return False


def proxy_header(captured: Captured, version: int | None) -> bytes:
    """The PROXY header that names the captured client and whom it asked; empty where none is asked for."""
    if version is None or captured.client is None or captured.server is None:
        return b""
    (source, source_port), (destination, port) = captured.client, captured.server
    ends = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    six = ends[0].version == 6
    if version == 1:
        family = "TCP6" if six else "TCP4"
        return f"PROXY {family} {source} {destination} {source_port} {port}\r\n".encode()
    addresses = ends[0].packed + ends[1].packed + struct.pack("!HH", source_port, port)
    return _V2_SIGNATURE + struct.pack("!BBH", 0x21, 0x21 if six else 0x11, len(addresses)) + addresses
