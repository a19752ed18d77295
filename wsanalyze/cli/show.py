"""`wsanalyze show`: one handshake, laid out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from wsanalyze.cli import inputs, output, sources
from wsanalyze.cli.errors import Failure

if TYPE_CHECKING:
    from wsanalyze.box import Box

MAX_NAMED = 12
"""Ids that are named when the one that was asked for does not exist."""

EPILOG = """\b
Examples:
  wsanalyze show lb-front.pcap lb-back.pcap h1
  wsanalyze show any.pcap h1 --lb 203.0.113.1 --lb 10.244.0.1
  wsanalyze show h1 --front lb1-*.pcap --back router-*.pcap
"""


@click.command(cls=sources.Command, epilog=EPILOG, short_help="Lay out one handshake: events, heads, frames.")
@sources.captures(last="ID")
@inputs.key_logs
@inputs.show_secrets
@inputs.clock_offset
@inputs.box
def show(
    words: tuple[str, ...],
    *,
    fronts: tuple[str, ...],
    backs: tuple[str, ...],
    lb: tuple[str, ...],
    key_logs: tuple[str, ...],
    show_secrets: bool,
    clock_offset: float | None,
    box: Box | None,
) -> int:
    """Lay out one handshake: the ladder of events with times and frames, both heads side by side with what changed.

    ID is what `wsanalyze pcap` calls it. Captures are named as for `wsanalyze pcap`.
    """
    if not words or not re.fullmatch(r"h\d+", words[-1]):
        last = f"{words[-1]!r} is no ID" if words else "no handshake is named"
        raise click.UsageError(f"{last}: an ID, such as h1, comes after the captures, or before --front and --back.")
    *places, id_ = words
    named = sources.named(places, fronts, backs, lb)
    analysis = inputs.analyze(named, clock_offset=clock_offset, key_logs=key_logs, box=box)
    handshakes = analysis.handshakes
    chosen = handshakes[handshakes["id"] == id_]
    if not len(chosen):
        raise Failure(None, f"there is no handshake {id_!r} in these captures", _known(list(handshakes["id"])))

    from wsanalyze.evidence.difference import difference  # noqa: PLC0415
    from wsanalyze.evidence.heads import heads  # noqa: PLC0415
    from wsanalyze.failure import CaptureError  # noqa: PLC0415
    from wsanalyze.report import ladder  # noqa: PLC0415

    row = chosen.iloc[0].to_dict()
    try:
        found = heads(analysis, row)
    except CaptureError as error:
        raise Failure(error.file, error.message, error.hint) from None
    if found.unread:
        click.echo(
            "wsanalyze: note: not all heads are shown: standard input cannot be read twice. Save the capture to a file.",
            err=True,
        )
    text = ladder.render(
        analysis,
        row,
        difference(found.front_request, found.back_request, cut=found.request_cut),
        difference(found.front_response, found.back_response, answer=True, cut=found.response_cut),
        width=output.width(),
        colour=output.wants_colour(),
        show_secrets=show_secrets,
    )
    output.write(text, None, ())
    return 0


def _known(ids: list[str]) -> str:
    if not ids:
        return "They hold no handshakes."
    named = ids if len(ids) <= MAX_NAMED else [*ids[: MAX_NAMED - 1], "…", ids[-1]]
    return f"There are: {', '.join(named)}."
