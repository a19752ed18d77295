"""Takes the fields of a request or a response, gives those of one name; looked up in any case, kept as they are."""

from __future__ import annotations

from collections.abc import Iterable

from wsanalyze.replay.model import Request

Fields = tuple[tuple[str, str], ...]


def asked(request: Request) -> Fields:
    """The fields that a request is sent with."""
    if request.fields:
        return text(request.fields)
    lines = request.head.split(b"\n")[1:]
    return text(tuple(part.strip() for part in line.split(b":", 1)) for line in lines if b":" in line)


def text(fields: Iterable[tuple[bytes, ...]]) -> Fields:
    """Fields as text, byte for character (RFC 9110 5.5)."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)


def joined(fields: Fields, name: str) -> str | None:
    """All values of a name as one list (RFC 9110 5.3); None where there is none."""
    values = [value for known, value in fields if known.lower() == name]
    return ", ".join(values) if values else None


def has_token(fields: Fields, name: str, token: str) -> bool:
    """Whether a list of tokens holds one, in any case."""
    return token in [item.strip().lower() for item in (joined(fields, name) or "").split(",")]
