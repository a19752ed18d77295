"""The router behind a real load balancer, in each way in which HAProxy can speak to a server."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import websockets

from tests.router.serving import running
from wsanalyze.router import ProxyProtocol, Settings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed"),
]

CONFIG = """
global
    log stderr local0
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind 127.0.0.1:{port}
    default_backend routers
backend routers
    server one 127.0.0.1:{router} {how}
"""


@asynccontextmanager
async def behind(folder: Path, how: str, settings: Settings) -> AsyncIterator[str]:
    """The authority of a HAProxy with a router behind it."""
    async with running(settings) as router:
        certificate = folder / "router.pem"
        certificate.write_bytes(router.router.certificate or b"")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        config = folder / "haproxy.cfg"
        config.write_text(CONFIG.format(port=port, router=router.port, how=how.format(certificate=certificate)))
        process = await asyncio.create_subprocess_exec(
            "haproxy", "-db", "-f", str(config), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await listens(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()
            await process.wait()


async def listens(port: int) -> None:
    """Return when something listens there."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return


REQUIRED = ProxyProtocol.REQUIRED
WAYS = [
    ("", Settings(), "1.1", None),
    ("send-proxy", Settings(proxy_protocol=REQUIRED), "1.1", 1),
    ("send-proxy-v2", Settings(proxy_protocol=REQUIRED), "1.1", 2),
    ("proto h2", Settings(), "2", None),
    ("ssl verify required ca-file {certificate}", Settings(tls=True), "1.1", None),
    (
        "ssl verify required ca-file {certificate} alpn h2 send-proxy-v2-ssl",
        Settings(tls=True, proxy_protocol=REQUIRED),
        "2",
        2,
    ),
]


@pytest.mark.parametrize(("how", "settings", "version", "proxy"), WAYS, ids=[way[0] or "plain" for way in WAYS])
async def test_haproxy(tmp_path: Path, how: str, settings: Settings, version: str, proxy: int | None) -> None:
    async with behind(tmp_path, how, settings) as authority, aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.post(f"http://{authority}/page", data=b"x" * 100_000) as answered:
                told = await answered.json()
        assert (told["version"], told["body_bytes"]) == (version, 100_000)
        assert (told["proxy_protocol"] or {}).get("version") == proxy
        assert (told["tls"] is not None) == settings.tls
        if proxy:
            # The port is that of the client that HAProxy saw, not HAProxy's own.
            assert told["client"] == told["proxy_protocol"]["source"] != told["peer"]
        async with websockets.connect(f"ws://{authority}/chat", compression=None) as client:
            for size in (10, 1000, 300_000):
                await client.send("x" * size)
                assert await client.recv() == "x" * size
        async with websockets.connect(f"ws://{authority}/behave/terminate/4321") as client:
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()
            assert client.close_code == 4321
        for path, status in (("/behave/refuse/403/x", 403), ("/router-error/no_endpoints/x", 503)):
            with pytest.raises(websockets.InvalidStatus) as caught:
                await websockets.connect(f"ws://{authority}{path}")
            assert caught.value.response.status_code == status
