"""Frames as captured, compared with those that the `websockets` library wrote."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol

from wsanalyze.replay.conversation import MAX_PAYLOAD, Budget, conversation

Piece = tuple[bool, int, bytes]
WORDS = st.lists(st.tuples(st.booleans(), st.text(max_size=300), st.integers(1, 4)), max_size=12)
PARAMETERS = {
    None: (False, False, 15, 15),
    "permessage-deflate": (False, False, 15, 15),
    "permessage-deflate; client_no_context_takeover; server_max_window_bits=10": (True, False, 15, 10),
    'x-other, permessage-deflate; client_max_window_bits="9"': (False, False, 9, 15),
}


def written(words: list[tuple[bool, str, int]], header: str | None) -> list[Piece]:
    """What a client and a server send, each message in some fragments; the compression is that of the library."""
    client_forgets, server_forgets, client_bits, server_bits = PARAMETERS[header]
    sides = {}
    for by_client, side in ((True, CLIENT), (False, SERVER)):
        forgets, bits = (client_forgets, client_bits) if by_client else (server_forgets, server_bits)
        deflate = PerMessageDeflate(False, forgets, 15, bits)
        sides[by_client] = Protocol(side, state=OPEN)
        sides[by_client].extensions = [deflate] if header else []
    pieces = []
    for time, (by_client, text, fragments) in enumerate(words):
        protocol, data = sides[by_client], text.encode()
        cuts = sorted(random.Random(time).randint(0, len(data)) for _ in range(fragments - 1))
        parts = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        protocol.send_binary(parts[0], fin=fragments == 1)
        for index, part in enumerate(parts[1:], 2):
            protocol.send_continuation(part, fin=index == fragments)
        pieces += [(by_client, time, sent) for sent in protocol.data_to_send()]
    return pieces


@pytest.mark.parametrize("header", PARAMETERS)
@given(words=WORDS, cut=st.integers(1, 50))
def test_what_was_said_is_read(header: str | None, words: list[tuple[bool, str, int]], cut: int) -> None:
    pieces = [
        (by_client, time, data[at : at + cut])
        for by_client, time, data in written(words, header)
        for at in range(0, len(data), cut)
    ]
    found = conversation(pieces, None, header)
    assert found.lost is None
    ours = [frame for frame in found.frames if frame.by_client]
    assert b"".join(frame.payload for frame in ours) == "".join(text for by, text, _ in words if by).encode()
    assert [frame.fin for frame in ours].count(True) == sum(by for by, _, _ in words)
    assert len(found.frames) == sum(fragments for *_, fragments in words)
    assert [frame.time for frame in found.frames] == sorted(frame.time for frame in found.frames)
    assert all(frame.payload == b"" for frame in found.frames if not frame.by_client)
    begins = [frame for frame in ours if frame.opcode]
    assert all(frame.rsv1 == bool(header) for frame in begins)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 99), st.binary(max_size=60)), max_size=8), st.text(max_size=40))
def test_anything_can_be_read(pieces: list[Piece], header: str) -> None:
    for extensions in (None, header, "permessage-deflate"):
        conversation(pieces, None, extensions)


def frame(data: bytes) -> bytes:
    return WireFrame(Opcode.BINARY, data).serialize(mask=True)


def test_what_is_no_websocket_ends_it() -> None:
    found = conversation([(True, 1, frame(b"one") + b"\x83\x80abcd"), (True, 2, frame(b"two"))], None, None)
    assert [one.payload for one in found.frames] == [b"one"]
    assert found.lost == "what the client sent cannot be read: invalid opcode"


def test_compressed_bytes_that_are_none() -> None:
    found = conversation([(True, 1, b"\xc2\x83\0\0\0\0\xff\xff\xff")], None, "permessage-deflate")
    assert found.lost == "what the client sent cannot be read: decompression failed"


def test_a_bomb_is_left() -> None:
    deflate = PerMessageDeflate(False, False, 15, 15)
    bomb = WireFrame(Opcode.BINARY, bytes(MAX_PAYLOAD + 1)).serialize(mask=True, extensions=[deflate])
    assert len(bomb) < 20_000
    found = conversation([(True, 1, bomb)], None, "permessage-deflate")
    assert found.frames == ()
    assert found.lost is not None


@pytest.mark.parametrize(("lost", "why"), [("gap", "packets are missing"), ("limit", "there is more than is kept")])
def test_what_was_not_captured_is_told(lost: str, why: str) -> None:
    assert conversation([], lost, None).lost == why


def test_there_is_a_limit_for_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsanalyze.replay.conversation.MAX_FRAMES", 3)
    budget = Budget()
    found = [conversation([(True, 1, frame(b"one") + frame(b"two"))], None, None, budget) for _ in range(2)]
    assert [len(one.frames) for one in found] == [2, 1]
    assert [one.lost for one in found] == [None, "there is more than is kept"]
