"""Takes a message's head as it was captured, gives its start-line and its fields; any bytes give some.

In HTTP/2 there is no start-line; its pseudo-header fields are fields whose names begin with a colon (RFC 9113 8.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from websockets.utils import accept_key

from wsanalyze.rules.header_lists import elements

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 5.6.2."""

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A head, in its order and case. What is beyond ASCII is read byte by byte (RFC 9110 5.5)."""

    start: str
    fields: Fields


def parsed(head: bytes) -> Head:
    """The head, its folded lines joined (RFC 9112 5.2). A line without a colon is a field without a name."""
    text = head.decode("latin-1").replace("\r\n", "\n").strip("\n")
    start, *lines = text.split("\n")
    if start.startswith(":"):
        start, lines = "", text.split("\n")
    found: list[tuple[str, str]] = []
    folded: list[list[str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and found:
            folded[-1].append(line.strip())
            continue
        name, colon, value = line[1:].partition(":") if line.startswith(":") else line.partition(":")
        prefix = ":" if line.startswith(":") else ""
        found.append((prefix + name.strip(), "") if colon else ("", ""))
        folded.append([value.strip() if colon else line])
    return Head(start, tuple((name, " ".join(parts)) for (name, _), parts in zip(found, folded, strict=True)))


def by_name(fields: Fields) -> dict[str, tuple[str, str]]:
    """By name in lower case: the name as it first stands there, and the lines of that name as one list (RFC 9110 5.3)."""
    found: dict[str, tuple[str, list[str]]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), (name, []))[1].append(value)
    return {lowered: (name, ", ".join(values)) for lowered, (name, values) in found.items()}


def value(fields: Fields, name: str) -> str | None:
    """What the lines of this name, given in lower case, say as one list."""
    found = [value for ours, value in fields if ours.lower() == name]
    return ", ".join(found) if found else None


def flaw(request: bytes, answer: bytes | None) -> str | None:
    """What makes clients fail a 101 in answer to this request (RFC 6455 4.1); None where nothing does, or the head is not whole."""
    if answer is None or answer.startswith(b":") or not answer.endswith((b"\r\n\r\n", b"\n\n")):
        return None
    fields = parsed(answer).fields
    for name, wanted in (("Upgrade", "websocket"), ("Connection", "upgrade")):
        if wanted not in listed(fields, name.lower()):
            return f"without {name}: {wanted}"
    key = value(parsed(request).fields, "sec-websocket-key")
    if key is not None and value(fields, "sec-websocket-accept") != accept_key(key):
        return WRONG_ACCEPT
    return None


WRONG_ACCEPT = "with a Sec-WebSocket-Accept that does not answer the key"


def listed(fields: Fields, name: str) -> set[str]:
    """The elements of a list header, in lower case."""
    return {element.lower() for element in elements(value(fields, name))}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, in its own words; None where it does not say."""

    method: str | None
    target: str | None
    host: str | None


def asked(head: bytes) -> Asked:
    """What the request with this head asks for."""
    read = parsed(head)
    if not read.start:
        method, target, host = (value(read.fields, name) for name in (":method", ":path", ":authority"))
        return Asked(method, target, host or value(read.fields, "host"))
    method, _, rest = read.start.partition(" ")
    target, _, version = rest.rpartition(" ")
    # What is none may hold anything, a target with its secrets too.
    return Asked(
        method if _TOKEN.fullmatch(method) else None,
        (target if version.startswith("HTTP/") else rest) or None,
        value(read.fields, "host"),
    )
