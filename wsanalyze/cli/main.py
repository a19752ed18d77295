"""The command `wsanalyze` and what all its commands share: errors in one line, exit codes, pipes that close."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from wsanalyze import __version__
from wsanalyze.cli.errors import Failure, report
from wsanalyze.cli.explain import explain
from wsanalyze.cli.pcap import pcap
from wsanalyze.cli.show import show

EPILOG = """\b
Examples:
  wsanalyze pcap lb-front.pcap lb-back.pcap
  wsanalyze pcap lb-front.pcap lb-back.pcap --format json -o result.json
  wsanalyze show lb-front.pcap lb-back.pcap h1
  wsanalyze explain stripped

\b
Exit status: 0 nothing at or above --fail-on, 1 something was, 2 bad usage or unusable input.
Shell completion: eval "$(_WSANALYZE_COMPLETE=bash_source wsanalyze)", or zsh_source, fish_source.
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wsanalyze")
def wsanalyze() -> None:
    """Tell what the load balancer did with each WebSocket handshake.

    Takes two captures, one from each side of a load balancer, and tells for every WebSocket handshake whether it was passed
    through, terminated, stripped or blocked, with the frames that prove it.
    """


wsanalyze.add_command(pcap)
wsanalyze.add_command(show)
wsanalyze.add_command(explain)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command and end with its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = wsanalyze.main(arguments, prog_name="wsanalyze", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has gone; the interpreter must not complain about that when it flushes again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except (KeyboardInterrupt, click.Abort):
        click.echo("wsanalyze: interrupted", err=True)
        status = 130
    except Failure as failure:
        status = report(failure, arguments)
    except click.ClickException as error:
        status = report(Failure.of_usage(error), arguments)
    sys.exit(status if isinstance(status, int) else 0)
