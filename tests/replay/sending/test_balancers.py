"""Real load balancers between the sender and a WebSocket server: what they do to handshakes is what the sender finds."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.replay.sending.plans import QUICK, fields, get, handshake, impatient, plan, said, step
from tests.replay.sending.servers import echo, websocket_server
from tests.replay.sending.test_http2 import connect
from wsanalyze.replay.model import Connection, Replayed
from wsanalyze.replay.sending import Target, send

pytestmark = pytest.mark.anyio
NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/errors;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{router}; {more} }} }}
}}
"""
PASSING = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
HAPROXY = """
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend front
  bind 127.0.0.1:{port} {more}
  default_backend back
backend back
  server router 127.0.0.1:{router}
"""


@asynccontextmanager
async def balancer(name: str, router: Target, folder: Path, more: str = "") -> AsyncIterator[Target]:
    """A load balancer before `router`."""
    command = shutil.which(name)
    if command is None:
        pytest.skip(f"{name} is not installed")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    text = {"nginx": NGINX, "haproxy": HAPROXY}.get(name, "")
    settings = folder / "balancer.conf"
    settings.write_text(text.format(folder=folder, port=port, router=router.port, more=more), encoding="utf-8")
    words = {
        "nginx": ["-p", str(folder), "-c", str(settings)],
        "haproxy": ["-f", str(settings)],
        "nghttpx": [f"-f127.0.0.1,{port};no-tls", f"-b127.0.0.1,{router.port}", "-n1", "--conf=/dev/null"],
    }[name]
    process = await asyncio.create_subprocess_exec(
        command, *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                break
        yield Target("http", "127.0.0.1", port)
    finally:
        process.terminate()
        await process.wait()


async def test_nginx_strips_by_default(tmp_path: Path) -> None:
    replayed = await _through("nginx", tmp_path)
    assert (replayed.outcome, replayed.error) == ("refused", None)
    assert replayed.status is not None
    assert replayed.status >= 400


@pytest.mark.parametrize(("name", "more"), [("nginx", PASSING), ("haproxy", ""), ("nghttpx", "")])
async def test_what_passes_is_established(name: str, more: str, tmp_path: Path) -> None:
    replayed = await _through(name, tmp_path, more)
    assert (replayed.outcome, replayed.accept_valid, replayed.error, replayed.notes) == ("established", True, None, [])
    assert (replayed.received, replayed.close_code, replayed.closed_by) == (2, 1000, "client")


@pytest.mark.parametrize(("name", "more"), [("haproxy", "proto h2"), ("nghttpx", "")])
async def test_extended_connect(name: str, more: str, tmp_path: Path) -> None:
    request = connect("h1", "/", "one", "two " * 20_000)
    ordinary = fields("r1", (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"))
    connection = Connection(0, 0.0, http2=True, proxy_header=b"", requests=(request, ordinary))
    async with websocket_server(echo) as router, balancer(name, router, tmp_path, more) as target:
        replayed = await send(plan(connection), target, QUICK)
    socket_of, answer = replayed["h1"], replayed["r1"]
    assert (socket_of.outcome, socket_of.status, socket_of.error, socket_of.notes) == ("established", 200, None, [])
    assert (socket_of.received, socket_of.close_code, socket_of.closed_by) == (2, 1000, "client")
    assert (answer.outcome, answer.status) == ("answered", 426)


async def test_nobody_behind_the_balancer(tmp_path: Path) -> None:
    nobody = Target("http", "127.0.0.1", 9)
    async with balancer("haproxy", nobody, tmp_path) as target:
        replayed = await send(plan([handshake(), get()]), target, impatient(timeout=10))
    assert [(one.outcome, one.status) for one in replayed.values()] == [("refused", 503), ("answered", 503)]


async def _through(name: str, folder: Path, more: str = "") -> Replayed:
    request = handshake(steps=[step("one"), step(b"two", follows=1)], frames=said("one", "two"))
    async with websocket_server(echo) as router, balancer(name, router, folder, more) as target:
        return (await send(plan([request]), target, QUICK))["h1"]
