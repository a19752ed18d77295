"""Boxes are found in the traffic, however many ask and are asked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import wsanalyze
from tests.cases.wire import Story, Tcp
from wsanalyze import capture
from wsanalyze.pairing import legs

MANY = 1_000


def test_boxes_in_a_circle_are_found_quickly_and_told_in_few_words(tmp_path: Path) -> None:
    story = Story()
    addresses = [f"10.1.{number // 250}.{number % 250}" for number in range(MANY)]
    for one, other in zip(addresses, [*addresses[1:], addresses[0]], strict=True):
        Tcp(story, "front", (one, 50_000), (other, 80)).connect().end()
    front, _ = story.files(tmp_path)
    tables = capture.read([[str(front)]])[0].tables
    began = time.perf_counter()
    found = legs.boxes(tables)
    assert len(found) == MANY
    assert not legs.abreast(found)
    assert time.perf_counter() - began < 5
    with pytest.raises(wsanalyze.CaptureError) as error:
        wsanalyze.analyze(front)
    assert len(error.value.hint) < 2_000
