"""Takes a target, gives connections to it, with the PROXY header sent and TLS agreed, no faster than allowed."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio
import anyio.abc
from anyio.streams.tls import TLSAttribute, TLSStream

from wsanalyze.replay.sending import wording
from wsanalyze.replay.sending.settings import Settings
from wsanalyze.replay.sending.tap import Clock, Tap, Tapped
from wsanalyze.replay.sending.target import Target

GONE: Final = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError)
"""What a stream raises where the other end is no longer there, or is not what it was."""


class UnreachableError(Exception):
    """There is no connection; the text is one line that says why."""


class Opener:
    """Opens the connections of one replay."""

    def __init__(self, target: Target, settings: Settings, tap: Tap | None) -> None:
        """Raises ValueError where a file of certificates or keys cannot be used."""
        self.target, self.settings, self.tap = target, settings, tap
        self.clock = Clock()
        self._next = 0.0
        self._contexts: dict[bool, ssl.SSLContext] = {}
        if target.scheme == "https":
            self._contexts = {http2: _context(target, settings, http2) for http2 in (False, True)}

    async def open(self, proxy_header: bytes, *, http2: bool) -> tuple[anyio.abc.ByteStream, str | None]:
        """A connection, and the protocol that TLS agreed on; raises UnreachableError."""
        await self._pace()
        tapped = await self._connect()
        try:
            with anyio.fail_after(self.settings.timeout):
                return await self._begin(tapped, proxy_header, http2)
        except TimeoutError:
            await anyio.aclose_forcefully(tapped)
            within = wording.seconds(self.settings.timeout)
            raise UnreachableError(f"TLS failed: no answer within {within}") from None
        except (*GONE, ValueError) as error:
            await anyio.aclose_forcefully(tapped)
            raise UnreachableError(wording.not_encrypted(error, self.target.server_name)) from None
        except BaseException:
            await anyio.aclose_forcefully(tapped)
            raise

    async def _pace(self) -> None:
        now = anyio.current_time()
        turn = max(now, self._next)
        self._next = turn + 1 / self.settings.max_rate
        if turn > now:
            await anyio.sleep_until(turn)

    async def _connect(self) -> Tapped:
        target = self.target
        address = target.address or target.host
        where = f"{target}" if target.address is None else f"{target} at {target.address}"
        try:
            with anyio.fail_after(self.settings.timeout):
                stream = await _connected(target.checked or (address,), target.port)
        except TimeoutError:
            within = wording.seconds(self.settings.timeout)
            raise UnreachableError(f"cannot connect to {where}: no answer within {within}") from None
        except (OSError, UnicodeError) as error:
            raise UnreachableError(wording.not_connected(error, where)) from None
        try:
            return Tapped(stream, self.tap, self.clock, (address, target.port))
        except BaseException:
            await anyio.aclose_forcefully(stream)
            raise

    async def _begin(self, tapped: Tapped, proxy_header: bytes, http2: bool) -> tuple[anyio.abc.ByteStream, str | None]:
        if proxy_header:
            await tapped.send(proxy_header)
        if not self._contexts:
            return tapped, None
        stream = await TLSStream.wrap(
            tapped,
            server_side=False,
            hostname=self.target.server_name,
            ssl_context=self._contexts[http2],
            standard_compatible=False,
        )
        return stream, stream.extra_attributes[TLSAttribute.alpn_protocol]()


def _trust(context: ssl.SSLContext, cafile: Path) -> None:
    try:
        context.load_verify_locations(cafile)
    except OSError as error:
        raise ValueError(f"{cafile} holds no certificates that can be used: {error.strerror or error}") from None


async def _connected(addresses: Sequence[str], port: int) -> anyio.abc.SocketStream:
    """A connection to the first of the addresses that takes one. Raises OSError of the last one where none does."""
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return await anyio.connect_tcp(address, port)
    return await anyio.connect_tcp(addresses[-1], port)


def _context(target: Target, settings: Settings, http2: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if target.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif target.cafile is None:
        context.load_default_certs()
    else:
        _trust(context, target.cafile)
    # Writing would have to read then, beside the task that does.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    if settings.key_log is not None:
        try:
            context.keylog_filename = str(settings.key_log)
        except OSError as error:
            raise ValueError(f"{settings.key_log} cannot take the TLS secrets: {error.strerror or error}") from None
    return context
