"""WebSocket conversations, with the servers of `websockets` and `aiohttp` as targets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from websockets.asyncio.server import ServerConnection
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from tests.replay.sending.plans import BINARY, CLOSE, CONT, PING, QUICK, TEXT, handshake, impatient, plan, said, step
from tests.replay.sending.recorder import Recorder
from tests.replay.sending.servers import answering, echo, raw, silent, target_of, websocket_server
from wsanalyze.replay.model import Frame, Replayed, Request
from wsanalyze.replay.sending import Settings, Target, send

pytestmark = pytest.mark.anyio
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
OPENED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


async def replay(request: Request, target: Target, settings: Settings = QUICK, tap: Any = None) -> Replayed:
    return (await send(plan([request]), target, settings, tap))[request.id]


async def test_messages_are_sent_and_counted() -> None:
    request = handshake(steps=[step("one"), step(b"two", follows=1)], frames=said("one", "two"))
    async with websocket_server(echo) as target:
        replayed = await replay(request, target)
    assert (replayed.outcome, replayed.status, replayed.accept_valid) == ("established", 101, True)
    assert (replayed.sent, replayed.received, replayed.received_text, replayed.received_binary) == (2, 2, 1, 1)
    assert (replayed.close_code, replayed.closed_by, replayed.error, replayed.notes) == (1000, "client", None, [])
    assert replayed.latency is not None
    assert replayed.latency < 10


async def test_aiohttp_as_the_target() -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("logs",))
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        request = handshake(
            steps=[step("hé" * 50, compressed=True), step("zwei", compressed=False)],
            frames=said("1", "2"),
            headers=["Sec-WebSocket-Protocol: logs", DEFLATE],
        )
        replayed = await replay(request, target_of(server.sockets[0]))
    finally:
        await runner.cleanup()
    assert (replayed.outcome, replayed.sent, replayed.received) == ("established", 2, 2)
    assert (replayed.subprotocol, replayed.close_code, replayed.error) == ("logs", 1000, None)
    assert replayed.extensions is not None


@pytest.mark.parametrize(
    ("offer", "factory"),
    [
        (DEFLATE, ServerPerMessageDeflateFactory()),
        (DEFLATE, ServerPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=9)),
        (DEFLATE, ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)),
        (f"{DEFLATE}; server_no_context_takeover; server_max_window_bits=10", ServerPerMessageDeflateFactory()),
        ("Sec-WebSocket-Extensions: x-odd, permessage-deflate", ServerPerMessageDeflateFactory()),
    ],
)
async def test_compression_as_the_server_agreed_to_it(offer: str, factory: ServerPerMessageDeflateFactory) -> None:
    heard: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            heard.append(message)
            await connection.send(message)

    texts = ["the same words again and again " * 20] * 3
    steps = [step(text, compressed=number != 1) for number, text in enumerate(texts)]
    recorder = Recorder()
    async with websocket_server(handler, compression=None, extensions=[factory]) as target:
        replayed = await replay(handshake(steps=steps, headers=[offer], frames=said(*texts)), target, tap=recorder)
    assert heard == texts
    assert (replayed.received, replayed.error, replayed.notes) == (3, None, [])
    # After the head: three messages and the Close frame, of which the first and third have RSV1.
    assert [data[0] for data in recorder.connections[0].sent_pieces[1:]] == [0xC1, 0x81, 0xC1, 0x88]


async def test_compression_that_is_not_negotiated_is_left_out() -> None:
    recorder = Recorder()
    async with websocket_server(echo, compression=None) as target:
        request = handshake(steps=[step("text", compressed=True)], headers=[DEFLATE], frames=said("text"))
        replayed = await replay(request, target, tap=recorder)
    assert (replayed.received, replayed.extensions, replayed.error) == (1, None, None)
    assert [data[0] for data in recorder.connections[0].sent_pieces[1:]] == [0x81, 0x88]


@pytest.mark.parametrize("compressed", [False, True])
async def test_fragments_arrive_frame_by_frame(compressed: bool) -> None:
    fragments: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        # An empty fragment at the end is how several libraries end a message whose length they did not know.
        fragments.extend([fragment async for fragment in connection.recv_streaming()])
        await connection.send("done")

    steps = [
        step("first ", fin=False, compressed=compressed),
        step("second ", opcode=CONT, fin=False, compressed=compressed),
        step(b"", opcode=PING),
        step("third", opcode=CONT, fin=False, compressed=compressed),
        step("", opcode=CONT, compressed=compressed),
    ]
    async with websocket_server(handler) as target:
        replayed = await replay(handshake(steps=steps, headers=[DEFLATE], frames=said("done")), target)
    assert fragments == ["first ", "second ", "third", ""]
    assert (replayed.sent, replayed.received, replayed.error) == (1, 1, None)


async def test_a_message_waits_for_those_that_it_followed() -> None:
    order: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        for number in range(3):
            await asyncio.sleep(0.05)
            order.append(f"server {number}")
            await connection.send(str(number))
        order.extend([f"client {message!r}" async for message in connection])

    steps = [step("b", follows=3), step("c", follows=3)]
    async with websocket_server(handler) as target:
        await replay(handshake(steps=steps, frames=said("0", "1", "2")), target)
    assert order == ["server 0", "server 1", "server 2", "client 'b'", "client 'c'"]


async def test_messages_that_do_not_come_are_not_waited_for_forever() -> None:
    heard: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        heard.extend([message async for message in connection])

    steps = [step("a", follows=1), step("b", follows=2), step("c", follows=3)]
    async with websocket_server(handler) as target:
        begun = asyncio.get_running_loop().time()
        replayed = await replay(handshake(steps=steps), target, impatient())
        took = asyncio.get_running_loop().time() - begun
    assert heard == ["a", "b", "c"]
    assert replayed.notes == [
        "Message 1 of the target did not come within 0.3 s: the rest was sent without waiting for messages."
    ]
    assert took < 20


async def test_by_the_clock() -> None:
    times: list[float] = []

    async def handler(connection: ServerConnection) -> None:
        times.extend([asyncio.get_running_loop().time() async for _ in connection])

    steps = [step("a", at=0.1, follows=9), step("b", at=0.3, follows=9), step("c", at=60.0, follows=9)]
    async with websocket_server(handler) as target:
        settings = Settings(speed=2, gate="time", max_gap=0.4)
        began = asyncio.get_running_loop().time()
        replayed = await replay(handshake(steps=steps), target, settings)
    # None before its time; the last pause is the longest that is allowed.
    assert all(moment - began > due - 0.02 for moment, due in zip(times, (0.05, 0.15, 0.35), strict=True))
    assert times[2] - times[1] < 20
    assert (replayed.sent, replayed.notes) == (3, [])


async def test_pings_are_answered_and_are_no_messages() -> None:
    async def handler(connection: ServerConnection) -> None:
        await (await connection.ping(b"there?"))
        await connection.send("yes")
        await connection.wait_closed()

    async with websocket_server(handler) as target:
        replayed = await replay(handshake(frames=said("yes")), target)
    assert (replayed.received, replayed.close_code, replayed.error) == (1, 1000, None)


async def test_the_server_closes_first() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(1008, "slow consumer")

    async with websocket_server(handler) as target:
        replayed = await replay(handshake(steps=[step("a"), step("b", follows=1), step("c", follows=1)]), target)
    assert (replayed.sent, replayed.close_code, replayed.closed_by) == (1, 1008, "server")
    assert replayed.notes == ["2 messages of the client were not sent: the target had closed."]
    assert replayed.error is None


async def test_the_captured_close_frame_is_sent() -> None:
    codes: list[int | None] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.append(connection.protocol.close_code)

    async with websocket_server(handler) as target:
        steps = [step(b"\x0f\xa1bye", opcode=CLOSE), step("never")]
        replayed = await replay(handshake(steps=steps, closes=False), target)
    assert codes == [4001]
    assert (replayed.close_code, replayed.closed_by, replayed.sent) == (4001, "client", 0)
    assert replayed.notes == ["1 message of the client was not sent: the client had closed."]


async def test_an_empty_close_frame_has_no_code() -> None:
    async with websocket_server(echo) as target:
        replayed = await replay(handshake(steps=[step(b"", opcode=CLOSE)], closes=False), target)
    assert (replayed.close_code, replayed.closed_by) == (1005, "client")


async def test_a_server_that_is_expected_to_close() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("bye")

    closed = Frame(False, 0, fin=True, rsv1=False, opcode=CLOSE, payload=b"\x03\xe8")
    async with websocket_server(handler) as target:
        request = handshake(frames=(*said("bye"), closed), closes=False)
        replayed = await replay(request, target)
    async with websocket_server(echo) as target:
        stays = await replay(handshake(frames=(closed,), closes=False), target, impatient())
    assert (replayed.received, replayed.close_code, replayed.closed_by, replayed.notes) == (1, 1000, "server", [])
    assert (stays.close_code, stays.closed_by) == (1006, "client")
    assert stays.notes == ["The target did not close, as the captured server did, within 0.3 s."]


async def test_a_client_that_left_without_a_close_frame_does_so_again() -> None:
    async with websocket_server(echo) as target:
        replayed = await replay(handshake(steps=[step("a")], frames=said("a"), closes=False), target)
    assert (replayed.close_code, replayed.closed_by, replayed.received) == (1006, "client", 1)


async def test_frames_that_nobody_may_send_are_left_out() -> None:
    steps = [step(b"x" * 200, opcode=PING), step(b"", opcode=3), step(b"", opcode=3), step("a")]
    async with websocket_server(echo) as target:
        replayed = await replay(handshake(steps=steps, frames=said("a")), target)
    assert (replayed.sent, replayed.received) == (1, 1)
    assert replayed.notes == [
        "What the client sent is not valid and was left out: control frame too long.",
        "What the client sent is not valid and was left out: opcode 3 is reserved.",
    ]


async def test_a_server_that_never_answers_the_close_frame() -> None:
    async with raw(_opened_then(b"")) as target:
        replayed = await replay(handshake(), target, impatient())
    assert (replayed.close_code, replayed.closed_by) == (1000, "client")
    assert replayed.notes == ["The target did not answer the Close frame within 0.3 s."]


@pytest.mark.parametrize(
    ("said_first", "error"),
    [
        (b"\x83\x00", "what the target sent is no valid WebSocket: invalid opcode"),
        (b"\x81\x80\0\0\0\0", "what the target sent is no valid WebSocket: incorrect masking"),
        (b"\xc1\x01x", "what the target sent is no valid WebSocket: reserved bits must be 0"),
        (b"\x88\x02\x03\xee", "what the target sent is no valid WebSocket: invalid status code"),
        (b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "a message of the target is larger than 16 MiB"),
        (b"HTTP/1.1 200 OK\r\n" * 8, "what the target sent is no valid WebSocket: reserved bits must be 0"),
    ],
)
async def test_what_is_no_websocket_is_told(said_first: bytes, error: str) -> None:
    async with raw(_opened_then(said_first)) as target:
        replayed = await replay(handshake(steps=[step("a", follows=1)]), target, impatient())
    assert (replayed.outcome, replayed.error, replayed.closed_by) == ("established", error, "client")


async def test_a_connection_that_ends_without_a_close_frame() -> None:
    async with raw(_opened_then(b"\x81\x01x\x81\x05", stay=False)) as target:
        replayed = await replay(handshake(steps=[step("a", follows=2)], frames=said("x", "y")), target)
    assert (replayed.received, replayed.sent, replayed.close_code, replayed.closed_by) == (1, 0, 1006, "server")
    assert replayed.error is None


async def test_a_server_that_closes_and_leaves_at_once() -> None:
    async with raw(_opened_then(b"\x81\x01x\x88\x02\x03\xe9", stay=False)) as target:
        replayed = await replay(handshake(frames=said("x")), target)
    assert (replayed.received, replayed.close_code, replayed.closed_by) == (1, 1001, "server")
    assert (replayed.notes, replayed.error) == ([], None)


async def test_a_server_that_takes_nothing_any_more() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _opening(reader, writer)
        await asyncio.sleep(60)

    async with raw(handler) as target:
        replayed = await replay(handshake(steps=[step(b"x" * 12_000_000)]), target, impatient())
    assert replayed.error == "the target did not take a frame of 12000014 bytes within 0.3 s"
    assert (replayed.sent, replayed.close_code, replayed.closed_by) == (0, 1006, "client")


async def test_large_messages_both_ways_at_once() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send(b"y" * 8_000_000)
        await connection.recv()

    request = handshake(steps=[step(b"x" * 8_000_000)], frames=said("y"))
    async with websocket_server(handler, max_size=None) as target:
        replayed = await replay(request, target)
    assert (replayed.sent, replayed.received_binary, replayed.error) == (1, 1, None)


async def test_the_last_messages_are_waited_for_while_they_come() -> None:
    async def handler(connection: ServerConnection) -> None:
        for number in range(8):
            await asyncio.sleep(0.1)
            await connection.send(str(number))
        await connection.wait_closed()

    async with websocket_server(handler) as target:
        all_of_them = await replay(handshake(frames=said(*"01234567")), target, impatient(max_gap=0.9))
        some = await replay(handshake(frames=said(*"0123456789")), target, impatient(max_gap=0.9))
    assert (all_of_them.received, all_of_them.notes) == (8, [])
    assert (some.received, some.notes) == (8, ["The target sent 8 of the 10 messages of the capture."])


async def test_an_extension_that_was_not_offered() -> None:
    answer = OPENED + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    async with raw(answering(answer, wait=5)) as target:
        replayed = await replay(handshake(steps=[step("a")]), target)
    assert (replayed.outcome, replayed.accept_valid, replayed.sent) == ("established", False, 0)
    assert replayed.error == "the target agreed to permessage-deflate: it was not offered"
    assert (replayed.close_code, replayed.closed_by) == (1006, "client")


async def test_an_accept_that_does_not_fit_does_not_end_the_conversation() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OPENED + b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n\x81\x02hi")
        await silent(reader, writer)

    async with raw(handler) as target:
        replayed = await replay(handshake(frames=said("hi")), target, impatient())
    assert (replayed.outcome, replayed.accept_valid, replayed.received) == ("established", False, 1)


def _opened_then(data: bytes, *, stay: bool = True) -> Any:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _opening(reader, writer)
        writer.write(data)
        await writer.drain()
        if stay:
            await silent(reader, writer)
            await asyncio.sleep(60)

    return handler


async def _opening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OPENED + b"\r\n")
    await writer.drain()


def test_kinds_are_those_of_the_standard() -> None:
    assert (CONT, TEXT, BINARY) == (0, 1, 2)
