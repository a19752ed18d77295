"""`wsanalyze pcap`: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wsanalyze.cli import inputs, output

if TYPE_CHECKING:
    from wsanalyze.box import Box

_LEVELS = {"error": {"error"}, "warning": {"error", "warning"}, "never": set[str]()}

EPILOG = """\b
Examples:
  wsanalyze pcap lb-front.pcap lb-back.pcap
  wsanalyze pcap lb-front.pcapng.gz lb-back.pcap.zst --format json -o result.json
  ssh lb tcpdump -w - 'port 80' | wsanalyze pcap - lb-back.pcap
  wsanalyze pcap lb-front.pcap lb-back.pcap --keylog keys.txt
  wsanalyze pcap lb-front.pcap lb-back.pcap --web-port 80,443,8080 --fail-on warning
  wsanalyze pcap lb-to-gorouter.pcap gorouter-to-app.pcap --judged gorouter
"""


def _ports(_: click.Context, __: click.Parameter, value: str) -> tuple[int, ...]:
    ports = [part.strip() for part in value.split(",")]
    if not all(port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536 for port in ports):
        raise click.BadParameter(f"expected ports joined by commas, such as 80,443; got {value!r}")
    return tuple(int(port) for port in ports)


@click.command(epilog=EPILOG, short_help="Judge two captures: the main job.")
@inputs.captures
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
@click.option("--web-port", "web_ports", callback=_ports, default="80,443", show_default=True, metavar="PORTS",
              help="Ports on which missing X-Forwarded-* headers are errors.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["error", "warning", "never"]), default="error", show_default=True,
              help="Lowest severity of a finding that makes the exit status 1.")  # fmt: skip
@inputs.key_logs
@inputs.show_secrets
@inputs.clock_offset
@inputs.box
def pcap(
    front: str,
    back: str,
    *,
    format_: str,
    output_: str | None,
    web_ports: tuple[int, ...],
    fail_on: str,
    key_logs: tuple[str, ...],
    show_secrets: bool,
    clock_offset: float | None,
    box: Box | None,
) -> int:
    """Tell what the load balancer did with each WebSocket handshake.

    FRONT was captured between the clients and the load balancer, BACK between the load balancer and the routers. Either may be `-`,
    standard input. pcap and pcapng, also compressed with gzip or zstd. TLS is decrypted with the secrets that --keylog names and those
    that a pcapng file carries.

    Where FRONT was captured between the load balancer and a Gorouter, and BACK between that and the apps, the Gorouter is judged.
    """
    output.check(output_, (front, back, *key_logs))
    analysis = inputs.analyze(front, back, web_ports=web_ports, clock_offset=clock_offset, key_logs=key_logs, box=box)
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
            key_logs=key_logs,
            judged=box,
        )
    output.write(text, output_, (front, back, *key_logs))
    return int(any(finding.severity in _LEVELS[fail_on] for finding in analysis.findings))
