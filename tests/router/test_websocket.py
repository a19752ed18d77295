"""WebSockets over HTTP/1.1: which handshakes are accepted, and what is said on them."""

from __future__ import annotations

import asyncio
import os
import struct
import time

import aiohttp
import pytest
import websockets

from tests.router.serving import ACCEPT, KEY, get, handshake, running
from wsanalyze.router import Settings

pytestmark = pytest.mark.anyio

HELLO = b"\x81\x85\x00\x00\x00\x00Hello"
CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
"""Frames of RFC 6455 5.7, with a mask that changes nothing."""


async def test_a_handshake_is_accepted() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(handshake())
        answered = await raw.answer()
        assert answered.status == 101
        assert [name for name, _ in answered.headers] == [
            "Connection",
            "Sec-Websocket-Accept",
            "Upgrade",
            "X-Vcap-Request-Id",
        ]
        assert answered["Sec-Websocket-Accept"] == ACCEPT
        await raw.send(HELLO + CLOSE)
        assert await raw.rest() == b"\x81\x05Hello\x88\x02\x03\xe8"
        (line,) = await router.logged()
        assert ' 101 19 11 "-"' in line


async def test_what_is_said_before_the_101_is_answered_after_it() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(handshake() + HELLO)
        assert (await raw.answer()).status == 101
        await raw.send(CLOSE)
        assert await raw.rest() == b"\x81\x05Hello\x88\x02\x03\xe8"


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_the_websockets_client(compression: str | None) -> None:
    async with (
        running() as router,
        websockets.connect(
            f"ws://{router.authority}/chat",
            compression=compression,
            subprotocols=[websockets.Subprotocol("v2.chat"), websockets.Subprotocol("v1.chat")],
        ) as client,
    ):
        assert client.subprotocol == "v2.chat"
        assert bool(client.protocol.extensions) == (compression is not None)
        for message in ("text", b"binary", "", b"x" * 200_000, "ä" * 1000, os.urandom(70_000)):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["in ", "three ", "parts"])
        assert [part async for part in client.recv_streaming()] == ["in ", "three ", "parts", ""]
        assert await (await client.ping()) >= 0
        await client.close(4001, "enough")
        assert (client.close_code, client.close_reason) == (4001, "enough")


async def test_the_aiohttp_client() -> None:
    async with (
        running(Settings(subprotocols=("v1.chat",))) as router,
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"http://{router.authority}/", protocols=["v2.chat", "v1.chat"], compress=15, autoping=False
        ) as client,
    ):
        assert client.protocol == "v1.chat"
        await client.send_str("hello " * 100)
        assert await client.receive_str() == "hello " * 100
        await client.ping(b"there?")
        assert (await client.receive()).data == b"there?"


async def test_no_subprotocol_that_was_not_offered() -> None:
    async with running(Settings(subprotocols=("mine",))) as router:
        for offer in ((), ("Sec-WebSocket-Protocol: yours",)):
            answered = await router.ask(handshake("/", *offer))
            assert answered.status == 101
            assert "Sec-Websocket-Protocol" not in dict(answered.headers)


@pytest.mark.parametrize("path", ["/page", "/"])
@pytest.mark.parametrize("lost", ["Upgrade", "Connection"])
async def test_a_stripped_handshake_is_an_ordinary_request(path: str, lost: str) -> None:
    async with running() as router:
        answered = await router.ask(handshake(path, without=lost))
        assert answered.status == 200
        assert answered.report["handshake_lacks"] == [
            {"Upgrade": "Upgrade: websocket", "Connection": "Connection: upgrade"}[lost]
        ]


@pytest.mark.parametrize("path", ["/ws", "/ws/1", "/apps/1-2-3/stream", "/stream", "/firehose/me?filter-type=logs"])
async def test_where_only_websockets_live_it_is_refused_as_loggregator_does(path: str) -> None:
    async with running() as router:
        for asked in (handshake(path, without="Upgrade"), get(path)):
            answered = await router.ask(asked)
            assert (answered.status, answered["Sec-Websocket-Version"]) == (400, "13")
            assert answered.body == b"Bad Request\n"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (handshake(without="Sec-WebSocket-Key"), 400),
        (handshake().replace(KEY.encode(), b"c2hvcnQ="), 400),
        (handshake("/", f"Sec-WebSocket-Key: {KEY}"), 400),
        (handshake(without="Sec-WebSocket-Version"), 400),
        (handshake().replace(b"Version: 13", b"Version: 8"), 426),
        (handshake().replace(b"GET", b"PUT"), 405),
        (handshake().replace(b"HTTP/1.1", b"HTTP/1.0"), 505),
        (handshake().replace(b"Upgrade: websocket", b"Upgrade: websocket, h2c"), 426),
        (handshake("/", "Sec-WebSocket-Extensions: ;;;"), 400),
        (handshake("/", "X: \x1b[2J"), 400),
        (handshake().replace(b"Connection: Upgrade", b"Connection: keep-alive, upgrade"), 101),
        (handshake().replace(b"Connection: Upgrade", b"connection: keep-alive\r\nconnection: upgrade"), 101),
        (handshake().replace(b"Upgrade: websocket", b"UPGRADE: WebSocket"), 101),
    ],
)
async def test_handshakes_are_verified(asked: bytes, status: int) -> None:
    async with running() as router:
        answered = await router.ask(asked)
        assert answered.status == status
        if status == 426:
            assert answered["Sec-Websocket-Version"] == "13"


async def test_a_refused_handshake_leaves_an_ordinary_connection() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(handshake("/behave/refuse/403/x"))
        assert (await raw.answer()).status == 403
        await raw.send(get("/next"))
        assert (await raw.answer()).report["target"] == "/next"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"\x81\x05Hello", 1002),  # not masked
        (b"\xc1\x85\x00\x00\x00\x00Hello", 1002),  # a bit that nobody agreed on
        (b"\x83\x80\x00\x00\x00\x00", 1002),  # an opcode that there is not
        (b"\x80\x80\x00\x00\x00\x00", 1002),  # goes on with nothing
        (b"\x09\x80\x00\x00\x00\x00", 1002),  # a ping in parts
        (b"\x81\x81\x00\x00\x00\x00\xff", 1007),  # no UTF-8
        (b"\x01\x81\x00\x00\x00\x00\xc3\x80\x81\x00\x00\x00\x00\x28", 1007),  # nor in parts
        (b"\x82\xff\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00", 1009),  # a gigabyte
    ],
)
async def test_frames_that_break_the_rules_end_it(said: bytes, code: int) -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(handshake())
        assert (await raw.answer()).status == 101
        await raw.send(said)
        last = await raw.rest()
        at = last.index(b"\x88")
        assert int.from_bytes(last[at + 2 : at + 4]) == code


async def test_a_bomb_does_not_go_off() -> None:
    async with running(message=10_000) as router, websockets.connect(f"ws://{router.authority}/") as client:
        await client.send("x" * 1_000_000)
        with pytest.raises(websockets.ConnectionClosedError):
            await client.recv()
        assert client.close_code == 1009


async def test_a_stream_of_logs() -> None:
    async with (
        running(Settings(rate=200)) as router,
        websockets.connect(f"ws://{router.authority}/apps/5d1f4d1c-9a3b/stream") as client,
    ):
        began = time.monotonic()
        messages = [await client.recv() for _ in range(50)]
        assert 0.15 < time.monotonic() - began < 10
        assert all(isinstance(message, bytes) and b"5d1f4d1c-9a3b" in message for message in messages)
        assert b"line 50 of" in messages[-1]
    async with running() as router, websockets.connect(f"ws://{router.authority}/firehose/me") as client:
        assert b"line 1 of" in await client.recv()


async def test_a_stream_ends_for_who_answers_no_ping() -> None:
    async with running(Settings(rate=50), ping_interval=0.1, pong_time=0.3) as router:
        raw = await router.open()
        await raw.send(handshake("/stream"))
        assert (await raw.answer()).status == 101
        async with asyncio.timeout(5):
            heard = await raw.reader.readuntil(b"expired.")
        assert b"\x89\x00" in heard
        assert b"\x03\xf0Client did not respond to ping before keep-alive timeout expired." in heard


async def test_a_stream_goes_on_for_who_answers_pings() -> None:
    async with (
        running(Settings(rate=20), ping_interval=0.05, pong_time=1) as router,
        websockets.connect(f"ws://{router.authority}/stream") as client,
    ):
        assert len([await client.recv() for _ in range(30)]) == 30


async def test_who_does_not_read_is_dropped() -> None:
    async with running(send_time=0.3) as router:
        raw = await router.open()
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's
        megabyte = b"\x82\xff" + struct.pack("!Q", 2**20) + bytes(4 + 2**20)
        raw.writer.write(handshake() + megabyte * 32)
        (line,) = await router.logged()
        assert " 101 " in line


async def test_silence_ends_it() -> None:
    async with running(idle=0.2) as router:
        raw = await router.open()
        await raw.send(handshake())
        assert (await raw.answer()).status == 101
        assert await raw.rest() == b""


async def test_a_client_that_is_gone_is_noticed() -> None:
    async with running() as router:
        for target in ("/", "/stream", "/behave/silent", "/behave/terminate"):
            raw = await router.open()
            await raw.send(handshake(target))
            await asyncio.sleep(0.05)
            raw.reset()
        assert len(await router.logged(4)) == 4
