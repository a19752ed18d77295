"""Takes text and header values from a capture, gives them without the secrets that they carry.

What a header or a query parameter is called tells whether its value is a secret; values that have the form of a token are
masked wherever they stand.
"""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "***"

SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-auth-token",
        "x-api-key",
        "x-csrf-token",
        "x-xsrf-token",
        "x-amz-security-token",
        "x-forwarded-client-cert",
        "x-cf-proxy-signature",
        "x-cf-proxy-metadata",
    }
)
"""Headers whose whole value is a secret."""

_NAMES = (
    r"(?:[\w.-]*(?:token|secret|passw(?:or)?d|passphrase|signature|credential|session|api[_-]?key|jwt|assertion)[\w.-]*"
    r"|auth(?:orization)?|code|sig|key|pwd|pass|sid|ticket)"
)
_PARAMETER: Final = re.compile(rf"(?i)([?&;]{_NAMES}=)[^&#;\s]+")
_USERINFO: Final = re.compile(r"(?i)^(\w[\w+.-]*://)[^/@\s]+@")
_JWT: Final = re.compile(r"\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*")
_SUBPROTOCOL: Final = re.compile(r"(?i)\b((?:base64url\.)?bearer[.\w-]*[.,]\s*)[\w~+/=-]{8,}")


def target(value: str) -> str:
    """A request-target without the secrets of its query and its userinfo (RFC 3986 3.2.1)."""
    return _JWT.sub(MASK, _PARAMETER.sub(rf"\g<1>{MASK}", _USERINFO.sub(rf"\g<1>{MASK}@", value)))


def header(name: str, value: str) -> str:
    """A header's value, masked where its name or its form says that it is a secret."""
    lowered = name.strip().lower()
    if lowered in SECRET_HEADERS:
        return MASK
    if lowered in {"referer", "location", "origin", "x-original-url", "x-rewrite-url"}:
        return target(value)
    if lowered == "sec-websocket-protocol":
        # Browsers cannot set headers on a WebSocket, so tokens are sent as subprotocols.
        value = _SUBPROTOCOL.sub(rf"\g<1>{MASK}", value)
    return _JWT.sub(MASK, value)
