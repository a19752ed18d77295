"""What the router makes of clients that mean no good: it answers or leaves, and nothing of it stays."""

from __future__ import annotations

import asyncio
import random
import time
import tracemalloc

import pytest

from tests.router.serving import get, handshake, running
from wsanalyze.router import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"\x00" * 100 + b"\r\n\r\n", 400),
        (b"\xff\xfe\r\n\r\n", 400),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade : websocket\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
        (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 505),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100_000, 431),
        (b"GET /" + b"y" * 100_000, 431),
    ],
)
async def test_what_is_no_request(said: bytes, status: int) -> None:
    async with running(linger=0.05) as router:
        raw = await router.open()
        await raw.send(said)
        text = await raw.rest()
        assert text.startswith(b"HTTP/1.1 %d " % status)
        assert text.count(b"HTTP/1.1") == 1
        assert "not HTTP: " in (await router.noted())[0]


@pytest.mark.parametrize("said", [b"Authorization : Bearer s3cret", b"Cookie\x00: s3cret", b"X: s3cret\x00"])
async def test_what_is_no_request_keeps_its_secrets(said: bytes) -> None:
    async with running(linger=0.05) as router:
        raw = await router.open()
        await raw.send(b"GET /?token=s3cret HTTP/1.1\r\nHost: a\r\n" + said + b"\r\n\r\n")
        assert b"s3cret" not in await raw.rest()
        assert "s3cret" not in "".join(await router.noted())


async def test_a_body_beyond_the_limit() -> None:
    async with running(body=10_000, linger=0.05) as router:
        raw = await router.open()
        await raw.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + bytes(200_000))
        assert (await raw.answer()).status == 413
        assert await raw.rest() == b""


async def test_slow_ones_do_not_hold_on() -> None:
    async with running(head_time=0.3, body_time=0.3, idle=0.5) as router:
        began = time.monotonic()
        for said in (b"", b"G", b"PRI * HTT", get()[:-2], b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"):
            raw = await router.open()
            await raw.send(said)
            assert await raw.rest() == b""
        assert time.monotonic() - began < 20
        assert all("too slow" in note for note in router.notes)


async def test_a_head_that_drips() -> None:
    async with running(head_time=0.5) as router:
        raw = await router.open()
        for byte in get("/", *["X: y"] * 100):
            if raw.writer.is_closing():
                break
            raw.writer.write(bytes([byte]))
            await asyncio.sleep(0.01)
        assert await raw.rest() == b""


async def test_no_more_connections_than_allowed() -> None:
    async with running(connections=5) as router:
        held = [await router.open() for _ in range(5)]
        for raw in held:
            await raw.send(handshake())
            assert (await raw.answer()).status == 101
        assert await (await router.open()).rest() == b""
        assert "one connection too many" in (await router.noted())[0]
        held[0].reset()
        await router.logged()
        await asyncio.sleep(0.05)
        assert (await router.ask(get())).status == 200


async def test_mutilated_requests() -> None:
    chance = random.Random(11)
    whole = handshake("/", "Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: a, b")
    said = whole + b"\x81\x85\x00\x00\x00\x00Hello\x88\x80\x00\x00\x00\x00"
    async with running(head_time=0.3, idle=0.3, linger=0.01) as router:

        async def one() -> None:
            broken = bytearray(said)
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(broken))
                broken[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            raw = await router.open()
            await raw.send(bytes(broken))
            raw.writer.write_eof()
            await raw.rest()

        for _ in range(20):
            await asyncio.gather(*(one() for _ in range(20)))
        assert (await router.ask(get())).status == 200


async def test_compressed_nothing_by_the_megabyte() -> None:
    """Frames that are small on the wire and large behind it: what is held at a time is bounded."""
    async with running(Settings(), message=2**20) as router:
        raw = await router.open()
        await raw.send(handshake("/stream", "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"))
        assert (await raw.answer()).status == 101
        import zlib

        packer = zlib.compressobj(9, wbits=-15)
        payload = (packer.compress(bytes(2**20 - 1)) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        frame = b"\xc2\xfe" + len(payload).to_bytes(2, "big") + bytes(4) + payload
        tracemalloc.start()
        try:
            raw.writer.write(frame * 60)
            await raw.send(b"\x88\x80\x00\x00\x00\x00")
            await raw.rest()
            assert tracemalloc.get_traced_memory()[1] < 30 * 2**20
        finally:
            tracemalloc.stop()
