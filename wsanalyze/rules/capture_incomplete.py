"""The captures lack packets, or do not cover what they would have to show.

What: a file that ends in the middle of a packet, packets cut by the snapshot length, packets that the capturing program
dropped, holes in TCP streams, handshakes that cannot be judged because the other side was not captured at that time.

Why it matters: what is not in the capture cannot be judged. Where it matters, the verdict is `undetermined` and says why.

Example: `tcpdump -s 96` cuts most heads; tcpdump without `--immediate-mode` loses the last second; a small ring buffer
(`-B`) drops packets under load.

What to change: capture again: whole packets (`-s 0`), a larger buffer (`-B 65536`), a narrower filter; start the back capture
first and stop it last.

Source: tcpdump(1), pcap(3); the pcapng specification, Interface Statistics Block.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.rules.context import AtGorouter, Context, Problem, at
from wsanalyze.rules.finding import Evidence, Side
from wsanalyze.tables import Tables

TITLE = "The captures are not complete"
SEVERITY = "warning"

ADVICE = (
    "Capture again: whole packets (tcpdump -s 0), with --immediate-mode and a larger buffer (-B 65536), a narrower filter; start the "
    "back capture first and stop it last."
)
AT_GOROUTER = AtGorouter(ADVICE)

_BLAMES_CAPTURE = {"back-not-captured", "handshake-not-captured", "packets-missing", "truncated"}


def check(context: Context) -> Iterator[Problem]:
    """What is missing: of files, of connections, of handshakes."""
    sides: tuple[tuple[Side, Tables], ...] = (("front", context.front), ("back", context.back))
    found = [
        evidence for side, tables in sides for evidence in (*_of_file(side, tables), *_of_connections(side, tables))
    ]
    found.extend(
        at(row, "front" if row["front_frames"] else "back", row["detail"])
        for row in context.rows()
        if row["verdict"] == "undetermined" and row["detail"] in _BLAMES_CAPTURE
    )
    yield Problem("warning", TITLE, ADVICE, tuple(found))


def _of_file(side: Side, tables: Tables) -> Iterator[Evidence]:
    for row in tables.captures.to_dict("records"):
        if not pd.isna(row["cut_at"]):
            yield Evidence(side, row["file"], (), note="the file ends in the middle of a packet")
        if row["truncated"]:
            yield Evidence(side, row["file"], (), note=f"{row['truncated']} packets were cut by the snapshot length")
        if not pd.isna(row["dropped"]) and row["dropped"]:
            yield Evidence(side, row["file"], (), note=f"{row['dropped']} packets were dropped while capturing")


def _of_connections(side: Side, tables: Tables) -> Iterator[Evidence]:
    holes = tables.defects[tables.defects["name"] == "gap"]
    if not len(holes):
        return
    file = str(tables.captures["file"].iloc[0]) if len(tables.captures) else ""
    speaking = tables.connections.loc[tables.connections["protocol"].notna(), "connection"]
    for connection, group in holes[holes["connection"].isin(speaking)].groupby("connection", sort=True):
        missing = int(group["bytes"].fillna(0).sum())
        frames = tuple(int(frame) for frame in group["frame"].dropna().unique()[:16])
        yield Evidence(
            side, file, frames, note=f"connection {connection}: {missing} bytes of its streams are not in the capture"
        )
