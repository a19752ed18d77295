"""Requests and extended CONNECT in HTTP/2, with a server that speaks it, and with some that do not."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.replay.sending.http2_server import Server
from tests.replay.sending.plans import QUICK, fields, get, handshake, impatient, plan, said, step
from tests.replay.sending.servers import answering, raw, silent, unused
from wsanalyze.replay.model import Connection, Replayed, Request
from wsanalyze.replay.sending import Settings, Target, send

pytestmark = pytest.mark.anyio


def asked(identifier: str, path: str, body: bytes = b"") -> Request:
    pairs = ((":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path), ("x-b", "1"), ("x-a", "2"))
    return fields(identifier, *pairs, body=body)


def connect(identifier: str, path: str, *texts: str, compressed: bool = False) -> Request:
    pairs = (
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", path),
        (":authority", "a"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-extensions", "permessage-deflate"),
    )
    steps = [step(text, follows=number, compressed=compressed) for number, text in enumerate(texts)]
    request = fields(identifier, *pairs, steps=steps)
    return dataclasses.replace(request, captured=dataclasses.replace(request.captured, frames=said(*texts)))


async def replay(requests: list[Request], target: Target, chosen: Settings = QUICK) -> list[Replayed]:
    connection = Connection(0, 0.0, http2=True, proxy_header=b"", requests=tuple(requests))
    replayed = await send(plan(connection), target, chosen)
    return [replayed[request.id] for request in requests]


async def test_requests_and_websockets_share_a_connection() -> None:
    server = Server()
    async with server.listen() as target:
        replayed = await replay(
            [connect("h1", "/ws", "a", "b"), asked("r1", "/300000"), asked("r2", "/x"), connect("h2", "/no")], target
        )
    assert [one.error for one in replayed] == [None] * 4
    assert [one.status for one in replayed] == [200, 200, 200, 403]
    assert [one.outcome for one in replayed] == ["established", "answered", "answered", "refused"]
    assert [one.body_bytes for one in replayed] == [0, 300000, 2, 0]
    assert (replayed[0].sent, replayed[0].received, replayed[0].close_code) == (2, 2, 1000)
    assert (replayed[0].accept_valid, replayed[0].closed_by, replayed[0].notes) == (None, "client", [])
    assert replayed[3].headers == (("x-cf-routererror", "unknown_route"),)
    names = [name for name, _ in server.seen[1]]
    assert names == [b":method", b":scheme", b":authority", b":path", b"x-b", b"x-a"]


async def test_an_open_websocket_does_not_keep_the_next_stream_waiting() -> None:
    waits = connect("h1", "/ws", "a")
    waits = dataclasses.replace(waits, steps=(dataclasses.replace(waits.steps[0], pause=5.0),))
    server = Server()
    async with server.listen() as target:
        _, second = await replay([waits, asked("r1", "/x")], target, dataclasses.replace(QUICK, speed=1.0, max_gap=5.0))
    assert second.latency is not None
    assert second.latency < 4.5
    assert len(server.seen) == 2


async def test_compression_on_a_stream() -> None:
    async with Server().listen() as target:
        (replayed,) = await replay([connect("h1", "/ws-deflate", "words " * 99, "more", compressed=True)], target)
    assert (replayed.received, replayed.extensions, replayed.error) == (2, "permessage-deflate", None)


async def test_small_windows_and_few_streams() -> None:
    server = Server(window=1000, streams=1)
    async with server.listen() as target:
        replayed = await replay(
            [connect("h1", "/ws", "a" * 200_000), asked("r1", "/x", b"y" * 500), asked("r2", "/x")], target
        )
    assert [one.error for one in replayed] == [None] * 3
    assert replayed[0].received == 1
    assert server.bodies == {3: b"y" * 500}


async def test_no_extended_connect() -> None:
    async with Server(knows_connect=False).listen() as target:
        first, second = await replay([connect("h1", "/ws"), asked("r1", "/x")], target)
    assert (first.outcome, first.error) == ("no-answer", "the target does not allow extended CONNECT")
    assert (second.outcome, second.status) == ("answered", 200)


async def test_streams_that_end_early() -> None:
    async with Server().listen() as target:
        reset, dies, silent_one, after = await replay(
            [connect("h1", "/reset"), connect("h2", "/ws-reset"), asked("r1", "/silent"), asked("r2", "/x")],
            target,
            impatient(),
        )
        goaway, late = await replay([asked("r1", "/goaway"), asked("r2", "/x")], target, impatient(speed=1.0))
        (cut,) = await replay([asked("r1", "/cut")], target)
        (hints,) = await replay([asked("r1", "/hints")], target)
    assert (reset.outcome, reset.error) == ("reset", "the target reset the stream (PROTOCOL_ERROR)")
    assert (dies.outcome, dies.close_code, dies.closed_by) == ("established", 1006, "server")
    assert dies.notes == ["The target broke the connection off."]
    assert (silent_one.outcome, silent_one.error) == ("no-answer", "the target did not answer within 0.3 s")
    assert after.status == 200
    assert (goaway.outcome, goaway.error) == ("reset", "the target ended the connection (GOAWAY, ENHANCE_YOUR_CALM)")
    assert (late.outcome, late.status) == ("answered", 200)
    assert late.notes
    assert cut.outcome == "reset"
    assert (hints.outcome, hints.status) == ("answered", 200)


async def test_a_target_that_takes_its_leave_still_answers() -> None:
    async with Server().listen() as target:
        chosen = dataclasses.replace(QUICK, speed=1.0)
        requests = [dataclasses.replace(asked(f"r{number}", "/polite"), pause=0.05) for number in range(3)]
        replayed = await replay(requests, target, chosen)
    assert [(one.outcome, one.status, one.error) for one in replayed] == [("answered", 204, None)] * 3
    assert [len(one.notes) for one in replayed] == [0, 1, 1]


async def test_a_request_that_was_not_processed_is_sent_again_once() -> None:
    done: list[Replayed] = []
    async with Server().listen() as target:
        (once,) = await replay([asked("r1", "/refuse")], target)
        (always,) = await replay([asked("r1", "/refuse-always")], target)
        connection = Connection(0, 0.0, http2=True, proxy_header=b"", requests=(asked("r1", "/refuse-always"),))
        await send(plan(connection), target, QUICK, progress=done.append)
    assert (once.outcome, once.status) == ("answered", 200)
    assert once.notes[0] == "The target did not take this request: it was sent again on another connection."
    assert (always.outcome, always.error) == ("reset", "the target reset the stream (REFUSED_STREAM)")
    assert len(done) == 1


async def test_targets_that_do_not_speak_http2() -> None:
    async with raw(answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")) as target:
        old = await replay([connect("h1", "/ws"), asked("r1", "/x")], target)
    async with raw(silent) as target:
        (mute,) = await replay([asked("r1", "/x")], target, impatient())
    async with raw(answering()) as target:
        (closes,) = await replay([asked("r1", "/x")], target)
    (down,) = await replay([asked("r1", "/x")], unused())
    assert {one.outcome for one in (*old, mute, closes, down)} == {"no-answer"}
    for one in old:
        assert (one.error or "").startswith(
            'the target does not speak HTTP/2 (--http 1.1 translates): "HTTP/1.1 400 Bad Request'
        )
    assert mute.error == "the target sent no SETTINGS of HTTP/2 within 0.3 s"
    assert closes.error is not None
    assert closes.error.startswith("the target ")
    assert (down.error or "").endswith("Connection refused")


@pytest.mark.parametrize("protocols", [["h2"], ["http/1.1"], []])
async def test_what_tls_agrees_on(protocols: list[str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    if protocols:
        context.set_alpn_protocols(protocols)
    async with Server().listen(context) as target:
        (replayed,) = await replay([connect("h1", "/ws", "a")], dataclasses.replace(target, insecure=True))
    if protocols == ["h2"]:
        assert (replayed.outcome, replayed.received, replayed.error) == ("established", 1, None)
    else:
        agreed = protocols[0] if protocols else "no protocol"
        assert replayed.error == f"the target does not speak HTTP/2 (--http 1.1 translates): TLS agreed on {agreed}"


async def test_the_version_may_be_chosen() -> None:
    async with Server().listen() as target:
        (replayed,) = await replay([get()], target)
        (other,) = await replay([asked("r1", "/x")], target, dataclasses.replace(QUICK, http="1.1"))
        forced = await send(plan([asked("r1", "/x")]), target, dataclasses.replace(QUICK, http="2"))
    assert (replayed.outcome, replayed.error) == (None, "not sent: it has no form for HTTP/2")
    assert (other.outcome, other.error) == (None, "not sent: it has no form for HTTP/1.1")
    assert forced["r1"].status == 200
    assert handshake().fields == ()


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), min_size=1, max_size=5), st.booleans())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_fields_are_sent_or_told_why_not(pairs: list[tuple[bytes, bytes]], opens: bool) -> None:
    request = dataclasses.replace(connect("h1", "/ws") if opens else asked("r1", "/x"), fields=tuple(pairs))

    async def run() -> list[Replayed]:
        async with Server().listen() as target:
            return await replay([request, asked("r2", "/x")], target, impatient())

    for replayed in asyncio.run(run()):
        assert replayed.error is not None or replayed.status is not None


@given(st.lists(st.binary(max_size=60), max_size=5), st.booleans())
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_answer_gives_a_result(pieces: list[bytes], settled: bool) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        if settled:
            writer.write(b"\0\0\0\4\0\0\0\0\0")
            await reader.read(1000)
        for piece in pieces:
            # A frame of some type, with a length that is right.
            writer.write(len(piece).to_bytes(3, "big") + (piece[:6] + bytes(6))[:6] + piece)
        await writer.drain()

    async def run() -> list[Replayed]:
        async with raw(handler) as target:
            return await replay([connect("h1", "/ws"), asked("r1", "/x")], target, impatient())

    for replayed in asyncio.run(run()):
        assert replayed.error is not None or replayed.status is not None
        assert (replayed.error or "").isprintable()
