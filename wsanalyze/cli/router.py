"""`wsanalyze router`: the test router, until it is ended."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wsanalyze.cli import inputs, output
from wsanalyze.cli.errors import Failure

if TYPE_CHECKING:
    from wsanalyze.router import Behaviour, Router, Settings

MAX_LINES = 10_000
"""Lines of the log that wait for their reader; further ones are left out."""
PATIENCE = 2.0
"""Seconds at the end for the reader to take what is left."""

EPILOG = """\b
Examples:
  wsanalyze router
  wsanalyze router --port 9000 --behave refuse=503
  wsanalyze router --tls --write-cert router.pem
  wsanalyze router --host 0.0.0.0 --proxy-protocol optional

\b
Paths:
  /apps/GUID/stream, /firehose/ID  WebSocket only: a stream of log messages, as Loggregator sends it
  /ws...                           WebSocket only: echo
  /behave/BEHAVIOUR/VALUE/...      as --behave, for this request: /behave/refuse/503/page
  /router-error/ERROR/...          as --router-error, for this request
  any other                        WebSocket: echo; other requests: what was received, as JSON

\b
Behaviours:
  strip            answers as if Upgrade and Connection had been removed on the way
  terminate        accepts, speaks by itself and closes with 1000
  terminate=CODE   accepts, and closes at once with this code
  refuse=STATUS    answers with this status
  silent           never answers
  cut=SECONDS      answers, and ends the connection later, without a Close frame
  slow=SECONDS     answers later

\b
Exit status: 0 ended by SIGTERM, 130 by Ctrl-C, 2 bad usage, or it cannot listen there.
"""


def _behaviour(_: click.Context, __: click.Parameter, value: str | None) -> Behaviour | None:
    if value is None:
        return None
    from wsanalyze.router import Behaviour  # noqa: PLC0415

    try:
        return Behaviour.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_FILE = click.Path(path_type=Path)


@click.command(epilog=EPILOG, short_help="Run a test router in the image of a Gorouter.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True,
              help="Port to listen at; 0: any that is free.")  # fmt: skip
@click.option("--behave", callback=_behaviour, metavar="BEHAVIOUR", help="What is done with all handshakes, see below.")
@click.option("--router-error", type=click.Choice(["unknown_route", "route_service_unsupported", "no_endpoints", "endpoint_failure"]),
              help="Answer all requests with this X-Cf-Routererror; route_service_unsupported: all handshakes.")  # fmt: skip
@click.option("--tls", is_flag=True, help="Speak TLS, with a certificate that is made on the spot.")
@click.option("--write-cert", type=_FILE, metavar="FILE", help="Write that certificate, for clients to trust.")
@click.option("--cert", type=_FILE, metavar="FILE", help="Speak TLS with this certificate (PEM).")
@click.option("--key", type=_FILE, metavar="FILE", help="Its key, where that is in a file of its own.")
@click.option("--proxy-protocol", type=click.Choice(["off", "optional", "required"]), default="off", show_default=True,
              help="Understand PROXY protocol headers, versions 1 and 2.")  # fmt: skip
@click.option("--subprotocol", "subprotocols", multiple=True, metavar="NAME",
              help="Subprotocol to choose, in order of preference; without any: the first that is offered.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(0.01, 10_000), default=10.0, show_default=True,
              help="Messages a second on a stream of log messages.")  # fmt: skip
@click.option("--idle", type=click.FloatRange(0.1, 86400), default=900.0, show_default=True, metavar="SECONDS",
              help="End connections after so long a silence.")  # fmt: skip
@click.option("--max-connections", type=click.IntRange(1, 100_000), default=1000, show_default=True,
              help="Connections at a time.")  # fmt: skip
@inputs.show_secrets
def router(
    *,
    host: str,
    port: int,
    behave: Behaviour | None,
    router_error: str | None,
    tls: bool,
    write_cert: Path | None,
    cert: Path | None,
    key: Path | None,
    proxy_protocol: str,
    subprotocols: tuple[str, ...],
    rate: float,
    idle: float,
    max_connections: int,
    show_secrets: bool,
) -> int:
    """Run a test router in the image of a Gorouter with an app behind it.

    It accepts WebSocket handshakes (RFC 6455, and RFC 8441 over HTTP/2) and answers other requests with what it received, so
    that it shows what a load balancer in front of it does. Each request is a line of the access log on standard output, in
    Gorouter's format. Ends with Ctrl-C or SIGTERM.
    """
    import asyncio  # noqa: PLC0415

    from wsanalyze.router import Limits, ProxyProtocol, Settings  # noqa: PLC0415

    if key and not cert:
        raise click.UsageError("--key needs --cert.")
    if write_cert and (cert or not tls):
        raise click.UsageError("--write-cert needs --tls, and no --cert.")
    settings = Settings(
        behaviour=behave,
        router_error=router_error,
        proxy_protocol=ProxyProtocol(proxy_protocol),
        tls=tls,
        certificate=cert,
        key=key,
        names=(host,),
        subprotocols=subprotocols,
        rate=rate,
        show_secrets=show_secrets,
        limits=Limits(connections=max_connections, idle=idle),
    )
    asyncio.run(_run(settings, host, port, write_cert))
    return 0


async def _run(settings: Settings, host: str, port: int, write_cert: Path | None) -> None:
    """Serve until SIGTERM comes, or the log cannot be written."""
    import asyncio  # noqa: PLC0415
    from dataclasses import replace  # noqa: PLC0415

    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    log = _Log(lambda: loop.call_soon_threadsafe(ending.set))
    made = _made(replace(settings, log=log, note=_note))
    if write_cert and made.certificate:
        output.write(made.certificate.decode(), str(write_cert), ())
    try:
        async with made.serve(host, port) as (address, number):
            where = f"[{address}]" if ":" in address else address
            scheme = "https" if settings.tls or settings.certificate else "http"
            _note(f"listening at {scheme}://{where}:{number}")
            await ending.wait()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "that is no name of a host"
        raise Failure(None, f"cannot listen at {host}, port {port}: {why or error}") from None
    log.end()


class _Log:
    """Writes lines to standard output on a thread of its own: a reader that is slow keeps no connection waiting."""

    def __init__(self, failed: Callable[[], object]) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_LINES)
        self._failed, self._error = failed, ""
        self._dropped, self._gone = 0, False
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def __call__(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += not self._gone

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            data = f"{line}\n".encode(errors="backslashreplace")
            try:
                # Not by sys.stdout, whose lock would be held at the end by who waits.
                while data:
                    data = data[os.write(1, data) :]
            except BrokenPipeError:
                # A reader that has gone has seen enough.
                self._gone = True
                return
            except OSError as error:
                self._error = error.strerror or str(error)
                self._failed()
                return

    def end(self) -> None:
        """Write what is left, as far as somebody reads it. Raises Failure where the log could not be written."""
        with suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(PATIENCE)
        if self._dropped:
            _note(f"{self._dropped} lines of the log were left out: nobody read them")
        if self._error:
            raise Failure(None, f"standard output cannot be written: {self._error}")


def _made(settings: Settings) -> Router:
    from wsanalyze.router import Router  # noqa: PLC0415

    try:
        return Router(settings)
    except OSError as error:
        raise Failure(str(settings.certificate), f"no certificate with its key: {error.strerror or error}") from None


def _note(text: str) -> None:
    from wsanalyze.report.escape import visible  # noqa: PLC0415

    # Nobody has to read it.
    with suppress(OSError):
        click.echo(f"wsanalyze: {visible(text)}", err=True)
