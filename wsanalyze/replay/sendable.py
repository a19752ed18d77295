"""Takes a captured exchange and its head as it is to be sent, gives why it is not sent: what would change something, or be two requests.

What a tolerant reader of captures understands one way, a server may understand another: where a request's end is told twice, or by
odd bytes, nobody knows what would be asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator

from wsanalyze.replay.heads import Head
from wsanalyze.replay.model import Captured

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 5.6.2."""
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
"""Headers by which servers take a request for one of another method."""
_FRAMING = ("contentlength", "transferencoding")
_LINE_ENDS = (b"\r\n", b"\n")


def unsendable(one: Captured, head: Head, methods: Collection[str]) -> str | None:
    """Why an exchange is not sent; None where it is. `methods` are those that may be sent."""
    return next(_reasons(one, head, methods), None)


def _reasons(one: Captured, head: Head, methods: Collection[str]) -> Iterator[str]:
    method = head.method
    if not _TOKEN.fullmatch(method):
        yield "its request-line is none of HTTP"
    if not head.target or not re.fullmatch(r"[^\s\x00-\x20\x7f]+", head.target):
        yield "its target is none of HTTP"
    yield from _odd_bytes(head)
    # RFC 6455 4.1, RFC 8441 4: a handshake changes nothing if its method is that of one.
    if not (one.handshake and method == ("GET" if head.start else "CONNECT")):
        yield from _doing(one, head, methods)
    overrides = [name for name in _OVERRIDES for other in head.values(name) if other.upper() not in methods]
    if overrides:
        yield f"{overrides[0]} asks for another method, which may change something"
    if not one.handshake and not one.body_whole:
        yield "the body of the request is not whole in the capture"
    yield from _odd_framing(one, head)


def _doing(one: Captured, head: Head, methods: Collection[str]) -> Iterator[str]:
    """What it asks for that is not to be done."""
    method = head.method[:40]
    if method == "CONNECT":
        yield "a tunnel (CONNECT) cannot be replayed"
    if not one.handshake and "upgrade" in ",".join(head.values("connection")).lower() and head.values("upgrade"):
        yield f"it asks for another protocol: {', '.join(head.values('upgrade'))[:40]}"
    if method not in methods:
        yield f"{method} may change something: --allow-method {method} sends it"


def _odd_bytes(head: Head) -> Iterator[str]:
    if head.start:
        raw = head.raw
        if b"\0" in raw or b"\r" in raw.replace(b"\r\n", b"\n"):
            yield "a CR or NUL stands within a line of its head"
        if head.end not in _LINE_ENDS:
            yield "its head does not end where it seems to"
        return
    twice = [name for name, count in Counter(field.lowered for field in head.fields if field.lowered.startswith(":")).items() if count > 1]  # fmt: skip
    if twice:
        yield f"it has {twice[0]} more than once"


def _odd_framing(one: Captured, head: Head) -> Iterator[str]:
    """Where its body ends is not told once, or is told wrong (RFC 9112 6.3, 11.2)."""
    lengths, codings = head.values("content-length"), head.values("transfer-encoding")
    body = b"" if one.handshake else one.body
    for field in head.fields:
        name = re.sub(r"[^a-z]", "", field.lowered)
        if name in _FRAMING and (not _is_plain(field.name) or b"\n" in field.raw.rstrip(b"\r\n") or _padded(field.raw)):
            yield f"{field.name.decode('latin-1').strip()[:40]!r} tells where it ends in an odd way"
    if len(lengths) + len(codings) > 1:
        yield "where it ends is told more than once"
    if codings and ([value.lower() for value in codings] != ["chunked"] or not head.start):
        yield "where it ends is told by a transfer coding other than chunked"
    if one.handshake and (codings or any(value != "0" for value in lengths)):
        yield "a handshake with a body"
    if lengths and (not re.fullmatch(r"[0-9]{1,18}", lengths[0]) or int(lengths[0]) != len(body)):
        yield "its Content-Length is not that of its body"
    if head.start and body and not lengths and not codings:
        yield "nothing tells where its body ends"


def _is_plain(name: bytes) -> bool:
    return _TOKEN.fullmatch(name.decode("latin-1")) is not None


def _padded(raw: bytes) -> bool:
    """Whether blanks stand before the colon (RFC 9112 5.1)."""
    return raw.partition(b":")[0] != raw.partition(b":")[0].strip()
