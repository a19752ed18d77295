"""TLS, with a certificate that was made and with one that is named."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme
import websockets

from tests.router.http2 import Client
from tests.router.serving import handshake, running
from wsanalyze.router import Router, Settings

pytestmark = pytest.mark.anyio


def trusting(certificate: bytes | None, *alpn: str) -> ssl.SSLContext:
    """A client that trusts this certificate alone, as strictly as Python can."""
    assert certificate
    context = ssl.create_default_context(cadata=certificate.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "router.test"])
async def test_a_certificate_is_made(name: str) -> None:
    async with running(Settings(tls=True, names=("router.test", "127.0.0.1"))) as router:
        async with websockets.connect(
            f"wss://{name}:{router.port}/", host="127.0.0.1", ssl=trusting(router.router.certificate)
        ) as client:
            await client.send("secret")
            assert await client.recv() == "secret"
        assert not router.notes


async def test_what_was_agreed_on_is_told() -> None:
    async with running(Settings(tls=True)) as router, aiohttp.ClientSession() as session:
        context = trusting(router.router.certificate)
        async with session.get(f"https://localhost:{router.port}/", ssl=context) as answered:
            told = (await answered.json())["tls"]
        assert told["version"] == "TLSv1.3"
        assert (told["alpn"], told["server_name"]) == (None, "localhost")


async def test_http2_by_alpn() -> None:
    async with running(Settings(tls=True)) as router:
        client = await Client.connect("localhost", router.port, trusting(router.router.certificate, "h2"))
        answer = await client.connect_websocket("/")
        await client.until(lambda: answer.headers)
        assert answer.status == 200
        client.close()


async def test_a_certificate_that_is_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("router.test")
    both = tmp_path / "both.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(both)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with (
        running(Settings(certificate=both)) as router,
        websockets.connect(f"wss://router.test:{router.port}/", host="127.0.0.1", ssl=context) as client,
    ):
        assert router.router.certificate is None
        await client.send("x")
        assert await client.recv() == "x"


def test_files_that_are_no_certificate(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for settings in (Settings(certificate=tmp_path / "nowhere"), Settings(certificate=nonsense)):
        with pytest.raises(OSError, match=r"."):
            Router(settings)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\xff\xff", bytes(100), b"\x16"])
async def test_what_is_no_tls(said: bytes) -> None:
    async with running(Settings(tls=True), head_time=0.5) as router:
        raw = await router.open()
        await raw.send(said)
        raw.writer.write_eof()
        await raw.rest()
        assert await router.noted()


async def test_a_handshake_that_does_not_end() -> None:
    async with running(Settings(tls=True), head_time=0.3) as router:
        raw = await router.open()
        await raw.send(b"\x16\x03\x01\x02\x00")
        assert await raw.rest() == b""
        assert "too slow" in (await router.noted())[0]


async def test_a_client_that_does_not_trust_it() -> None:
    async with running(Settings(tls=True)) as router:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("localhost", router.port, ssl=ssl.create_default_context())
        assert "TLS" in (await router.noted())[0]


async def test_the_farewell_is_tls_own() -> None:
    async with running(Settings(tls=True), close_time=0.1) as router:
        reader, writer = await asyncio.open_connection(
            "localhost", router.port, ssl=trusting(router.router.certificate)
        )
        writer.write(handshake("/behave/terminate/4000"))
        text = await asyncio.wait_for(reader.read(), 5)
        assert text.endswith(b"\x88\x02\x0f\xa0")
        writer.close()
        await writer.wait_closed()
