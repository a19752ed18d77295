"""Takes text and header values from a capture, gives them without the secrets that they carry.

What a header or a parameter is called tells whether its value is a secret; values that have the form of a token are masked
wherever they stand. Each pattern looks at a character a bounded number of times, whatever the text.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final
from urllib.parse import unquote

MASK: Final = "***"
MAX_MESSAGE: Final = 1 << 16
"""Characters of a message that are looked through."""

SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "cookie2",
        "set-cookie",
        "x-amz-security-token",
        "x-forwarded-client-cert",
        "x-cf-proxy-signature",
        "x-cf-proxy-metadata",
    }
)
"""Headers whose whole value is a secret, beside those whose name says so."""

_SECRET_NAME: Final = re.compile(
    r"(?i)token|secret|passw(?:or)?d|passphrase|signature|credential|session|assertion|jwt|hmac"
    r"|csrf|xsrf|^x-auth|passcode"
    r"|(?:api|access|private|shared|subscription)[_-]?key"
    r"|^(?:auth(?:orization)?|code|sig|key|pwd|pass|otp|sid|ticket)$"
)
_ABOUT_SECRETS: Final = ("access-control-",)
"""Headers that are named after secrets and hold none."""

_PARAMETER: Final = re.compile(
    r"(?i)(?P<before>^\s*|[?&;#,]\s*|\s|%(?:25){0,3}(?:3f|26|23|3b))(?P<name>[^=?&;#,\s]{1,200}?)(?:=|%(?:25){0,3}3d)"
)
_END: Final = re.compile(r"[&#;\s]|$")
_ENCODED_END: Final = re.compile(r"(?i)[&#;\s]|%(?:25){0,3}(?:26|23|3b)|$")
_USERINFO: Final = re.compile(r"(?i)^(\w[\w+.-]*://)[^/@\s]+@")
_DOTTED: Final = re.compile(r"(?<![\w.-])[\w.-]+")
_MEMBER: Final = re.compile(
    r"""(?P<before>\\{0,8}["'](?P<name>[^"'\\]{1,64})\\{0,8}["']\s{0,8}:\s{0,8}\\{0,8}["'])(?P<value>[^"'\\]+)"""
)
"""A member of what is nearly JSON."""
_LINE: Final = re.compile(r"(?m)^(?P<before>[ \t]{0,8}(?P<name>[\w-]{1,64})[ \t]{0,8}:[ \t]{0,8})(?P<value>[^\r\n]+)")
_SCHEME: Final = re.compile(r"(?i)\b((?:bearer|basic|negotiate|digest|ntlm)\s+)[\w~+/=.-]{8,}")
_SUBPROTOCOL: Final = re.compile(
    r"(?i)\b((?:bearer|authorization|access[_-]token|token|jwt)[.\w-]{0,64}[.,]\s*)[\w~+/=-]{8,}"
)


def target(value: str) -> str:
    """A request-target without the secrets of its parameters and its userinfo (RFC 3986 3.2.1)."""
    if "@" in value:
        value = _USERINFO.sub(rf"\g<1>{MASK}@", value)
    return _without_tokens(_without_parameters(value))


def header(name: str, value: str) -> str:
    """A header's value, masked where its name or its form says that it is a secret."""
    lowered = name.strip().lower()
    if _is_secret(lowered):
        return MASK
    if lowered in {"host", ":authority"} and "@" in value:
        value = f"{MASK}@{value.rpartition('@')[2]}"
    if lowered == "sec-websocket-protocol":
        # Browsers cannot set headers on a WebSocket, so tokens are sent as subprotocols.
        value = _SUBPROTOCOL.sub(rf"\g<1>{MASK}", value)
    if " " in value or "\t" in value:
        value = _SCHEME.sub(rf"\g<1>{MASK}", value)
    return target(value)


def message(text: str) -> str:
    """What an application says in text, without what has the form of a secret: in JSON, header lines, parameters, tokens.

    What is too long to be looked through is masked as a whole, at equal length.
    """
    if len(text) > MAX_MESSAGE:
        return "*" * len(text)
    changed = _without_members(text)
    if changed is not None:
        return changed
    text = _LINE.sub(_without_value, _MEMBER.sub(_without_value, text))
    return target(_SCHEME.sub(rf"\g<1>{MASK}", text))


def _without_value(found: re.Match[str]) -> str:
    return f"{found['before']}{MASK}" if _SECRET_NAME.search(found["name"]) else found[0]


def _without_members(text: str) -> str | None:
    """JSON without members that are secrets, written anew where there were any; None where there were none, or what is no JSON."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        read = json.loads(text)
        changed = _masked(read)
        # A name that stands twice is read once: the text itself is looked through as well.
        return None if changed == read else target(json.dumps(changed))
    except (ValueError, RecursionError):
        return None


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {name: MASK if _SECRET_NAME.search(name) else _masked(one) for name, one in value.items()}
        case list():
            return [_masked(one) for one in value]
        case str():
            return message(value)
        case _:
            return value


@lru_cache(maxsize=1024)
def _is_secret(lowered: str) -> bool:
    """Whether a header's name says that all of its value is a secret."""
    says_so = _SECRET_NAME.search(lowered) is not None and not lowered.startswith(_ABOUT_SECRETS)
    return says_so or lowered in SECRET_HEADERS


def _without_parameters(value: str) -> str:
    """`token=s3cret` masked, also where it is part of a target that is a parameter itself, and percent-encoded."""
    if "=" not in value and "%" not in value:
        return value
    kept: list[str] = []
    done = 0
    for found in _PARAMETER.finditer(value):
        if found.start() < done or not _SECRET_NAME.search(unquote(found["name"])):
            continue
        stop = _ENCODED_END if found["before"].startswith("%") else _END
        end = stop.search(value, found.end())
        if end is not None and end.start() > found.end():
            kept += [value[done : found.end()], MASK]
            done = end.start()
    return "".join([*kept, value[done:]])


def _without_tokens(value: str) -> str:
    """JSON Web Tokens (RFC 7519) masked: three parts joined by dots, of which the first begins as `{"` does in base64url."""
    return _DOTTED.sub(lambda found: _without_token(found[0]), value) if "eyJ" in value else value


def _without_token(dotted: str) -> str:
    parts = dotted.split(".")
    at = 0
    for part, following in pairwise(parts[:-1]):
        begin = part.find("eyJ")
        if begin >= 0 and len(part) - begin >= 7 and len(following) >= 4:
            return dotted[: at + begin] + MASK
        at += len(part) + 1
    return dotted
