"""Connections: TLS that fits and TLS that does not, the PROXY header, the keys."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from tests.replay.sending.plans import QUICK, get, handshake, impatient, plan, said, step
from tests.replay.sending.recorder import Recorder
from tests.replay.sending.servers import answering, echo, raw, silent, target_of, websocket_server
from wsanalyze.replay.model import Connection, Replayed
from wsanalyze.replay.sending import Settings, TapError, Target, send

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs."""
    return trustme.CA()


@pytest.fixture
def cafile(authority: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def server_side(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def replay(target: Target, settings: Settings = QUICK, tap: Recorder | None = None) -> Replayed:
    request = handshake(steps=[step("a")], frames=said("a"))
    return (await send(plan([request]), target, settings, tap))["h1"]


async def test_a_certificate_that_fits(authority: trustme.CA, cafile: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.log"
    recorder = Recorder()
    async with websocket_server(echo, ssl=server_side(authority, "127.0.0.1")) as target:
        trusted = dataclasses.replace(target, cafile=cafile)
        replayed = await replay(trusted, dataclasses.replace(QUICK, key_log=keys), recorder)
    assert (replayed.outcome, replayed.received, replayed.close_code) == ("established", 1, 1000)
    assert "CLIENT_TRAFFIC_SECRET_0" in keys.read_text(encoding="ascii")
    assert recorder.connections[0].sent_pieces[0][:2] == b"\x16\x03"
    assert b"websocket" not in b"".join(recorder.connections[0].sent_pieces)


async def test_the_name_to_ask_for(authority: trustme.CA, cafile: Path) -> None:
    names: list[str | None] = []
    context = server_side(authority, "router.example.com")
    context.sni_callback = lambda _, name, __: names.append(name)
    async with websocket_server(echo, ssl=context) as target:
        trusted = dataclasses.replace(target, cafile=cafile)
        by_sni = await replay(dataclasses.replace(trusted, sni="router.example.com"))
        by_host = await replay(dataclasses.replace(trusted, host="router.example.com", address="127.0.0.1"))
        wrong = await replay(trusted)
        any_will_do = await replay(dataclasses.replace(target, insecure=True))
    assert [one.outcome for one in (by_sni, by_host, any_will_do)] == ["established"] * 3
    assert names[:2] == ["router.example.com"] * 2
    assert wrong.outcome == "no-answer"
    assert (wrong.error or "").startswith(
        "the certificate for 127.0.0.1 is not trusted (--cafile, --sni or --insecure): IP address mismatch"
    )


async def test_a_certificate_that_nobody_vouches_for(authority: trustme.CA) -> None:
    async with websocket_server(echo, ssl=server_side(authority, "127.0.0.1")) as target:
        replayed = await replay(target)
    assert replayed.outcome == "no-answer"
    assert "(--cafile, --sni or --insecure): unable to get local issuer certificate" in (replayed.error or "")


async def test_a_target_that_does_not_speak_tls() -> None:
    async with raw(answering(OK)) as target:
        hangs = await replay(dataclasses.replace(target, scheme="https"), impatient())

    async def greeting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example.com ESMTP\r\n")
        await asyncio.sleep(1)

    async def closing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(1000)

    async with raw(greeting) as target:
        greets = await replay(dataclasses.replace(target, scheme="https"))
    async with raw(closing) as target:
        closes = await replay(dataclasses.replace(target, scheme="https"))
    assert hangs.error == "TLS failed: no answer within 0.3 s"
    assert greets.error == "TLS failed: what answers does not speak TLS (is it http://?)"
    assert closes.error == "TLS failed: the connection was closed during the handshake"
    assert {hangs.outcome, greets.outcome, closes.outcome} == {"no-answer"}


async def test_tls_where_plain_http_was_asked_for(authority: trustme.CA) -> None:
    async with raw(silent, server_side(authority, "127.0.0.1")) as target:
        replayed = await replay(dataclasses.replace(target, scheme="http"), impatient())
    assert replayed.outcome in {"no-answer", "reset"}
    assert replayed.error is not None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_target_that_wants_a_certificate_of_the_client(authority: trustme.CA, version: ssl.TLSVersion) -> None:
    context = server_side(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with suppress(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)
            connection.close()

        serving = asyncio.create_task(asyncio.to_thread(serve))
        replayed = await replay(dataclasses.replace(target_of(listener, "https"), insecure=True))
        await serving
    assert replayed.outcome in {"no-answer", "reset"}
    assert (replayed.error or "").startswith(("TLS failed: ", "the target ended TLS: "))
    assert "certificate required" in (replayed.error or "") or version == ssl.TLSVersion.TLSv1_2


async def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    target = Target("https", "127.0.0.1", 1, cafile=nothing)
    with pytest.raises(ValueError, match=r"nothing\.pem holds no certificates that can be used: No such file"):
        await send(plan([get()]), target, QUICK)
    nothing.write_text("no certificate", encoding="ascii")
    with pytest.raises(ValueError, match="holds no certificates"):
        await send(plan([get()]), target, QUICK)
    with pytest.raises(ValueError, match="cannot take the TLS secrets"):
        await send(
            plan([get()]), Target("https", "127.0.0.1", 1), dataclasses.replace(QUICK, key_log=tmp_path / "a" / "b")
        )


@pytest.mark.parametrize("encrypted", [False, True])
async def test_the_proxy_header_comes_first(encrypted: bool) -> None:
    header = b"PROXY TCP4 203.0.113.10 203.0.113.1 50122 80\r\n"
    recorder = Recorder()
    async with raw(answering(OK)) as listening:
        target = dataclasses.replace(listening, scheme="https" if encrypted else "http")
        connection = Connection(0, 0.0, http2=False, proxy_header=header, requests=(get("r1"), get("r2", pause=0.1)))
        await send(plan(connection), target, impatient(speed=1.0), recorder)
    begun = [connection.sent_pieces[0] for connection in recorder.connections]
    assert begun == [header] * (1 if encrypted else 2)


class Full:
    """A tap whose disk is full."""

    def opened(self, local: tuple[str, int], remote: tuple[str, int], time: float, /) -> Full:
        del local, remote, time
        return self

    def sent(self, *_: object) -> None:
        raise OSError(28, "No space left on device")

    def received(self, *_: object) -> None:
        raise OSError(28, "No space left on device")

    def ended(self, by: str, reset: bool, time: float, /) -> None:
        del by, reset, time


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_tap_that_fails_is_not_taken_for_the_target(encrypted: bool, authority: trustme.CA) -> None:
    context = server_side(authority, "127.0.0.1") if encrypted else None
    async with websocket_server(echo, ssl=context) as target:
        with pytest.raises(TapError, match="No space left"):
            await send(plan([get()]), dataclasses.replace(target, insecure=True), QUICK, Full())
