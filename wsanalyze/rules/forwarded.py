"""Takes the judged requests, gives those that lack a forwarding header: what the rules on them share."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from wsanalyze.rules.context import Context, Problem, text
from wsanalyze.rules.finding import Evidence
from wsanalyze.tables import Flags, equal


def missing(context: Context, column: str, title: str, advice: str) -> Iterator[Problem]:
    """Requests whose `column` is absent or blank: an error where the front's or the router's port is a web port, else a warning."""
    absent = lacks(context, column)
    if not absent.any():
        return
    requests = context.requests[absent]
    on_web = requests["front_port"].isin(context.web_ports) | requests["back_port"].isin(context.web_ports)
    captures = context.tables(context.received_on).captures
    file = str(captures["file"].iloc[0]) if len(captures) else ""
    for severity, rows in (("error", requests[on_web]), ("warning", requests[~on_web])):
        evidence = tuple(
            Evidence(
                context.received_on,
                file,
                tuple(int(frame) for frame in frames),
                text(method),
                text(host),
                text(target),
                "blank" if isinstance(value, str) else None,
            )
            for frames, method, host, target, value in zip(
                rows["request_frames"], rows["method"], rows["host"], rows["target"], rows[column], strict=True
            )
        )
        yield Problem("error" if severity == "error" else "warning", title, advice, evidence)


def received(context: Context) -> pd.DataFrame:
    """What reached the platform's router, requests and handshakes: exchange, and of handshakes `handshake` (id), in order.

    A handshake that may be the front's or another one has no id there.
    """
    number = f"{context.received_on}_exchange"
    asked = context.handshakes.dropna(subset=[number])
    numbers = pd.concat([context.requests["exchange"], asked[number]]).astype("int64")
    rows = pd.DataFrame({"exchange": numbers.drop_duplicates().sort_values().to_numpy()})
    if context.received_on == "back":
        asked = asked[asked["front_exchange"].isna() | asked["id"].isin(context.carried["handshake"])]
    asked = asked.drop_duplicates(number)
    ids = asked["id"].set_axis(asked[number].astype("int64"))
    return rows.assign(handshake=ids.reindex(rows["exchange"]).to_numpy())


def lacks(context: Context, column: str) -> Flags:
    """Whether each judged request lacks the header; a blank value is none."""
    return context.once(_blank)[column]


_HEADERS = ("x_forwarded_for", "x_forwarded_proto", "forwarded")


def _blank(context: Context) -> dict[str, Flags]:
    return {column: blank(context.requests[column]) for column in _HEADERS}


def blank(values: pd.Series) -> Flags:
    """Whether each header is absent or holds nothing."""
    return values.isna().to_numpy(bool) | equal(values.str.strip(" \t,"), "")
