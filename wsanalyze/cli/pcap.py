"""`wsanalyze pcap`: the main job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from wsanalyze.cli import inputs, output, sources

if TYPE_CHECKING:
    from wsanalyze.filters import Moment

if TYPE_CHECKING:
    from wsanalyze.box import Box

_LEVELS = {"error": {"error"}, "warning": {"error", "warning"}, "never": set[str]()}

EPILOG = """\b
Examples:
  wsanalyze pcap lb-front.pcap lb-back.pcap
  wsanalyze pcap --front lb1-*.pcapng lb2-*.pcapng --back router-*.pcap
  wsanalyze pcap any.pcap --lb 203.0.113.1 --lb 10.244.0.1
  wsanalyze pcap lb-front.pcap lb-back.pcap --host '*.apps.test' --since +90s
  wsanalyze pcap lb-front.pcapng.gz lb-back.pcap.zst --format json -o result.json
  ssh lb tcpdump -w - 'port 80' | wsanalyze pcap - lb-back.pcap
  wsanalyze pcap lb-front.pcap lb-back.pcap --keylog keys.txt
  wsanalyze pcap lb-front.pcap lb-back.pcap --web-port 80,443,8080 --fail-on warning
  wsanalyze pcap lb-to-gorouter.pcap gorouter-to-app.pcap --judged gorouter
"""


@click.command(cls=sources.Command, epilog=EPILOG, short_help="Judge captures of both sides: the main job.")
@sources.captures()
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What to write.",
)
@click.option(
    "-o", "--output", "output_", metavar="FILE", type=click.Path(), help="Write to FILE instead of standard output."
)
@inputs.ports(
    "--web-port", "web_ports", default="80,443", show_default=True,
    help="Ports on which missing X-Forwarded-* headers are errors.",
)  # fmt: skip
@click.option("--fail-on", type=click.Choice(["error", "warning", "never"]), default="error", show_default=True,
              help="Lowest severity of a finding that makes the exit status 1.")  # fmt: skip
@inputs.filters
@inputs.key_logs
@inputs.show_secrets
@inputs.clock_offset
@inputs.box
def pcap(
    words: tuple[str, ...],
    *,
    fronts: tuple[str, ...],
    backs: tuple[str, ...],
    lb: tuple[str, ...],
    format_: str,
    output_: str | None,
    web_ports: tuple[int, ...],
    fail_on: str,
    shown_ports: tuple[int, ...],
    hosts: tuple[str, ...],
    since: Moment | None,
    until: Moment | None,
    key_logs: tuple[str, ...],
    show_secrets: bool,
    clock_offset: float | None,
    box: Box | None,
) -> int:
    """Tell what the load balancer did with each WebSocket handshake.

    FRONT was captured between the clients and the load balancer, BACK between the load balancer and the routers. Either may be a
    file, a directory, a quoted pattern, or `-`, standard input; rotated files are read as one capture. BOTH holds both legs: --lb
    says whose, or it is found in the traffic. pcap and pcapng, also compressed with gzip or zstd. TLS is decrypted with the secrets
    that --keylog names and those that a pcapng file carries.

    Where FRONT was captured between the load balancer and a Gorouter, and BACK between that and the apps, the Gorouter is judged.
    """
    from wsanalyze.filters import Filter  # noqa: PLC0415

    named = sources.named(words, fronts, backs, lb)
    output.check(output_, (*named.names, *key_logs))
    only = Filter(shown_ports, hosts, since, until)
    analysis = inputs.analyze(
        named, web_ports=web_ports, clock_offset=clock_offset, key_logs=key_logs, only=only, box=box
    )
    read = (*analysis.front.frames.files, *analysis.back.frames.files, *key_logs)
    if format_ == "json":
        from wsanalyze.report import json  # noqa: PLC0415

        text = json.render(analysis, show_secrets=show_secrets)
    else:
        from wsanalyze.report import table  # noqa: PLC0415

        to_terminal = output_ in {None, output.STANDARD_STREAM}
        text = table.render(
            analysis,
            width=output.width(),
            colour=to_terminal and output.wants_colour(),
            show_secrets=show_secrets,
            again=named.again(*_again(key_logs, box, clock_offset, show_secrets=show_secrets)),
        )
    output.write(text, output_, read)
    return int(any(finding.severity in _LEVELS[fail_on] for finding in analysis.findings))


def _again(
    key_logs: Sequence[str], box: Box | None, clock_offset: float | None, *, show_secrets: bool
) -> Iterator[str]:
    """The options that another look at the same needs as well."""
    for name in key_logs:
        yield from ("--keylog", name)
    if box:
        yield from ("--judged", box)
    if clock_offset is not None:
        yield from ("--clock-offset", f"{clock_offset:g}")
    if show_secrets:
        yield "--show-secrets"
