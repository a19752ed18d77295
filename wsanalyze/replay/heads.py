"""Takes a request's head as captured, gives it with what was changed; what was not is left byte for byte.

HTTP/1.x and HTTP/2 alike: the latter has a line `name: value` for each field (`schema.EXCHANGES`, `request_head`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

_LINE_ENDS = b"\r\n"
_BLANKS = b" \t\r\n"
_EMPTY = (b"\r\n", b"\n")


@dataclass(frozen=True, slots=True)
class Field:
    """A field line, with the lines that continue it (RFC 9112 5.2)."""

    name: bytes
    value: bytes
    raw: bytes = b""
    """As it was captured, with its line end; empty where it was made anew."""

    @property
    def lowered(self) -> str:
        """The name, as names are compared."""
        return self.name.decode("latin-1").lower()

    @property
    def text(self) -> str:
        """The value."""
        return self.value.decode("latin-1")

    def with_value(self, value: str) -> Field:
        """The same field with another value."""
        return Field(self.name, value.encode("latin-1"))

    def line(self) -> bytes:
        """As it is sent in HTTP/1.x."""
        return self.raw or self.name + b": " + self.value + _LINE_ENDS


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head."""

    start: bytes
    """The request-line with its line end; empty in HTTP/2."""
    fields: tuple[Field, ...]
    end: bytes = _LINE_ENDS

    @classmethod
    def parse(cls, raw: bytes, *, http2: bool) -> Head:
        """Read what was captured; lines that are none of HTTP stay where they are."""
        if http2:
            return cls(b"", tuple(_pseudo(line) for line in raw.split(_LINE_ENDS) if line), b"")
        lines = _lines(raw)
        # RFC 9112 2.2: empty lines may come first.
        at = next((index for index, line in enumerate(lines) if line.strip()), 0)
        start = b"".join(lines[: at + 1])
        fields: list[Field] = []
        for index, line in enumerate(lines[at + 1 :], at + 1):
            if line in _EMPTY:
                return cls(start, tuple(fields), b"".join(lines[index:]))
            if line[:1] in b" \t" and fields:
                last = fields[-1]
                fields[-1] = replace(
                    last, value=(last.value + b" " + line.strip(_BLANKS)).strip(_BLANKS), raw=last.raw + line
                )
            else:
                name, _, value = line.partition(b":")
                fields.append(Field(name.strip(_BLANKS), value.strip(_BLANKS), line))
        return cls(start, tuple(fields))

    @property
    def raw(self) -> bytes:
        """As it is sent in HTTP/1.x."""
        return b"".join((self.start, *(field.line() for field in self.fields), self.end))

    @property
    def pairs(self) -> tuple[tuple[bytes, bytes], ...]:
        """As it is sent in HTTP/2."""
        return tuple((field.name, field.value) for field in self.fields)

    @property
    def method(self) -> str:
        """The request method."""
        return self._part(0, ":method")

    @property
    def target(self) -> str:
        """The request-target, or `:path`."""
        return self._part(1, ":path")

    def _part(self, index: int, pseudo: str) -> str:
        if not self.start:
            return (self.values(pseudo) or [""])[0]
        return self._line()[index].decode("latin-1")

    def _line(self) -> tuple[bytes, bytes, bytes]:
        """Method, target (with all blanks that are in it) and version with the blanks before it (RFC 9112 3)."""
        method, _, rest = self.start.strip().partition(b" ")
        target, blank, version = rest.rpartition(b" ")
        return (method, target, blank + version) if version.startswith(b"HTTP/") else (method, rest, b"")

    def values(self, name: str) -> list[str]:
        """The values of the fields of this name."""
        return [field.text for field in self.fields if field.lowered == name.lower()]

    def with_target(self, target: str) -> Head:
        """Asks for another target."""
        if not self.start:
            return self.mapped(lambda field: field.with_value(target) if field.lowered == ":path" else field)
        before, target_, version = self._line()
        if not target_:
            return self
        line = self.start.strip(_LINE_ENDS)
        at = self.start.index(line)
        changed = before + b" " + target.encode("latin-1") + version
        return replace(self, start=self.start[:at] + changed + self.start[at + len(line) :])

    def mapped(self, change: Callable[[Field], Field | None]) -> Head:
        """Each field changed, or left out."""
        changed = (change(field) for field in self.fields)
        return replace(self, fields=tuple(field for field in changed if field is not None))

    def without(self, names: Iterable[str]) -> Head:
        """No field of these names."""
        lowered = {name.lower() for name in names}
        return self.mapped(lambda field: None if field.lowered in lowered else field)

    def having(self, name: str, value: str) -> Head:
        """One field of this name with this value: where the first one is, or at the end."""
        first = next((field for field in self.fields if field.lowered == name.lower()), None)
        if first is None:
            written = name if self.start else name.lower()
            return replace(self, fields=(*self.fields, Field(written.encode("latin-1"), value.encode("latin-1"))))
        lowered = name.lower()
        return self.mapped(
            lambda field: field.with_value(value) if field is first else None if field.lowered == lowered else field
        )


def _lines(raw: bytes) -> list[bytes]:
    """Lines with their ends; only LF ends one, as tolerant parsers have it (RFC 9112 2.2)."""
    parts = raw.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _pseudo(line: bytes) -> Field:
    """A line of an HTTP/2 head, whose name may begin with a colon."""
    name, _, value = line[1:].partition(b": ")
    return Field(line[:1] + name, value)


def as_http1(head: Head) -> Head:
    """A request of HTTP/2 as HTTP/1.1 has it; an extended CONNECT becomes a GET that asks for the upgrade (RFC 8441 5)."""
    pseudo = {field.lowered: field for field in head.fields if field.lowered.startswith(":")}
    values = {name: field.text for name, field in pseudo.items()}
    extended = values.get(":method") == "CONNECT" and ":protocol" in values
    method = "GET" if extended else values.get(":method", "GET")
    line = f"{method} {values.get(':path', '/')} HTTP/1.1".encode("latin-1") + _LINE_ENDS
    rest = [field for field in head.fields if field.lowered not in pseudo]
    made = [] if any(field.lowered == "host" for field in rest) else [("Host", values.get(":authority", ""))]
    if extended:
        made += [("Upgrade", values[":protocol"]), ("Connection", "Upgrade")]
    fields = [Field(name.encode(), value.encode("latin-1")) for name, value in made]
    return Head(line, (*fields, *rest))
