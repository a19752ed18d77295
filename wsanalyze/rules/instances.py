"""Takes exchanges that a rule has picked, gives them as evidence, and as problems parted by how sure their pairs are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from wsanalyze.rules.carried import of
from wsanalyze.rules.context import Context, Problem, text
from wsanalyze.rules.finding import Confidence, Evidence, Severity, Side
from wsanalyze.tables import Tables

_SHOWN = ("method", "host", "target", "request_frames", "response_frames")


def problems(
    context: Context, severity: Severity, title: str, advice: str, found: dict[Side, pd.DataFrame]
) -> Iterator[Problem]:
    """What was found on each side, by confidence: `likely` where the pair is.

    The rows have `exchange`, and where it applies `note`, `handshake` (id) and `likely`.
    """
    if not any(map(len, found.values())):
        return
    levels: tuple[tuple[Confidence, bool], ...] = (("certain", False), ("likely", True))
    for confidence, doubt in levels:
        evidence: list[Evidence] = []
        for side, rows in found.items():
            likely = rows["likely"].to_numpy(bool) if "likely" in rows else np.zeros(len(rows), bool)
            evidence.extend(evidence_of(side, context.tables(side), rows[likely == doubt]))
        yield Problem(severity, title, advice, tuple(evidence), confidence)


def evidence_of(side: Side, tables: Tables, rows: pd.DataFrame) -> Iterator[Evidence]:
    """Each exchange with the frames of its request; a handshake also with those of its answer."""
    if not len(rows):
        return
    shown = of(tables, rows["exchange"], *_SHOWN).to_dict("records")
    file = str(tables.captures["file"].iloc[0]) if len(tables.captures) else ""
    notes, handshakes = (rows[name] if name in rows else [None] * len(rows) for name in ("note", "handshake"))
    for exchange, note, handshake in zip(shown, notes, handshakes, strict=True):
        names = ("request_frames", "response_frames") if text(handshake) else ("request_frames",)
        yield Evidence(
            side=side,
            file=file,
            frames=tuple(sorted({int(frame) for name in names for frame in _listed(exchange[name])})),
            method=text(exchange["method"]),
            host=text(exchange["host"]),
            target=text(exchange["target"]),
            note=text(note),
            handshake=text(handshake),
        )


def _listed(value: object) -> list[int]:
    """A cell of frame numbers; none where it is absent."""
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else []  # type: ignore[call-overload]
