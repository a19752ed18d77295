"""HTTP/2, in the clear and within TLS, with WebSockets on it (RFC 8441)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h2.connection
import h2.errors
import h2.settings
import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from tests.router.http2 import Client
from tests.router.serving import Running, running
from wsanalyze.router import Settings

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def connected(settings: Settings | None = None, **limits: float) -> AsyncIterator[tuple[Client, Running]]:
    """A client of a router, by prior knowledge."""
    async with running(settings, **limits) as router:
        client = await Client.connect(router.host, router.port)
        try:
            yield client, router
        finally:
            client.close()
            await asyncio.sleep(0)


async def test_requests_side_by_side() -> None:
    async with connected() as (client, router):
        answers = [await client.get(f"/{number}") for number in range(50)]
        await client.until(lambda: all(answer.ended for answer in answers))
        told = [json.loads(answer.data) for answer in answers]
        assert [one["target"] for one in told] == [f"/{number}" for number in range(50)]
        assert told[0]["version"] == "2"
        assert told[0]["headers"] == [
            [":method", "GET"],
            [":scheme", "http"],
            [":authority", "app.test"],
            [":path", "/0"],
        ]
        assert len({dict(answer.headers)["x-vcap-request-id"] for answer in answers}) == 50
        assert "app.test - [" in router.log[0]
        assert '"GET /0 HTTP/2.0" 200 0 ' in "\n".join(router.log)


async def test_a_body() -> None:
    async with connected() as (client, _):
        answer = await client.ask(
            (":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/"), end=False
        )
        await client.say(answer, b"x" * 300_000, end=True)
        await client.until(lambda: answer.ended)
        assert json.loads(answer.data)["body_bytes"] == 300_000


async def test_head_and_router_errors() -> None:
    async with connected() as (client, _):
        head = await client.get("/", "HEAD")
        error = await client.get("/router-error/no_endpoints")
        await client.until(lambda: head.ended and error.ended)
        assert (head.status, bytes(head.data)) == (200, b"")
        assert (error.status, dict(error.headers)["x-cf-routererror"]) == (503, "no_endpoints")


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_websocket(compressed: bool) -> None:
    async with connected() as (client, router):
        assert client.http.remote_settings[h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL] == 1
        offers = [("sec-websocket-protocol", "v2.chat, v1.chat")]
        if compressed:
            offers.append(("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"))
        answer = await client.connect_websocket("/chat", *offers)
        await client.until(lambda: answer.headers)
        assert answer.status == 200
        assert dict(answer.headers)["sec-websocket-protocol"] == "v2.chat"
        assert ("sec-websocket-extensions" in dict(answer.headers)) == compressed
        assert "sec-websocket-accept" not in dict(answer.headers)
        websocket = Protocol(CLIENT)
        if compressed:
            websocket.extensions = [PerMessageDeflate(False, False, 12, 12)]
        message = os.urandom(150_000)
        websocket.send_binary(message)
        websocket.send_close(1000)
        await client.say(answer, b"".join(websocket.data_to_send()))
        await client.until(lambda: answer.ended)
        websocket.receive_data(bytes(answer.data))
        echoed, closed = [event for event in websocket.events_received() if isinstance(event, Frame)]
        assert (echoed.data, closed.opcode) == (message, Opcode.CLOSE)
        assert '"CONNECT /chat HTTP/2.0" 200 1' in (await router.logged())[0]


async def test_a_stream_of_logs() -> None:
    async with connected(Settings(rate=500)) as (client, _):
        answer = await client.connect_websocket("/firehose/me")
        await client.until(lambda: answer.data.count(b"of the test router") > 100)


async def test_behaviours() -> None:
    async with connected() as (client, router):
        refused = await client.connect_websocket("/behave/refuse/503/x")
        stripped = await client.connect_websocket("/behave/strip/x")
        cut = await client.connect_websocket("/behave/cut/0.2/x")
        silent = await client.connect_websocket("/behave/silent")
        terminated = await client.connect_websocket("/behave/terminate/4000")
        await client.until(lambda: refused.headers and stripped.headers and cut.reset is not None and terminated.data)
        # A tunnel that is not accepted must not be answered by 2xx.
        assert (refused.status, stripped.status, cut.status) == (503, 405, 200)
        assert bytes(terminated.data) == b"\x88\x02\x0f\xa0"
        assert not silent.headers
        client.http.reset_stream(client.number(silent))
        await client.flush()
        assert any('"CONNECT /behave/silent HTTP/2.0" "-" 0 0' in line for line in await router.logged(4))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(":protocol", "connect-udp")], 501),
        ([(":protocol", "websocket"), ("sec-websocket-version", "8")], 400),
        ([(":protocol", "websocket"), ("sec-websocket-extensions", ";;")], 400),
    ],
)
async def test_tunnels_that_are_not_accepted(headers: list[tuple[str, str]], status: int) -> None:
    async with connected() as (client, _):
        pseudo = [(":method", "CONNECT"), (":scheme", "http"), (":path", "/"), (":authority", "a")]
        answer = await client.ask(headers[0], *pseudo, *headers[1:], end=False)
        await client.until(lambda: answer.headers)
        assert answer.status == status


async def test_who_takes_nothing_holds_nothing_up() -> None:
    async with connected(Settings(rate=2000), send_time=0.3) as (client, router):
        # No room for DATA at all (RFC 9113 6.9.2).
        client.http.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        await client.flush()
        answer = await client.connect_websocket("/stream")
        await client.until(lambda: answer.reset is not None)
        assert (await router.logged())[0]


async def test_streams_that_are_opened_and_reset_without_an_end() -> None:
    async with connected(requests=500) as (client, _):
        for _ in range(100):
            if client.over:
                break
            for _ in range(10):
                answer = await client.get("/behave/silent")
                client.http.reset_stream(client.number(answer))
            await client.flush()
            await client.until(lambda: True)
        await client.until(lambda: client.goaway is not None)
        assert client.goaway == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00",
        b"\xff" * 100,
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x01",  # DATA on a stream that is idle
        b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00",  # WINDOW_UPDATE of nothing
        b"\x00\x00\x05\x01\x05\x00\x00\x00\x01\xff\xff\xff\xff\xff",  # HEADERS that cannot be decompressed
        b"\x00\x40\x01\x01\x04\x00\x00\x00\x01" + bytes(16385),  # larger than allowed
    ],
)
async def test_garbage(said: bytes) -> None:
    async with running(idle=0.5) as router:
        raw = await router.open()
        await raw.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + said)
        raw.writer.write_eof()
        await raw.rest()


async def test_mutilated_conversations() -> None:
    chance = random.Random(3)
    http = h2.connection.H2Connection()
    http.initiate_connection()
    pseudo = [(":scheme", "http"), (":authority", "a"), (":path", "/")]
    http.send_headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), *pseudo])
    http.send_data(1, b"\x81\x85\x00\x00\x00\x00Hello", pad_length=5)
    http.send_headers(3, [(":method", "POST"), *pseudo, ("x-y", "z" * 50)])
    http.send_data(3, bytes(500), end_stream=True)
    http.ping(b"12345678")
    http.reset_stream(1)
    http.send_headers(5, [(":method", "GET"), *pseudo], end_stream=True)
    said = http.data_to_send()
    async with running(head_time=0.2, idle=0.2, linger=0.01) as router:

        async def one() -> None:
            broken = bytearray(said)
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(24, len(broken))
                broken[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            raw = await router.open()
            await raw.send(bytes(broken))
            raw.writer.write_eof()
            await raw.rest()

        for _ in range(15):
            await asyncio.gather(*(one() for _ in range(20)))


async def test_a_head_without_an_end() -> None:
    async with running(head=4096) as router:
        client = await Client.connect(router.host, router.port)
        try:
            await client.ask(
                (":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/"), ("x", "y" * 10_000)
            )
            await client.until(lambda: client.goaway is not None)
        finally:
            client.close()
        assert "not HTTP/2" in (await router.noted())[0]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl() -> None:
    if b"HTTP2" not in subprocess.run(["curl", "--version"], capture_output=True, check=True).stdout:
        pytest.skip("this curl knows no HTTP/2")
    async with running() as router:
        process = await asyncio.create_subprocess_exec(
            *["curl", "-s", "--http2-prior-knowledge", "-d", "x" * 1000, f"http://{router.authority}/page"],
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        assert json.loads(said)["body_bytes"] == 1000
