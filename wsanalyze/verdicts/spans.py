"""Takes one side's tables, gives when none of the files of its captures tells what went by."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from wsanalyze.pairing.clock import NEVER, Times
from wsanalyze.pairing.prepare import times
from wsanalyze.tables import Tables


def holes(tables: Tables) -> tuple[Times, Times]:
    """Since when and until when captures hold nothing because files are missing between theirs, or end early."""
    spans: list[tuple[int, int]] = []
    files = tables.captures
    rows = zip(
        files["capture"],
        files["file"],
        times(files["first"]),
        times(files["last"]),
        files["cut_at"].notna(),
        strict=True,
    )
    for number, group in groupby(rows, key=lambda row: int(row[0])):
        interrupted, until, broken = tables.origins[number].interrupted, NEVER, False
        for _, file, first, last, cut in group:
            broken |= file in interrupted
            if first != NEVER:
                spans += [(until, int(first))] if broken and until != NEVER else []
                until, broken = max(until, int(last)), False
            broken |= bool(cut)
    since, end = (np.array([span[at] for span in spans], np.int64) for at in (0, 1))
    return since, np.maximum(since, end)
