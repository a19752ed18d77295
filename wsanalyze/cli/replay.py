"""`wsanalyze replay`: what was captured is sent to a router once more."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wsanalyze.cli import inputs, output, progress, replay_options, sources
from wsanalyze.cli.errors import INTERRUPTED, Failure

if TYPE_CHECKING:
    import pandas as pd

    from wsanalyze.cli.sources import Sources
    from wsanalyze.replay.model import Captured, Plan
    from wsanalyze.replay.plan import Choice
    from wsanalyze.replay.run import Ran
    from wsanalyze.replay.sending import Settings, Target
    from wsanalyze.tables import Tables

MAX_NAMED = 24
"""Ids that are named when the one that was asked for does not exist."""
_LEVELS = {"error": {"error"}, "warning": {"error", "warning"}, "never": set[str]()}

EPILOG = """\b
Examples:
  wsanalyze replay lb-front.pcap
  wsanalyze replay lb-front.pcap lb-back.pcap --dry-run
  wsanalyze replay lb-front.pcap lb-back.pcap --target http://10.0.0.9:80 --as-lb
  wsanalyze replay lb-front.pcap --only handshakes --id h1 --target wss://test.example.org --cafile ca.pem
  wsanalyze replay lb-front.pcap --target https://gorouter:443 --resolve gorouter:10.0.0.9 --write replay.pcapng
  wsanalyze replay lb-front.pcap --speed max --concurrency 100 --repeat 10 --format json
"""


@click.command(
    cls=sources.Command, epilog=EPILOG, short_help="Send captured handshakes and requests to a router again."
)
@sources.captures()
@replay_options.target
@replay_options.choice
@replay_options.pace
@replay_options.edits
@replay_options.safety
@click.option("--dry-run", is_flag=True, help="Print what would be sent where, and send nothing.")
@click.option("--baseline", is_flag=True, help="Replay twice, to learn which headers change from time to time.")
@click.option(
    "--write", "write", metavar="FILE", type=click.Path(), help="Write what is sent and received as a pcapng capture."
)
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="What to write.")  # fmt: skip
@click.option("-o", "--output", "output_", metavar="FILE", type=click.Path(),
              help="Write to FILE instead of standard output.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["error", "warning", "never"]), default="error", show_default=True,
              help="What makes the exit status 1: error, something is worse or failed; warning, something is different, or a "
                   "handshake is still not established.")  # fmt: skip
@inputs.key_logs
@inputs.show_secrets
def replay(
    words: tuple[str, ...],
    *,
    fronts: tuple[str, ...],
    backs: tuple[str, ...],
    lb: tuple[str, ...],
    dry_run: bool,
    baseline: bool,
    write: str | None,
    format_: str,
    output_: str | None,
    fail_on: str,
    key_logs: tuple[str, ...],
    show_secrets: bool,
    **options: Any,
) -> int:
    """Send captured handshakes and requests to a router, and compare what comes of them.

    CAPTURE may be one side of the load balancer or both, and is named as for `wsanalyze pcap`. Of both, what the clients sent on the
    front is sent, and what comes is compared with what the router answered on the back. Without --target it is sent to a test
    router that is started for it. Heads go out as they were captured, with a fresh Sec-WebSocket-Key and without secrets; after a
    101 the client's messages follow, each after those of the server that it followed in the capture.
    """
    from wsanalyze.replay.model import EMBEDDED  # noqa: PLC0415
    from wsanalyze.replay.plan import plan as planned  # noqa: PLC0415
    from wsanalyze.replay.plan import repeated  # noqa: PLC0415

    asked = replay_options.Asked.of(options)
    named = _named(words, fronts, backs, lb)
    read = (*named.names, *key_logs)
    output.check(output_, read)
    if write and output_ and Path(write).resolve() == Path(output_).resolve():
        raise click.UsageError("--write and -o name the same file.")
    if write == output.STANDARD_STREAM:
        raise click.UsageError("--write needs a file: standard output is for the results.")
    with inputs.rereadable(named) as again:
        found, left_out, addresses = _captured(again, key_logs, asked.choice)
    target = asked.target
    if target is not None and not asked.allow_captured_target:
        target = _checked(target, addresses)
    plan = planned(found, asked.edits, asked.bounds)
    plan = repeated(_with(plan, left_out, asked.choice), asked.repeat)
    where = str(target) if target else EMBEDDED
    if dry_run:
        output.write(_plan_text(plan, where, format_, output_, show_secrets=show_secrets), output_, read)
        return 0
    ran = _run(plan, target, asked.settings, read, baseline=baseline, write=write)
    output.write(_text(ran, format_, output_, show_secrets=show_secrets), output_, read)

    from wsanalyze.replay.severity import worst  # noqa: PLC0415

    if ran.interrupted:
        click.echo("wsanalyze: interrupted: this is what was done until then", err=True)
        return INTERRUPTED
    return int(worst(ran.compared) in _LEVELS[fail_on])


def _named(words: Sequence[str], fronts: Sequence[str], backs: Sequence[str], lb: Sequence[str]) -> Sources:
    """One side, or both; more than two captures without more words are of one."""
    if len(words) > 2 and not (fronts or backs or lb):
        return sources.Sources((tuple(words),), ())
    return sources.named(words, fronts, backs, lb)


def _captured(
    named: Sources, key_logs: tuple[str, ...], choice: Choice
) -> tuple[list[Captured], list[Captured], frozenset[str]]:
    """What is asked for of what was captured, what is beyond the limit, and all addresses there."""
    from wsanalyze.failure import CaptureError  # noqa: PLC0415
    from wsanalyze.replay import captured  # noqa: PLC0415

    sides: list[Tables]
    alone = inputs.one_side(named, key_logs)
    if alone is not None:
        rows, sides = captured.of_side(alone), [alone]
    else:
        analysis = inputs.analyze(named, key_logs=key_logs)
        rows, sides = captured.of_analysis(analysis), [analysis.front, analysis.back]
    _check(rows, sides, choice)
    chosen = choice.of(rows)
    if not len(chosen) and len(rows):
        click.echo("wsanalyze: note: nothing in the capture is what was asked for.", err=True)
    from_back = int((chosen["side"] == "back").sum())
    if from_back:
        click.echo(
            f"wsanalyze: note: {from_back} of {len(chosen)} exchanges are not on the front: they are sent as the load balancer sent "
            "them on the back. Where the front is TLS, --keylog FILE lets it be read.",
            err=True,
        )
    try:
        found = list(captured.read(chosen.head(choice.limit), *sides))
        beyond = list(captured.unread(chosen.iloc[choice.limit :]))
    except CaptureError as error:
        raise Failure(error.file, error.message, error.hint) from None
    return found, beyond, captured.addresses(sides)


def _check(rows: pd.DataFrame, sides: Sequence[Tables], choice: Choice) -> None:
    """Raises Failure where nothing can be read, or what was named is not there."""
    from wsanalyze.completeness import sealed  # noqa: PLC0415

    unread = sum(int(sealed(tables.connections).sum()) for tables in sides)
    if not len(rows) and unread:
        raise Failure(
            sides[0].frames.files[0],
            f"no request can be read: {unread} connections are TLS",
            "Name the secrets: --keylog FILE.",
        )
    missing = sorted(set(choice.ids) - set(rows["id"]))
    if missing:
        ids = list(rows["id"])
        known = ", ".join(ids if len(ids) <= MAX_NAMED else [*ids[:MAX_NAMED], "…"]) or "none"
        raise Failure(None, f"there is no {missing[0]} in the capture", f"There are: {known}.")


def _with(plan: Plan, left_out: list[Captured], choice: Choice) -> Plan:
    """The plan with those that are too many for it."""
    from dataclasses import replace  # noqa: PLC0415

    from wsanalyze.replay.model import NotSent  # noqa: PLC0415

    why = f"only {choice.limit} exchanges are replayed: --limit says how many"
    return replace(plan, not_sent=(*plan.not_sent, *(NotSent(one, why) for one in left_out)))


def _checked(target: Target, captured: frozenset[str]) -> Target:
    """The target with its addresses. Raises Failure where it may be what was captured: a machine in production."""
    from wsanalyze.replay.run import captured_addresses, looked_up  # noqa: PLC0415

    try:
        target = looked_up(target)
    except (OSError, UnicodeError):
        raise Failure(
            None, f"the name of the target {target} is not known", "Check it, or use --resolve HOST:ADDR."
        ) from None
    found = captured_addresses(target, captured)
    if found:
        raise Failure(
            None,
            f"the target {target} is in the capture ({', '.join(found)}): it may be in production",
            "Name a test router, or insist: --allow-captured-target.",
        )
    return target


def _run(
    plan: Plan,
    target: Target | None,
    settings: Settings,
    read: tuple[str, ...],
    *,
    baseline: bool,
    write: str | None,
) -> Ran:
    from wsanalyze.failure import CaptureError  # noqa: PLC0415
    from wsanalyze.replay.recording import Recording  # noqa: PLC0415
    from wsanalyze.replay.run import replay as run  # noqa: PLC0415
    from wsanalyze.replay.sending import TapError  # noqa: PLC0415

    count = sum(len(connection.requests) for connection in plan.connections) * (2 if baseline else 1)
    try:
        with (
            progress.counted("Replaying", count) as tell,
            Recording(write, read) if write is not None else contextlib.nullcontext() as recording,
        ):
            return run(plan, target, settings, baseline=baseline, recording=recording, progress=tell)
    except CaptureError as error:
        raise Failure(error.file, error.message, error.hint) from None
    except TapError as error:
        raise Failure(write, f"cannot be written: {error}") from None
    except ValueError as error:
        raise Failure(None, str(error)) from None


def _text(ran: Ran, format_: str, output_: str | None, *, show_secrets: bool) -> str:
    if format_ == "json":
        from wsanalyze.report import replay_json  # noqa: PLC0415

        return replay_json.render(ran.compared, ran.where, show_secrets=show_secrets)
    from wsanalyze.report import replay as table  # noqa: PLC0415

    return table.render(ran.compared, ran.where, **_screen(output_), show_secrets=show_secrets)


def _plan_text(plan: Plan, where: str, format_: str, output_: str | None, *, show_secrets: bool) -> str:
    if format_ == "json":
        from wsanalyze.report import replay_json  # noqa: PLC0415

        return replay_json.render_plan(plan, where, show_secrets=show_secrets)
    from wsanalyze.report import replay_plan  # noqa: PLC0415

    return replay_plan.render_plan(plan, where, **_screen(output_), show_secrets=show_secrets)


def _screen(output_: str | None) -> dict[str, Any]:
    to_terminal = output_ in {None, output.STANDARD_STREAM}
    return {"width": output.width(), "colour": to_terminal and output.wants_colour()}
