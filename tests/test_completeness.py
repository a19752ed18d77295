"""What a capture lacks is measured connection by connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import mutate
from tests.metamorphic.edits import direction, payload
from tests.mutate import Record
from tests.scenarios import CAPTURES
from wsanalyze import capture
from wsanalyze.completeness import Completeness, lacking, sentence, summed_up, words
from wsanalyze.tables import Tables

SCENARIO = CAPTURES / "haproxy-http-fwd"
Change = Callable[[Sequence[Record]], list[Record]]


def worse(tmp_path: Path, change: Change) -> Tables:
    """The front of a scenario after this change."""
    header, records = mutate.read(SCENARIO / "front.pcap")
    path = mutate.write(tmp_path / "front.pcap", header, change(records))
    return capture.read([[str(path)]])[0].tables


def first_spoken(records: Sequence[Record]) -> int:
    """The first record that carries bytes."""
    return next(index for index, record in enumerate(records) if payload(record[2]))


def without_last_words(records: Sequence[Record]) -> list[Record]:
    """The last bytes of one direction are lost; the packets that acknowledge them are not."""
    name = direction(records[first_spoken(records)][2])
    last = max(index for index, r in enumerate(records) if direction(r[2]) == name and payload(r[2]))
    return [record for index, record in enumerate(records) if index != last]


def deaf(records: Sequence[Record]) -> list[Record]:
    """Of one connection only the other direction is there."""
    name = direction(records[first_spoken(records)][2])
    return [record for record in records if direction(record[2]) != name]


def test_a_whole_capture_is_trusted(tmp_path: Path) -> None:
    tables = worse(tmp_path, list)
    found = summed_up(tables)
    assert found.connections == found.whole == len(tables.connections)
    assert sentence(found) == f"all {found.whole} connections are whole"
    assert words(lacking(tables), "front").isna().all()


@pytest.mark.parametrize(
    ("change", "lack", "told"),
    [
        (without_last_words, "lack_packets", "lacks "),
        (deaf, "one_direction", "holds only what the load balancer sent on that connection"),
        (lambda records: records[3:], "began_before", "does not hold the beginning of that connection"),
        (lambda records: mutate.snapped(80)(records, None), "cut", "cut packets of that connection, "),  # type: ignore[arg-type]
    ],
    ids=["acknowledged, never seen", "one direction", "began before", "snaplen"],
)
def test_what_is_missing_is_said(tmp_path: Path, change: Change, lack: str, told: str) -> None:
    tables = worse(tmp_path, change)
    found = summed_up(tables)
    assert getattr(found, lack) >= 1
    assert found.whole < found.connections
    rows = lacking(tables)
    assert words(rows, "front").dropna().str.startswith(told).any()
    assert rows["whole"].sum() == found.whole


def test_a_capture_that_ends_early_leaves_connections_open(tmp_path: Path) -> None:
    assert summed_up(worse(tmp_path, lambda records: list(records[: first_spoken(records) + 1]))).went_on == 1


def test_lost_bytes_are_counted(tmp_path: Path) -> None:
    assert summed_up(worse(tmp_path, without_last_words)).missing_bytes > 0


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Completeness(0, 0, 0, 0, 0, 0, 0, 0), "no connections"),
        (Completeness(1, 1, 0, 0, 0, 0, 0, 0), "the only connection is whole"),
        (Completeness(3, 3, 0, 0, 0, 0, 0, 2), "all 3 connections are whole; 2 went on after it"),
        (
            Completeness(4, 1, 2, 99, 0, 1, 0, 0),
            "1 of 4 connections is whole; 2 lack packets (99 bytes), 1 were seen in one direction only",
        ),
    ],
)
def test_it_is_summed_up_in_one_line(found: Completeness, told: str) -> None:
    assert sentence(found) == told
