"""PROXY protocol headers, versions 1 and 2."""

from __future__ import annotations

import asyncio
import random
import ssl
import struct

import pytest

from tests.router.serving import get, handshake, running
from wsanalyze.router import ProxyProtocol, Settings

pytestmark = pytest.mark.anyio

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
ADDRESSES = bytes([203, 0, 113, 7, 10, 0, 0, 1]) + struct.pack("!HH", 50122, 443)
OPTIONAL, REQUIRED = Settings(proxy_protocol=ProxyProtocol.OPTIONAL), Settings(proxy_protocol=ProxyProtocol.REQUIRED)


def v2(addresses: bytes = ADDRESSES, command: int = 0x21, family: int = 0x11, tlvs: bytes = b"") -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(addresses + tlvs)) + addresses + tlvs


GOOD = [
    (b"PROXY TCP4 203.0.113.7 10.0.0.1 50122 443\r\n", 1, "203.0.113.7:50122", "10.0.0.1:443"),
    (b"PROXY TCP6 2001:db8::7 ::1 50122 443\r\n", 1, "[2001:db8::7]:50122", "[::1]:443"),
    (b"PROXY UNKNOWN\r\n", 1, None, None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", 1, None, None),
    (v2(), 2, "203.0.113.7:50122", "10.0.0.1:443"),
    (v2(tlvs=b"\x04\x00\x02ab"), 2, "203.0.113.7:50122", "10.0.0.1:443"),
    (v2(bytes(15) + b"\x01" + bytes(15) + b"\x02" + struct.pack("!HH", 1, 2), family=0x21), 2, "[::1]:1", "[::2]:2"),
    (v2(b"", command=0x20, family=0), 2, None, None),
    (v2(bytes(216), family=0x31), 2, None, None),
]


@pytest.mark.parametrize("piece", [1, 1000])
@pytest.mark.parametrize(("header", "version", "source", "destination"), GOOD)
async def test_who_connected(
    header: bytes, version: int, source: str | None, destination: str | None, piece: int
) -> None:
    async with running(REQUIRED) as router:
        raw = await router.open()
        data = header + get()
        for at in range(0, len(data), piece):
            await raw.send(data[at : at + piece])
            await asyncio.sleep(0)
        told = (await raw.answer()).report
        assert told["proxy_protocol"] == {"version": version, "source": source, "destination": destination}
        assert told["client"] == (source or told["peer"])
        assert f'"{told["client"]}" "127.0.0.1:' in (await router.logged())[0]


async def test_optional() -> None:
    async with running(OPTIONAL) as router:
        assert (await router.ask(handshake())).status == 101
        assert (await router.ask(GOOD[0][0] + handshake())).status == 101
        assert (await router.ask(v2() + handshake())).status == 101
        assert (await router.ask(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")).status == 200


async def test_required() -> None:
    async with running(REQUIRED) as router:
        raw = await router.open()
        await raw.send(get())
        assert await raw.rest() == b""
        assert "no PROXY header" in (await router.noted())[0]


@pytest.mark.parametrize("header", [GOOD[0][0], v2()])
async def test_off(header: bytes) -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(header + get())
        assert (await raw.rest()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert router.log == []


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY \r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 50122\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 50122 65536\r\n",
        b"PROXY TCP4 ::1 ::2 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2\n",
        b"PROXY TCP4 \xff\xff \x1b[2J 1 2\r\n",
        b"PROXY " + b"x" * 200,
        v2(command=0x11),
        v2(ADDRESSES[:11]),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
async def test_broken_ones(header: bytes) -> None:
    async with running(OPTIONAL, linger=0.05) as router:
        raw = await router.open()
        await raw.send(header + get())
        assert (await raw.rest()).startswith(b"HTTP/1.1 400 ")
        assert await router.noted()
        assert router.log == []


async def test_any_bytes() -> None:
    chance = random.Random(7)
    async with running(REQUIRED, head_time=0.5, linger=0.1) as router:
        for header, *_ in GOOD * 10:
            broken = bytearray(header[: chance.randrange(1, len(header) + 1)])
            broken[chance.randrange(len(broken))] = chance.randrange(256)
            raw = await router.open()
            await raw.send(bytes(broken))
            raw.writer.write_eof()
            await raw.rest()


async def test_before_tls() -> None:
    async with running(Settings(tls=True, proxy_protocol=ProxyProtocol.REQUIRED)) as router:
        assert router.router.certificate
        raw = await router.open()
        # In one segment with the ClientHello: none of its bytes may be lost.
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cadata=router.router.certificate.decode())
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        await raw.send(v2() + outgoing.read())
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(await raw.reader.read(65536))
        tls.write(get())
        await raw.send(outgoing.read())
        text = b""
        while b"vcap_request_id" not in text:
            try:
                text += tls.read(65536)
            except ssl.SSLWantReadError:
                incoming.write(await asyncio.wait_for(raw.reader.read(65536), 5))
        assert b'"client": "203.0.113.7:50122"' in text
