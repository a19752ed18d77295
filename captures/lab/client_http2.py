"""Takes a visit that speaks HTTP/2, asks its steps as streams of one connection; WebSocket by extended CONNECT (RFC 8441)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from captures.lab.asked import Asked
from captures.lab.conversation import Conversation
from captures.lab.http2 import Exchange, Multiplexed
from captures.lab.plan import Handshake, Pause, Request, Visit
from captures.lab.stream import Headers, Stream

if TYPE_CHECKING:
    from captures.lab.client import Client

_HOP_BY_HOP = {"host", "upgrade", "connection", "content-length"}


class Http2Visit(Multiplexed):
    """One HTTP/2 connection of the client."""

    def __init__(self, client: Client, visit: Visit, stream: Stream) -> None:
        super().__init__(stream, client=True)
        self.client, self.visit = client, visit
        self.waiting = False
        """Whether a stream was not answered."""

    async def run(self) -> None:
        """Ask everything, each on a stream of its own: in turn, or all at once."""
        self.connection.initiate_connection()
        await self.flush()
        reading = asyncio.create_task(self.read())
        # A server says in its settings whether it knows extended CONNECT (RFC 8441 3).
        await asyncio.sleep(0.2)
        if self.visit.at_once:
            steps = [step for step in self.visit.steps if not isinstance(step, Pause)]
            await asyncio.gather(*(self._ask(step, position) for position, step in enumerate(steps)))
        else:
            await self._in_turn()
        if self.waiting:
            # A client that still waits does not leave.
            self.client.kept.append(self.stream)
            return
        self.connection.close_connection()
        await self.flush()
        reading.cancel()
        await self.stream.end()

    async def _in_turn(self) -> None:
        position = 0
        for step in self.visit.steps:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif not self.ended.is_set():
                await self._ask(step, position)
                position += 1

    async def _ask(self, step: Request | Handshake, position: int) -> None:
        asked = self.client.note(step, self.visit, self.stream, position)
        asked.version = "2"
        asked.sent = self._headers(step, asked)
        asked.stream = self.connection.get_next_available_stream_id()
        exchange = self.streams[asked.stream] = Exchange(self, asked.stream)
        body = step.body if isinstance(step, Request) else b""
        self.connection.send_headers(asked.stream, asked.sent, end_stream=isinstance(step, Request) and not body)
        if body:
            self.connection.send_data(asked.stream, body, end_stream=True)
        await self.flush()
        abort = step.abort_after if isinstance(step, Handshake) else None
        try:
            answer = await asyncio.wait_for(exchange.answer, step.patience if abort is None else abort)
        except TimeoutError:
            asked.ended = time.time()
            asked.gave_up, asked.unanswered = abort is not None, abort is None
            self.waiting = self.waiting or asked.unanswered
            if asked.gave_up:
                exchange.tunnel().reset()
            return
        except ConnectionError:
            asked.connection_ended = "reset"
            asked.stream_reset, asked.goaway = exchange.reset_with, self.goaway
            return
        self._answered(asked, answer)
        if isinstance(step, Handshake) and asked.status is not None and 200 <= asked.status < 300:
            tunnel = exchange.tunnel()
            await Conversation(tunnel, asked).hold(step.talk)
            await tunnel.end()

    def _headers(self, step: Request | Handshake, asked: Asked) -> Headers:
        asked.method = "CONNECT" if isinstance(step, Handshake) else step.method
        if isinstance(step, Handshake) and step.key == "random":
            # RFC 8441 5: the key is not used.
            asked.key = None
        headers = [
            (":method", asked.method),
            (":scheme", "https" if self.visit.tls else "http"),
            (":authority", asked.host or ""),
            (":path", asked.path),
        ]
        if isinstance(step, Handshake):
            headers.insert(1, (":protocol", "websocket"))
        dropped = _HOP_BY_HOP | ({"sec-websocket-key"} if asked.key is None else set())
        headers += [(name.lower(), value) for name, value in asked.sent if name.lower() not in dropped]
        return tuple(headers)

    @staticmethod
    def _answered(asked: Asked, answer: Headers) -> None:
        asked.answered = time.time()
        asked.received = answer
        asked.status = next((int(value) for name, value in answer if name == ":status"), None)
