"""A capture that is cut in two files, at any packet, is the same capture."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests import mutate
from tests.scenarios import SCENARIOS
from wsanalyze import _engine

FEW = 100
"""Packets of a capture that is cut at each of them."""
CUTS = 6
"""So many times the others are cut."""
TABLES = ("connections", "exchanges", "websockets", "defects")
SIDES = [
    pytest.param(path, scenario.key_logs, id=f"{scenario.name}: {path.stem}")
    for scenario in SCENARIOS
    for path in (scenario.front, scenario.back)
]


def tables(files: list[Path], keys: bytes) -> dict[str, pa.Table]:
    """What the engine makes of these files, in this order."""
    return {name: pa.table(table) for name, table in _engine.scan([str(file) for file in files], None, keys)[0].items()}


def cuts(count: int, seed: str) -> Iterator[int]:
    """Before which packets it is cut; also before the first and behind the last."""
    if count <= FEW:
        yield from range(count + 1)
    else:
        chance = random.Random(zlib.crc32(seed.encode()))
        yield from sorted(chance.sample(range(1, count), CUTS))


@pytest.mark.parametrize(("path", "key_logs"), SIDES)
def test_cut_anywhere_it_is_the_same(path: Path, key_logs: tuple[Path, ...], tmp_path: Path) -> None:
    keys = b"".join(log.read_bytes() for log in key_logs)
    header, records = mutate.read(path)
    whole = tables([path], keys)
    first, second = tmp_path / "x_00001_20261128000000.pcap", tmp_path / "x_00002_20261128000001.pcap"
    for cut in cuts(len(records), str(path.parent.name)):
        mutate.write(first, header, records[:cut])
        mutate.write(second, header, records[cut:])
        parts = tables([first, second], keys)
        for name in TABLES:
            assert parts[name].equals(whole[name]), f"{name}, cut before packet {cut + 1}"
        assert parts["captures"]["frames"].to_pylist() == [cut, len(records) - cut]


@pytest.mark.parametrize("pieces", [2, 7, 25])
def test_cut_often_it_is_the_same(pieces: int, tmp_path: Path) -> None:
    scenario = next(one for one in SCENARIOS if one.name == "haproxy-http-fwd")
    header, records = mutate.read(scenario.front)
    size = -(-len(records) // pieces)
    files = [
        mutate.write(tmp_path / f"x.pcap{number}", header, records[start : start + size])
        for number, start in enumerate(range(0, len(records), size))
    ]
    whole, parts = tables([scenario.front], b""), tables(files, b"")
    assert all(parts[name].equals(whole[name]) for name in TABLES)
