"""Takes the values of the handshake's list headers, gives what they list; any text gives a list.

Lines are joined by commas (RFC 9110 5.3). Each text is read once, from its beginning to its end, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Iterator

Extension = tuple[str, tuple[str, ...]]
"""An extension's name and its parameters, as they are compared: in lower case, the parameters in order of their names."""


def elements(value: object, separator: str = ",") -> Iterator[str]:
    """The elements of a list, without blanks around them and without empty ones; a separator in quotes is none (RFC 9110 5.6)."""
    if not isinstance(value, str):
        return
    start, quoted, escaped = 0, False, False
    for place, character in enumerate(value):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            if element := value[start:place].strip():
                yield element
            start = place + 1
    if element := value[start:].strip():
        yield element


def extensions(value: object) -> tuple[Extension, ...]:
    """The extensions of a Sec-WebSocket-Extensions header, in their order, which tells the preference (RFC 6455 9.1)."""
    found = []
    for element in elements(value):
        name, *parameters = [*elements(element, ";"), ""]
        found.append((name.lower(), tuple(sorted(filter(None, map(_parameter, parameters))))))
    return tuple(found)


def subprotocols(value: object) -> tuple[str, ...]:
    """The subprotocols of a Sec-WebSocket-Protocol header, in their order; clients compare them exactly (RFC 6455 4.1)."""
    return tuple(elements(value))


def _parameter(text: str) -> str:
    """`name=value`, without blanks and quotes: the quoted form means the same (RFC 6455 9.1)."""
    name, equals, value = (part.strip() for part in text.lower().partition("="))
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace("\\", "")
    return f"{name}{equals}{value}"
