"""Targets that open the WebSocket and then do their worst: time and memory stay bounded, and there is a result."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replay.sending.plans import handshake, impatient, plan, said, step
from tests.replay.sending.servers import Handler, raw
from wsanalyze.replay.model import Replayed, Request
from wsanalyze.replay.sending import conversation, send

pytestmark = pytest.mark.anyio
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
OPENED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


def opened_then(chunk: Callable[[int], bytes], times: int, *, deflate: bool = False) -> Handler:
    """Open, and send chunk after chunk without ever reading."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OPENED + (DEFLATE.encode() + b"\r\n" if deflate else b"") + b"\r\n")
        for number in range(times):
            writer.write(chunk(number))
            await writer.drain()
        await asyncio.sleep(60)

    return handler


async def replay(handler: Handler, request: Request) -> tuple[Replayed, float]:
    async with raw(handler) as target:
        begun = asyncio.get_running_loop().time()
        replayed = (await send(plan([request]), target, impatient()))[request.id]
        return replayed, asyncio.get_running_loop().time() - begun


async def test_messages_without_end() -> None:
    replayed, took = await replay(opened_then(lambda _: b"\x82\x01x" * 1000, 10**9), handshake(frames=said("a", "b")))
    assert replayed.received >= 2
    assert (replayed.close_code, replayed.closed_by) == (1000, "client")
    assert took < 3


async def test_pings_without_end_that_nobody_hears_the_answers_of() -> None:
    ping = b"\x89\x7d" + b"p" * 125
    replayed, took = await replay(opened_then(lambda _: ping * 100, 10**9), handshake(steps=[step("a", follows=1)]))
    assert replayed.received == 0
    assert took < 4


async def test_a_target_that_never_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_RECEIVED", 2**20)
    request = handshake(frames=said(*["x"] * 10**4))
    replayed, took = await replay(opened_then(lambda _: b"\x82\x7e\xff\xff" + b"x" * 65535, 10**9), request)
    assert replayed.error == "the target sent more than 1 MiB"
    assert (replayed.close_code, replayed.closed_by) == (1006, "client")
    assert took < 3


async def test_a_message_that_unfolds() -> None:
    squeezer = zlib.compressobj(wbits=-15)
    squeezed = (squeezer.compress(bytes(64 * 2**20)) + squeezer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    frame = b"\xc2\x7f" + len(squeezed).to_bytes(8, "big") + squeezed
    replayed, _ = await replay(opened_then(lambda _: frame, 1, deflate=True), handshake(headers=[DEFLATE]))
    assert replayed.error is None or "larger than 16 MiB" in replayed.error
    waiting = handshake(headers=[DEFLATE], frames=said("x"))
    replayed, _ = await replay(opened_then(lambda _: frame, 1, deflate=True), waiting)
    assert replayed.error == "a message of the target is larger than 16 MiB"


async def test_fragments_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_MESSAGE", 2**20)
    request = handshake(frames=said("x"))

    def fragment(number: int) -> bytes:
        return (b"\0" if number else b"\x02") + b"\x7e\xff\xff" + b"x" * 65535

    replayed, _ = await replay(opened_then(fragment, 10**9), request)
    assert replayed.error == "a message of the target is larger than 1 MiB"


async def test_frames_that_drip() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in OPENED + b"\r\n" + b"\x81\x02hi" + b"\x82\x7e\0\x03abc":
            writer.write(bytes([byte]))
            await writer.drain()
        await asyncio.sleep(60)

    replayed, _ = await replay(handler, handshake(frames=said("hi", "abc")))
    assert (replayed.received_text, replayed.received_binary, replayed.error) == (1, 1, None)


@given(
    pieces=st.lists(
        st.binary(max_size=40)
        | st.builds(
            lambda first, payload: bytes([first, len(payload)]) + payload, st.integers(0, 255), st.binary(max_size=125)
        ),
        max_size=8,
    ),
    deflate=st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_any_words_give_a_result(pieces: list[bytes], deflate: bool) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OPENED + (DEFLATE.encode() + b"\r\n" if deflate else b"") + b"\r\n" + b"".join(pieces))

    async def run() -> Replayed:
        request = handshake(steps=[step("a", follows=1, compressed=True)], headers=[DEFLATE], frames=said("x"))
        return (await replay(handler, request))[0]

    replayed = asyncio.run(run())
    assert replayed.outcome == "established"
    assert replayed.close_code is not None
    assert replayed.closed_by in {"client", "server"}
    assert (replayed.error or "").isprintable()
