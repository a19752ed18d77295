"""The router: listens, takes connections, lets each be served, ends with everything that it began."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast
from weakref import WeakKeyDictionary

import anyio
from anyio.abc import SocketAttribute, SocketListener, SocketStream
from anyio.streams.tls import TLSAttribute, TLSStream

from wsanalyze.router import certificate, proxy_header
from wsanalyze.router.http1 import Http1, bare
from wsanalyze.router.http2 import PREFACE, Http2
from wsanalyze.router.proxy_header import ProxyHeader, joined
from wsanalyze.router.request import Peer, Tls
from wsanalyze.router.settings import ProxyProtocol, Settings
from wsanalyze.router.stream import Stream

_PAUSE: Final = 0.1
"""Seconds until the next try where the system has no file left for a connection."""


class Router:
    """A router with its settings. It may serve at several addresses, one after the other or at the same time."""

    def __init__(self, settings: Settings) -> None:
        """Raises OSError where the settings name files that are no certificate and its key."""
        self._settings = settings
        self._names: WeakKeyDictionary[ssl.SSLObject, str] = WeakKeyDictionary()
        self._connections = 0
        self.certificate: bytes | None = None
        """What a client has to trust, PEM, where the certificate was made."""
        self._tls = self._made_context() if settings.tls or settings.certificate else None

    def _made_context(self) -> ssl.SSLContext:
        named, key = self._settings.certificate, self._settings.key
        if named is not None:
            context = certificate.context(named, key or named)
        else:
            self.certificate, made_key = certificate.made(self._settings.names)
            context = certificate.context(self.certificate, made_key)
        context.sni_callback = self._named
        return context

    def _named(self, tls: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None and isinstance(tls, ssl.SSLObject):
            self._names[tls] = name

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[tuple[str, int]]:
        """Listen while the block runs; gives address and port. Raises OSError where that cannot be had."""
        failure: Exception | None = None
        listening = await anyio.create_tcp_listener(local_host=host, local_port=port)
        async with listening, anyio.create_task_group() as tasks:
            for listener in listening.listeners:
                tasks.start_soon(self._accept, cast("SocketListener", listener))
            address = listening.listeners[0].extra(SocketAttribute.local_address)
            try:
                yield str(address[0]), int(address[1])
            # Out of a task group it would come as a group of exceptions.
            except Exception as error:  # noqa: BLE001
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _accept(self, listener: SocketListener) -> None:
        async with anyio.create_task_group() as tasks:
            while True:
                try:
                    accepted = await listener.accept()
                except OSError as error:
                    self._settings.note(f"a connection could not be taken: {error.strerror or error}")
                    await anyio.sleep(_PAUSE)
                    continue
                tasks.start_soon(self._serve, accepted)

    async def _serve(self, accepted: SocketStream) -> None:
        """One connection, from its first byte to its last. Nothing that is wrong with it concerns the others."""
        self._connections += 1
        address = "a connection"
        try:
            async with accepted:
                address = joined(*accepted.extra(SocketAttribute.remote_address)[:2])
                own = joined(*accepted.extra(SocketAttribute.local_address)[:2])
                await self._connection(Stream(accepted, self._settings.limits.send_time), address, own)
        except OSError as error:
            self._settings.note(f"{address}: {_told(error)}")
        except Exception as error:  # noqa: BLE001
            # What the error says may hold what was sent, with its secrets.
            self._settings.note(f"{address}: given up, by a mistake of this program: {type(error).__name__}")
        finally:
            self._connections -= 1

    async def _connection(self, stream: Stream, address: str, own: str) -> None:
        limits = self._settings.limits
        if self._connections > limits.connections:
            raise ConnectionAbortedError("one connection too many")
        with anyio.fail_after(limits.idle):
            if not await stream.more():
                return
        with anyio.fail_after(limits.head_time):
            proxy = await self._proxy_header(stream)
            if self._settings.proxy_protocol is ProxyProtocol.REQUIRED and proxy is None:
                raise ConnectionAbortedError("no PROXY header")
            tls = None
            if self._tls is not None:
                secured = await self._secured(stream, self._tls)
                tls, stream = self._agreed(secured), Stream(secured, limits.send_time)
        await self._requests(stream, Peer(address, own, proxy, tls))
        await stream.end(limits.linger)

    async def _proxy_header(self, stream: Stream) -> ProxyHeader | None:
        if self._settings.proxy_protocol is ProxyProtocol.OFF:
            return None
        try:
            return await proxy_header.read(stream)
        except ValueError as error:
            if self._tls is None:
                await stream.send(bare(400))
                await stream.end(self._settings.limits.linger)
            raise ConnectionAbortedError(str(error)) from error

    @staticmethod
    async def _secured(stream: Stream, context: ssl.SSLContext) -> TLSStream:
        try:
            return await TLSStream.wrap(stream, server_side=True, ssl_context=context, standard_compatible=False)
        except (anyio.BrokenResourceError, anyio.EndOfStream) as error:
            raise ConnectionResetError("it was ended during the TLS handshake") from error

    def _agreed(self, secured: TLSStream) -> Tls:
        return Tls(
            secured.extra(TLSAttribute.tls_version),
            secured.extra(TLSAttribute.cipher)[0],
            secured.extra(TLSAttribute.alpn_protocol),
            self._names.get(secured.extra(TLSAttribute.ssl_object)),
        )

    async def _requests(self, stream: Stream, peer: Peer) -> None:
        """HTTP/2 by ALPN, or by prior knowledge (RFC 9113 3.3)."""
        with anyio.fail_after(self._settings.limits.idle):
            if not stream.held and not await stream.more():
                return
        with anyio.fail_after(self._settings.limits.head_time):
            while len(stream.held) < len(PREFACE) and PREFACE.startswith(stream.held) and await stream.more():
                pass
        serving = Http2 if stream.held.startswith(PREFACE) else Http1
        await serving(stream, peer, self._settings).run()


def _told(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "too slow, or silent for too long"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason}"
    return error.strerror or str(error)
