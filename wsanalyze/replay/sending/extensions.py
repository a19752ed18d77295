"""Takes the extensions that were offered and what the server took of them, gives permessage-deflate with its parameters."""

from __future__ import annotations

from collections.abc import Sequence

from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate
from websockets.headers import parse_extension
from websockets.typing import ExtensionParameter

from wsanalyze.replay.sending.wording import one_line


class NotNegotiatedError(Exception):
    """The server took what was not offered, or what nobody understands; the text says so in one line."""


def agreed(offered: str | None, taken: str | None) -> PerMessageDeflate | None:
    """How messages are compressed, or None where they are not (RFC 7692 7.1); raises NotNegotiatedError."""
    if not taken or not taken.strip():
        return None
    try:
        extensions = parse_extension(taken)
    except InvalidHeader:
        raise NotNegotiatedError(f"the target's Sec-WebSocket-Extensions cannot be read: {one_line(taken)}") from None
    if [name for name, _ in extensions] != [ClientPerMessageDeflateFactory.name]:
        raise NotNegotiatedError(f"the target agreed to extensions that are not known here: {one_line(taken)}")
    why = "it was not offered"
    for offer in _offers(offered):
        try:
            return offer.process_response_params(extensions[0][1], ())
        except NegotiationError as error:
            why = str(error)
    raise NotNegotiatedError(f"the target agreed to {one_line(taken)}: {one_line(why)}")


def _offers(offered: str | None) -> list[ClientPerMessageDeflateFactory]:
    """What the client offered, the best first; what nobody can take is left out (RFC 6455 9.1)."""
    try:
        extensions = parse_extension(offered) if offered else []
    except InvalidHeader:
        return []
    return [
        factory
        for name, parameters in extensions
        if name == ClientPerMessageDeflateFactory.name and (factory := _factory(parameters)) is not None
    ]


def _factory(parameters: Sequence[ExtensionParameter]) -> ClientPerMessageDeflateFactory | None:
    values = dict(parameters)
    client_bits = values.get("client_max_window_bits", "none")
    server_bits = values.get("server_max_window_bits")
    try:
        return ClientPerMessageDeflateFactory(
            server_no_context_takeover="server_no_context_takeover" in values,
            client_no_context_takeover="client_no_context_takeover" in values,
            server_max_window_bits=int(server_bits) if server_bits else None,
            # Without a value it says only that the server may ask for one (RFC 7692 7.1.2.2).
            client_max_window_bits=True if client_bits is None else None if client_bits == "none" else int(client_bits),
        )
    except ValueError:
        return None
