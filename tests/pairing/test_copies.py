"""Connections that are captured twice are found, however often the same ports are used."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd

from tests.cases.wire import CLIENT, LB_FRONT, Story, Tcp, answer, request
from wsanalyze import capture
from wsanalyze.pairing import copies

MANY = 2_000


def test_ports_used_again_are_other_connections_and_are_told_apart_quickly(tmp_path: Path) -> None:
    story = Story()
    for number in range(MANY):
        sequence = {True: number * 70_000 % 2**32, False: number * 90_000 % 2**32}
        Tcp(story, "front", (CLIENT, 50_000), (LB_FRONT, 80), sequence).connect().ask(request()).reply(
            answer(200)
        ).end()
    front, _ = story.files(tmp_path)
    tables = capture.read([[str(front)]])[0].tables
    assert len(tables.connections) == MANY
    began = time.perf_counter()
    assert copies.once(tables)[1] == 0
    twice = pd.concat([tables.connections, tables.connections.assign(capture=1)], ignore_index=True)
    assert int(copies._copies(twice).sum()) == MANY
    # Each compared with each took minutes.
    assert time.perf_counter() - began < 10
