"""`wsanalyze explain`: the manual."""

from __future__ import annotations

import click

from wsanalyze.cli import output
from wsanalyze.cli.errors import Failure

EPILOG = """\b
Examples:
  wsanalyze explain
  wsanalyze explain stripped
  wsanalyze explain re-originated
  wsanalyze explain x-forwarded-for-missing
"""


@click.command(epilog=EPILOG, short_help="What a verdict or a rule means, and what to change.")
@click.argument("name", required=False, metavar="[RULE|VERDICT]")
def explain(name: str | None) -> int:
    """Tell what a verdict or a rule means, why it matters and what to change on the load balancer.

    Without a name: all of them, one line each.
    """
    from wsanalyze import explanations  # noqa: PLC0415

    try:
        text = explanations.overview() if name is None else explanations.explain(name)
    except KeyError as error:
        close = ", ".join(map(str, error.args))
        hint = f"Did you mean {close}?" if close else "`wsanalyze explain` lists all."
        raise Failure(None, f"there is no rule or verdict named {name!r}", hint) from None
    output.write(text, None, ())
    return 0
