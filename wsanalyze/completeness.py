"""Takes one side's tables, gives what its capture lacks: connection by connection, and summed up.

A capture lies by omission: it begins late, ends early, cuts packets, loses them, or was taken where only one direction went by.
The engine tells losses by sequence numbers: bytes that the other end acknowledged, or that later ones overtook, and that
never came (RFC 9293 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.tables import Tables, equal

FAILED = ("refused", "unanswered")
"""How a connection opened of which there is no more to be seen."""
UNREAD = ("undecrypted", "http2-unread-bytes")
"""Defects that mean that bytes were captured and could not be read: what they said is as good as missing."""
_UNSEEN = ("syn-not-captured", "syn-ack-not-captured")
_SPEAKERS = {"front": ("client", "load balancer"), "back": ("load balancer", "router")}


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of one side can be trusted, in connections."""

    connections: int
    whole: int
    """Nothing is missing between their beginning and their end."""
    lack_packets: int
    missing_bytes: int
    """Of those that lack packets: bytes that went by and are not in the capture."""
    cut: int
    """Packets were cut by the snapshot length."""
    one_direction: int
    """Only one direction was captured."""
    began_before: int
    """They were open when the capture began, or their beginning was lost."""
    went_on: int
    """They were open when the capture ended; that alone makes none incomplete."""


def lacking(tables: Tables) -> pd.DataFrame:
    """One row a connection, indexed by its number.

    `missing_bytes`, `cut`, `late` (its beginning is not there), `open` (its end is not there), `only` (`client` or `server`: the
    one direction that is there; null where both are), `whole` (nothing of these but `open`), `unread` (part of it could not be read).
    """
    connections = tables.connections
    numbers = connections["connection"]
    speaking = ~connections["opened"].isin(FAILED).to_numpy(bool)
    silent_client, silent_server = (equal(connections[f"{end}_packets"], 0) for end in ("client", "server"))
    only = np.full(len(connections), None, object)
    only[silent_server & speaking] = "client"
    only[silent_client & speaking] = "server"
    defects, where = tables.defects["name"], tables.defects["connection"].to_numpy(np.int64, na_value=-1)
    named = {
        name: np.isin(numbers.to_numpy(np.int64), where[defects.isin(names).to_numpy(bool)])
        for name, names in (("cut", ("truncated",)), ("unseen", _UNSEEN), ("unread", UNREAD))
    }
    gaps = (connections[f"{end}_gap_bytes"].to_numpy(np.int64, na_value=0) for end in ("client", "server"))
    missing = sum(gaps, start=np.zeros(len(connections), np.int64))
    late = equal(connections["opened"], "mid-stream") | named["unseen"]
    rows = pd.DataFrame(
        {
            "missing_bytes": missing,
            "cut": named["cut"],
            "late": late,
            "unread": named["unread"],
            "open": connections["ended"].isna().to_numpy(bool) & speaking,
            "only": pd.Series(only, dtype="object"),
            "whole": (missing == 0) & ~named["cut"] & ~late & pd.isna(only),
        }
    )
    return rows.set_axis(pd.Index(numbers.array, name="connection"))


def sealed(connections: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Of which connections what they carry cannot be read: TLS that was not decrypted, or in one direction only."""
    decryption = connections["tls_decryption"]
    result: npt.NDArray[np.bool_] = (decryption.notna() & decryption.ne("decrypted")).to_numpy(bool, na_value=False)
    return result


def dropped(tables: Tables) -> bool:
    """Whether the capturing program says that it lost packets, of which no trace is left."""
    return bool((tables.captures["dropped"].fillna(0) > 0).any())


def drops(tables: Tables) -> bool:
    """Whether packets may have gone by that no trace is left of: they were lost, or a file of a set is not there."""
    return dropped(tables) or any(origin.interrupted for origin in tables.origins)


def ends(tables: Tables) -> pd.Series:
    """When the capture of each connection ended, in nanoseconds, by the connection's number."""
    last = tables.captures.groupby("capture")["last"].max()
    of = tables.connections["capture"].map(pd.Series(_nanoseconds(last), index=last.index))
    return pd.Series(of.to_numpy(np.int64, na_value=0), index=tables.connections["connection"].to_numpy())


def span(tables: Tables) -> tuple[int, int]:
    """From when until when all captures of a side ran, in nanoseconds; an end before the beginning where they never did.

    One capture ran as long as it shows TCP. Of several each may see little of it: they ran as long as they show packets.
    """
    if not len(tables.connections):
        return 0, -1
    if len(tables.origins) > 1:
        return ran(tables)
    first, last = (_nanoseconds(tables.connections[name]) for name in ("first", "last"))
    return int(first.min()), int(last.max())


def ran(tables: Tables) -> tuple[int, int]:
    """From when until when all captures of a side show packets, of whatever kind; as `span`."""
    files = tables.captures.dropna(subset=["first"]).groupby("capture")
    if not files.ngroups or files.ngroups < len(tables.origins):
        return 0, -1
    return int(_nanoseconds(files["first"].min()).max()), int(_nanoseconds(files["last"].max()).min())


def _nanoseconds(moments: pd.Series) -> npt.NDArray[np.int64]:
    """Times since the epoch; the least number where absent."""
    result: npt.NDArray[np.int64] = moments.dt.tz_convert(None).to_numpy("datetime64[ns]").view(np.int64)
    return result


def loses(tables: Tables) -> bool:
    """Whether the capture lost or cut packets at any time, or could not be read, so that a loss without a trace is thinkable at all times."""
    rows = tables.once(lacking)
    lossy = bool(((rows["missing_bytes"] > 0) | rows["cut"] | rows["only"].notna() | rows["unread"]).any())
    return lossy or drops(tables)


def summed_up(tables: Tables) -> Completeness:
    """All connections of one side together."""
    rows = tables.once(lacking)
    lossy = (rows["missing_bytes"] > 0) & ~rows["cut"]
    return Completeness(
        connections=len(rows),
        whole=int(rows["whole"].sum()),
        lack_packets=int(lossy.sum()),
        missing_bytes=int(rows.loc[lossy, "missing_bytes"].sum()),
        cut=int(rows["cut"].sum()),
        one_direction=int(rows["only"].notna().sum()),
        began_before=int(rows["late"].sum()),
        went_on=int(rows["open"].sum()),
    )


def words(rows: pd.DataFrame, side: str) -> pd.Series:
    """What each connection lacks, to follow "the capture …"; null where it lacks nothing."""
    doubted = ~rows["whole"] | rows["unread"]
    if not doubted.any():
        return pd.Series(np.full(len(rows), None, object), index=rows.index, dtype="object")
    client, server = _SPEAKERS[side]
    missing = rows["missing_bytes"]
    told = np.select(
        [
            rows["only"].eq("client"),
            rows["only"].eq("server"),
            rows["cut"],
            missing > 0,
            rows["late"],
            rows["unread"],
        ],
        [
            f"holds only what the {client} sent on that connection",
            f"holds only what the {server} sent on that connection",
            "cut packets of that connection, " + missing.astype(str) + " bytes in all",
            "lacks " + missing.astype(str) + " bytes of that connection that went by",
            "does not hold the beginning of that connection",
            "holds bytes of that connection that could not be read",
        ],
        default="",
    )
    result = pd.Series(told, index=rows.index, dtype=object)
    return result.where(result != "", None)


def sentence(found: Completeness) -> str:
    """How much can be trusted, in one line."""
    if not found.connections:
        return "no connections"
    if found.whole == found.connections:
        told = (
            "the only connection is whole"
            if found.connections == 1
            else f"all {found.connections} connections are whole"
        )
    else:
        verb = "is" if found.whole == 1 else "are"
        told = f"{found.whole} of {found.connections} connections {verb} whole"
    parts = [
        f"{count} {text}"
        for count, text in (
            (found.lack_packets, f"lack packets ({found.missing_bytes} bytes)"),
            (found.cut, "had packets cut by the snapshot length"),
            (found.one_direction, "were seen in one direction only"),
            (found.began_before, "began before the capture"),
            (found.went_on, "went on after it"),
        )
        if count
    ]
    return f"{told}; {', '.join(parts)}" if parts else told
