"""Requests and handshakes in HTTP/1.x, with servers that answer, and with some that do not."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.replay.sending.plans import QUICK, asking, get, handshake, impatient, plan
from tests.replay.sending.recorder import Recorder
from tests.replay.sending.servers import answering, raw, reset, silent, target_of, unused, websocket_server
from wsanalyze.replay.model import Replayed, Request
from wsanalyze.replay.sending import Settings, Target, send

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def replay(requests: list[Request], target: Target, chosen: Settings = QUICK) -> list[Replayed]:
    replayed = await send(plan(requests), target, chosen)
    return [replayed[request.id] for request in requests]


async def test_the_head_goes_out_byte_for_byte() -> None:
    head = b"GET http://a/x%0a HTTP/1.1\r\nhOST: a\r\nhost : b\r\nX:\xff\r\n folded\r\nUpgrade : websocket\r\n\r\n"
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readexactly(len(head) + 5))
        writer.write(OK)

    async with raw(handler) as target:
        (replayed,) = await replay([asking("r1", head, b"0\r\n\r\n")], target)
    assert seen == [head + b"0\r\n\r\n"]
    assert (replayed.outcome, replayed.status, replayed.body_bytes) == ("answered", 200, 2)
    assert replayed.headers == (("Content-Length", "2"),)


async def test_requests_share_a_connection() -> None:
    ports: set[str] = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(str(request.transport.get_extra_info("peername")))
        return web.Response(status=int(request.path[1:]), text="text")

    app = web.Application()
    app.router.add_route("*", "/{status}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        head = asking("r3", b"HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n")
        requests = [get("r1", "/200"), get("r2", "/404"), head, handshake("h1", path="/426"), get("r4", "/204")]
        replayed = await replay(requests, target_of(server.sockets[0]))
    finally:
        await runner.cleanup()
    assert [one.status for one in replayed] == [200, 404, 200, 426, 204]
    assert [one.outcome for one in replayed] == ["answered", "answered", "answered", "refused", "answered"]
    assert [one.body_bytes for one in replayed] == [4, 4, 0, 4, 0]
    assert [note for one in replayed for note in one.notes] == []
    assert len(ports) == 1


@pytest.mark.parametrize("announced", [False, True])
async def test_a_connection_that_ended_is_opened_again(announced: bool) -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") if announced else OK
    async with raw(answering(answer)) as target:
        replayed = await replay([get("r1"), get("r2", pause=0.05), get("r3")], target, Settings(timeout=2))
    assert [one.status for one in replayed] == [200, 200, 200]
    assert [len(one.notes) for one in replayed] == [0, 1, 1]
    assert replayed[1].notes == ["The connection had ended before this request: another one was opened."]


async def test_a_request_that_crosses_the_end_of_its_connection_is_sent_again() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")

    async with raw(handler) as target:
        first, second = await replay([get("r1"), get("r2")], target)
        _, posted = await replay([get("r1"), asking("r2", b"POST / HTTP/1.1\r\n\r\n")], target)
    assert (first.status, second.status) == (200, 200)
    assert second.notes == ["The connection ended as this request was sent: it was sent again on another one."]
    assert (posted.outcome, posted.error) == ("reset", "the target closed the connection without an answer")


async def test_bytes_that_nothing_asked_for_end_a_connection() -> None:
    async with raw(answering(OK + b"HTTP/1.1 500 Surprise\r\nContent-Length: 0\r\n\r\n", wait=0.2)) as target:
        replayed = await replay([get("r1"), get("r2")], target)
    assert [one.status for one in replayed] == [200, 200]


async def test_interim_responses_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with raw(answering(interim, OK, wait=0.02)) as target:
        (replayed,) = await replay([get()], target)
    assert (replayed.status, replayed.headers) == (200, (("Content-Length", "2"),))


async def test_a_handshake_that_is_refused() -> None:
    answer = b"HTTP/1.1 503 No\r\nX-Cf-RouterError: route_service_unsupported\r\nContent-Length: 0\r\n\r\n"
    async with raw(answering(answer)) as target:
        (replayed,) = await replay([handshake()], target)
    assert (replayed.outcome, replayed.status, replayed.accept_valid) == ("refused", 503, None)
    assert replayed.headers[0] == ("X-Cf-RouterError", "route_service_unsupported")
    assert replayed.close_code is None


@pytest.mark.parametrize(
    ("fields", "outcome", "note"),
    [
        (b"Upgrade: h2c\r\nConnection: Upgrade\r\n", "refused", "The 101 does not say Upgrade: websocket."),
        (
            b"Upgrade: WebSocket\r\n",
            "established",
            "The 101 does not say Connection: Upgrade, without which clients refuse it.",
        ),
    ],
)
async def test_a_101_is_not_always_a_websocket(fields: bytes, outcome: str, note: str) -> None:
    async with raw(answering(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n")) as target:
        (replayed,) = await replay([handshake()], target)
    assert (replayed.outcome, replayed.status, replayed.notes[0]) == (outcome, 101, note)


async def test_a_subprotocol_that_was_not_offered() -> None:
    answer = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Protocol: b\r\n\r\n"
    async with raw(answering(answer)) as target:
        (replayed,) = await replay([handshake(headers=["Sec-WebSocket-Protocol: a"])], target)
    assert replayed.subprotocol == "b"
    assert replayed.notes == ["The target chose a subprotocol that was not offered, which clients refuse."]


async def test_a_target_that_is_down() -> None:
    target = unused()
    first, second = await replay([handshake(), get()], target)
    assert (first.outcome, second.outcome) == ("no-answer", "no-answer")
    assert first.error == second.error == f"cannot connect to {target}: Connection refused"


async def test_a_name_that_nobody_knows() -> None:
    (replayed,) = await replay([handshake()], Target("http", "nowhere.invalid", 80))
    assert replayed.outcome == "no-answer"
    assert (replayed.error or "").startswith("cannot connect to http://nowhere.invalid:80: ")


async def test_a_name_that_cannot_be_one() -> None:
    (replayed,) = await replay([handshake()], Target("http", "a" * 70 + ".example.com", 80))
    assert replayed.outcome == "no-answer"
    assert (replayed.error or "").startswith("cannot connect to ")


async def test_a_target_that_hangs() -> None:
    async with raw(silent) as target:
        replayed = await replay([get(f"r{number}") for number in range(5)], target, impatient())
    assert [one.error for one in replayed[:3]] == ["the target did not answer within 0.3 s"] * 3
    assert [one.outcome for one in replayed[:3]] == ["no-answer"] * 3
    assert [one.error for one in replayed[3:]] == ["not sent: the target left 3 requests before it unanswered"] * 2
    assert [one.outcome for one in replayed[3:]] == [None] * 2


async def test_a_target_that_does_not_read() -> None:
    async def handler(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with raw(handler) as target:
        (replayed,) = await replay([asking("r1", b"PUT / HTTP/1.1\r\n\r\n", b"x" * 20_000_000)], target, impatient())
    assert (replayed.outcome, replayed.error) == ("no-answer", "the target did not take the request within 0.3 s")


async def test_an_answer_before_the_whole_request_was_sent() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(60)

    async with raw(handler) as target:
        (replayed,) = await replay([asking("r1", b"PUT / HTTP/1.1\r\n\r\n", b"x" * 20_000_000)], target)
    assert (replayed.status, replayed.latency) == (413, None)
    assert replayed.notes == ["The target answered before the whole request was sent."]


@pytest.mark.parametrize(
    ("answer", "outcome", "error"),
    [
        (b"", "reset", "the target closed the connection without an answer"),
        (b"HTTP/1.1 200", "reset", "the target closed the connection in the middle of its answer"),
        (
            b"SSH-2.0-OpenSSH\r\n",
            "no-answer",
            'the answer is no HTTP: "SSH-2.0-OpenSSH\\r" (it does not begin with HTTP/)',
        ),
        (b"\x15\x03\x01\0\2\2\x0a", "no-answer", "the answer is no HTTP but TLS (is it https://?): "),
        (b"\x1b[2J\0", "no-answer", 'the answer is no HTTP: "\\x1b[2J\\x00" (it does not begin with HTTP/)'),
        (
            b"HTTP/1.1 abc\r\n\r\n",
            "no-answer",
            'the answer is no HTTP: "HTTP/1.1 abc\\r" (illegal status line',
        ),
        (b"HTTP/1.1 200 OK\r\na b: c\r\n\r\n", "no-answer", "the answer is no HTTP: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "no-answer", "the answer is no HTTP: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", "no-answer", "the answer is no HTTP: "),
    ],
)
async def test_answers_that_are_none(answer: bytes, outcome: str, error: str) -> None:
    async with raw(answering(answer)) as target:
        (replayed,) = await replay([handshake()], target)
    assert replayed.outcome == outcome
    assert (replayed.error or "").startswith(error)
    assert (replayed.error or "").isprintable()
    assert len(replayed.error or "") < 600


async def test_a_connection_that_is_reset() -> None:
    async with raw(answering(then=reset)) as target:
        (replayed,) = await replay([handshake()], target)
    assert (replayed.outcome, replayed.error) == ("reset", "the target reset the connection")


async def test_an_answer_that_drips() -> None:
    async with raw(answering(*(bytes([byte]) for byte in OK), wait=0.002)) as target:
        (replayed,) = await replay([get()], target)
        (slow,) = await replay([get()], target, impatient(timeout=0.02))
    assert (replayed.status, replayed.body_bytes) == (200, 2)
    assert (slow.outcome, slow.error) == ("no-answer", "the target did not answer within 0.02 s")


async def test_a_head_that_never_ends() -> None:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X: " + b"y" * 1000 + b"\r\n")
            await writer.drain()

    async with raw(handler) as target:
        (replayed,) = await replay([get()], target)
    assert replayed.outcome == "no-answer"
    assert (replayed.error or "").endswith("(Receive buffer too long)")


async def test_interim_responses_that_never_end() -> None:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
            await writer.drain()

    async with raw(handler) as target:
        (replayed,) = await replay([get()], target, impatient())
    assert replayed.error == "the target did not answer within 0.3 s"


async def test_a_body_that_never_ends() -> None:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with raw(handler) as target:
        (large,) = await replay([get()], target, impatient(timeout=20))
    async with raw(answering(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n", wait=60)) as target:
        (slow,) = await replay([get()], target, impatient())
    assert large.notes == ["The body of the answer has more than 64 MiB: no more was read."]
    assert 64 * 2**20 < large.body_bytes < 65 * 2**20
    assert (slow.status, slow.body_bytes) == (200, 9)
    assert slow.notes == ["The body of the answer had not ended after 0.3 s."]


async def test_a_body_that_is_cut() -> None:
    async with raw(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")) as target:
        (replayed,) = await replay([get()], target)
    assert (replayed.outcome, replayed.body_bytes) == ("answered", 3)
    assert replayed.notes[0].startswith("The body of the answer is not complete: ")


async def test_a_tunnel_is_not_read_as_a_body() -> None:
    async with raw(answering(b"HTTP/1.1 200 OK\r\n\r\ntunnel", wait=60)) as target:
        (replayed,) = await replay([asking("r1", b"CONNECT a:1 HTTP/1.1\r\n\r\n")], target)
    assert (replayed.outcome, replayed.body_bytes, replayed.notes) == ("answered", 0, [])


async def test_a_request_without_a_form_for_the_version() -> None:
    request = dataclasses.replace(get(), head=b":method: GET\r\n")
    (replayed,) = await replay([request], unused())
    assert (replayed.outcome, replayed.error) == (None, "not sent: it has no form for HTTP/1.1")


async def test_what_goes_over_the_wire_is_told() -> None:
    recorder = Recorder()

    async def handler(_: object) -> None:
        return

    async with websocket_server(handler) as target, raw(answering(then=reset)) as broken:
        request = handshake()
        await send(plan([request]), target, QUICK, recorder)
        await send(plan([request]), broken, QUICK, recorder)
        await send(plan([handshake()]), unused(), QUICK, recorder)
    first, second = recorder.connections
    assert b"".join(first.sent_pieces).startswith(request.head)
    assert b"".join(first.received_pieces).startswith(b"HTTP/1.1 101 ")
    assert first.remote == ("127.0.0.1", target.port)
    assert first.local[0] == "127.0.0.1"
    assert (first.end, second.end) == (("server", False), ("server", True))
    assert first.times == sorted(first.times)


@given(answer=st.binary(max_size=300) | st.binary(max_size=100).map(lambda data: b"HTTP/1.1 " + data))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_answer_gives_a_result(answer: bytes) -> None:
    async def run() -> Replayed:
        async with raw(answering(answer)) as target:
            return (await replay([handshake()], target, impatient()))[0]

    replayed = asyncio.run(run())
    assert replayed.outcome in {"established", "refused", "no-answer", "reset"}
    assert (replayed.error or "").isprintable()
