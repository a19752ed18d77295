"""The engine's tables are what the schema says: names, order and types."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.scenarios import SCENARIOS
from wsanalyze import _engine
from wsanalyze.schema import TABLES

TYPES = {
    "u16": pa.uint16(),
    "u32": pa.uint32(),
    "u64": pa.uint64(),
    "i64": pa.int64(),
    "bool": pa.bool_(),
    "frame": pa.uint64(),
    "time": pa.timestamp("ns", "UTC"),
    "text": pa.string(),
    "bytes": pa.binary(),
    "frames": pa.list_(pa.uint64()),
    "texts": pa.list_(pa.string()),
}


def plain(type_: pa.DataType) -> pa.DataType:
    """The type without the names that lists give their items."""
    return pa.list_(type_.value_type) if pa.types.is_list(type_) else type_


@pytest.mark.parametrize("name", TABLES)
def test_columns(name: str) -> None:
    path = SCENARIOS[0].front
    table = pa.table(_engine.scan([str(path)])[0][name])
    assert [(field.name, plain(field.type)) for field in table.schema] == [
        (column.name, TYPES[column.type]) for column in TABLES[name]
    ]


def test_an_empty_capture_has_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "empty.pcap").write_bytes(SCENARIOS[0].front.read_bytes()[:24])
    tables, *_ = _engine.scan([str(tmp_path / "empty.pcap")])
    assert {name: pa.table(table).num_rows for name, table in tables.items()} == {
        "captures": 1, "connections": 0, "exchanges": 0, "websockets": 0, "defects": 0,
    }  # fmt: skip
    for name, columns in TABLES.items():
        assert pa.table(tables[name]).column_names == [column.name for column in columns]
