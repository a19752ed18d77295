"""The command `wsanalyze` and what all its commands share: errors in one line, exit codes, pipes that close."""

from __future__ import annotations

import io
import sys
import traceback
from typing import NoReturn

import click

from wsanalyze import __version__
from wsanalyze.cli import output
from wsanalyze.cli.errors import BAD_INPUT, INTERRUPTED, Failure, report
from wsanalyze.cli.explain import explain
from wsanalyze.cli.pcap import pcap
from wsanalyze.cli.replay import replay
from wsanalyze.cli.router import router
from wsanalyze.cli.show import show

INTERNAL_ERROR = 70
"""EX_SOFTWARE of sysexits.h: nobody may take a mistake of this program for a finding."""

EPILOG = """\b
Examples:
  wsanalyze pcap lb-front.pcap lb-back.pcap
  wsanalyze pcap lb-front.pcap lb-back.pcap --format json -o result.json
  wsanalyze show lb-front.pcap lb-back.pcap h1
  wsanalyze explain stripped

\b
Exit status: 0 nothing at or above --fail-on, 1 something was, 2 bad usage or unusable input.

\b
Shell completion, for ~/.bashrc (zsh: zsh_source, fish: fish_source):
  eval "$(_WSANALYZE_COMPLETE=bash_source wsanalyze)"
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
wsanalyze.add_command(replay)
wsanalyze.add_command(explain)
wsanalyze.add_command(router)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command and end with its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _show_what_cannot_be_encoded()
    try:
        status = wsanalyze.main(arguments, prog_name="wsanalyze", standalone_mode=False)
        output.flush()
    except (KeyboardInterrupt, click.Abort):
        click.echo("wsanalyze: interrupted", err=True)
        status = INTERRUPTED
    except Failure as failure:
        status = report(failure, arguments)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        status = BAD_INPUT
    except click.ClickException as error:
        status = report(Failure.of_usage(error), arguments)
    except OSError as error:
        status = report(_of_system(error), arguments)
    except Exception:  # noqa: BLE001
        status = _internal_error()
    sys.exit(status if isinstance(status, int) else 0)


def _show_what_cannot_be_encoded() -> None:
    """A terminal that knows no arrows gets escapes instead of nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _of_system(error: OSError) -> Failure:
    """What no command expected: mostly that the help, which click prints, cannot be printed."""
    if error.filename is not None:
        return Failure(str(error.filename), error.strerror or str(error))
    output.silence()
    return Failure(None, f"standard output cannot be written: {error.strerror or error}")


def _internal_error() -> int:
    """Print where it happened. What a capture holds may be in the message."""
    from wsanalyze.report.escape import visible  # noqa: PLC0415

    for line in traceback.format_exc().splitlines():
        click.echo(visible(line), err=True)
    click.echo("wsanalyze: error: this is a mistake of wsanalyze, not of the input. Please report it.", err=True)
    return INTERNAL_ERROR
