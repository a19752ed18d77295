"""Takes a capture file, gives the engine's tables as data frames."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from wsanalyze import _engine
from wsanalyze.tables import frame


def scan(path: Path) -> dict[str, pd.DataFrame]:
    """The tables of one capture."""
    return {name: frame(pa.table(table)) for name, table in _engine.scan([str(path)])[0].items()}
