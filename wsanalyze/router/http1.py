"""Takes a connection that speaks HTTP/1.x, answers its requests one after the other."""

from __future__ import annotations

import email.utils
from typing import Final

import anyio
import h11

from wsanalyze.router import exchange
from wsanalyze.router.answer import Answer, phrase
from wsanalyze.router.request import Peer, Request
from wsanalyze.router.settings import Settings
from wsanalyze.router.stream import Channel, Stream

_BARE: Final = "HTTP/1.1 {0}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{0}"
"""What Go's server, which is Gorouter's, answers to what is no request."""
_VERSIONS: Final = {b"1.0", b"1.1"}


def bare(status: int) -> bytes:
    """The answer to what is no request."""
    return _BARE.format(f"{status} {phrase(status)}").encode()


class Http1:
    """One connection."""

    def __init__(self, stream: Stream, peer: Peer, settings: Settings) -> None:
        self._stream, self._peer, self._settings = stream, peer, settings
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=settings.limits.head)
        self._over = False

    async def run(self) -> None:
        """Answer until it ends; raises OSError where the other end is gone or too slow."""
        try:
            while (request := await self._request()) is not None:
                await exchange.serve(request, self, self._settings)
                if self._over or self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    return
                self._http.start_next_cycle()
        except h11.RemoteProtocolError as error:
            # What follows is what was sent, with its secrets.
            self._settings.note(f"{self._peer.address}: not HTTP: {str(error).partition(':')[0]}")
            if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE, h11.ERROR}:
                await self._stream.send(bare(error.error_status_hint))

    async def _request(self) -> Request | None:
        """The next request; None where the other end has no more."""
        if not self._http.trailing_data[0] and not self._stream.held:
            with anyio.fail_after(self._settings.limits.idle):
                if not await self._stream.more():
                    return None
        with anyio.fail_after(self._settings.limits.head_time):
            event = await self._event()
        if not isinstance(event, h11.Request):
            return None
        if event.http_version not in _VERSIONS:
            raise h11.RemoteProtocolError(f"HTTP/{event.http_version.decode()}", error_status_hint=505)
        return Request(
            self._peer,
            event.method.decode("latin-1"),
            event.target.decode("latin-1"),
            event.http_version.decode("latin-1"),
            tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items()),
        )

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event; never NEED_DATA."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            self._http.receive_data(await self._stream.some())
        return event

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            await self._stream.send(data)

    async def body(self) -> int:
        """Count it; what is beyond the limit is not read."""
        count = 0
        while count <= self._settings.limits.body and isinstance(event := await self._event(), h11.Data):
            count += len(event.data)
        return count

    async def answer(self, answer: Answer) -> None:
        """Head and body in one."""
        headers = [("Date", email.utils.formatdate(usegmt=True)), *answer.headers]
        head = h11.Response(status_code=answer.status, headers=headers, reason=phrase(answer.status))
        data = self._http.send(head) or b""
        if answer.body:
            data += self._http.send(h11.Data(data=answer.body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        await self._stream.send(data)

    async def open(self, answer: Answer) -> Channel:
        """101: the connection is the WebSocket's from now on."""
        self._over = True
        head = h11.InformationalResponse(status_code=101, headers=list(answer.headers), reason=phrase(101))
        await self._send(head)
        # A client may speak before it is answered.
        self._stream.held = self._http.trailing_data[0] + self._stream.held
        return self._stream

    async def wait(self) -> None:
        """Read on, and forget it."""
        self._over = True
        with anyio.fail_after(self._settings.limits.idle):
            while await self._stream.some():
                pass

    async def cut(self) -> None:
        """Nothing more, not even TLS's own farewell."""
        await self._stream.aclose()
        self._over = True
