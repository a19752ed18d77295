"""The options of `wsanalyze replay`, by what they are about; takes their values, gives what they ask for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from wsanalyze.replay.edits import Edits
    from wsanalyze.replay.plan import Bounds, Choice
    from wsanalyze.replay.sending import Settings, Target

MAX_CONCURRENCY = 1000
MAX_REPEAT = 1000

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 5.6.2."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _all(*options: Decorator) -> Decorator:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _positive(_: click.Context, parameter: click.Parameter, value: float) -> float:
    if not 0 < value < 1e9:
        raise click.BadParameter(f"expected more than 0; got {value}", param=parameter)
    return value


def _speed(_: click.Context, __: click.Parameter, value: str) -> float:
    if value == "max":
        return float("inf")
    try:
        speed = float(value)
    except ValueError:
        speed = 0
    if not 1e-3 <= speed <= 1e6:
        raise click.BadParameter(f"expected how many times as fast, such as 2 or 0.5, or max; got {value!r}")
    return speed


def _name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise click.BadParameter(f"expected the name of a header; got {text!r}")
    return text


def _value(text: str) -> str:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        raise click.BadParameter(f"headers hold no such characters: {text!r}") from None
    if any(character in text for character in "\r\n\0"):
        raise click.BadParameter(f"a header is one line; got {text!r}")
    return text.strip()


def _headers(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found = []
    for value in values:
        name, colon, text = value.partition(":")
        if not colon:
            raise click.BadParameter(f"expected 'Name: value'; got {value!r}")
        found.append((_name(name.strip()), _value(text)))
    return tuple(found)


def _names(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_name(value.strip()) for value in values)


def _host(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    return None if value is None else _value(value)


def _methods(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _TOKEN.fullmatch(value):
            raise click.BadParameter(f"expected a method, such as POST; got {value!r}")
    # Methods are case-sensitive (RFC 9110 9.1); those that people mean are in capitals.
    return tuple(value.upper() for value in values)


def _ids(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    ids = tuple(part.strip() for value in values for part in value.split(","))
    for one in ids:
        if not re.fullmatch(r"[hr]\d+", one):
            raise click.BadParameter(f"expected an ID, such as h1 or r3; got {one!r}")
    return ids


target = _all(
    click.option("--target", "target_", metavar="URL",
                 help="Where to send it: http://, https://, ws://, wss://, or host:port. [default: a test router of its own]"),
    click.option("--resolve", multiple=True, metavar="HOST:ADDR", help="Connect to ADDR for HOST."),
    click.option("--sni", metavar="NAME", help="The server's name for TLS, instead of the target's host."),
    click.option("--cafile", metavar="FILE", type=click.Path(path_type=Path), help="Certificates that are trusted (PEM)."),
    click.option("--insecure", is_flag=True, help="Trust any certificate."),
    click.option("--http", "http", type=click.Choice(["auto", "1.1"]), default="auto", show_default=True,
                 help="auto: as captured; 1.1: also what came by HTTP/2, an extended CONNECT as a GET with Upgrade."),
)  # fmt: skip
choice = _all(
    click.option("--only", type=click.Choice(["handshakes", "requests"]), help="Only these."),
    click.option("--id", "ids", multiple=True, metavar="ID", callback=_ids, help="Only this one, such as h1 or r3; several by commas or times."),
    click.option("--host", "hosts", multiple=True, metavar="HOST", help="Only what was asked of this host; * stands for anything."),
    click.option("--path", "paths", multiple=True, metavar="PATH", help="Only what was asked for this path; * stands for anything."),
    click.option("--limit", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, metavar="N",
                 help="How many exchanges are replayed at most."),
)  # fmt: skip
pace = _all(
    click.option("--speed", metavar="FACTOR|max", callback=_speed, default="1", show_default=True,
                 help="How many times as fast as captured; max: without any pause."),
    click.option("--max-gap", type=click.FloatRange(0, 86400), default=1.0, show_default=True, metavar="SECONDS",
                 help="Longer pauses are shortened to it."),
    click.option("--concurrency", type=click.IntRange(1, MAX_CONCURRENCY), default=10, show_default=True, metavar="N",
                 help="Connections that are open at once."),
    click.option("--rate", type=float, callback=_positive, default=100.0, show_default=True, metavar="N",
                 help="New connections a second, at most."),
    click.option("--repeat", type=click.IntRange(1, MAX_REPEAT), default=1, show_default=True, metavar="N", help="How often."),
    click.option("--timeout", type=float, callback=_positive, default=10.0, show_default=True, metavar="SECONDS",
                 help="For each: a connection, an answer, a message that is waited for."),
    click.option("--gate", type=click.Choice(["messages", "time"]), default="messages", show_default=True,
                 help="What a client's message waits for: the server's messages that it followed, or its time."),
)  # fmt: skip
edits = _all(
    click.option("--keep-key", is_flag=True, help="Send the captured Sec-WebSocket-Key."),
    click.option("--host-header", metavar="HOST", callback=_host, help="Send this Host."),
    click.option("--set-header", "set_headers", multiple=True, metavar="'NAME: VALUE'", callback=_headers,
                 help="Set a header; may be given several times."),
    click.option("--remove-header", "removed", multiple=True, metavar="NAME", callback=_names, help="Leave a header out."),
    click.option("--as-lb", is_flag=True, help="Add X-Forwarded-For and X-Forwarded-Proto, as the load balancer should have."),
    click.option("--proxy-protocol", type=click.Choice(["v1", "v2"]), help="Begin connections with a PROXY header that names the captured client."),
)  # fmt: skip
safety = _all(
    click.option("--send-credentials", is_flag=True,
                 help="Send Authorization, Cookie and tokens, which are left out or masked otherwise."),
    click.option("--allow-method", "methods", multiple=True, metavar="METHOD", callback=_methods,
                 help="Also replay requests of this method; GET, HEAD and OPTIONS are anyway."),
    click.option("--allow-captured-target", is_flag=True, help="Send to a target even if it appears in the capture."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options ask for."""

    target: Target | None
    choice: Choice
    edits: Edits
    bounds: Bounds
    settings: Settings
    repeat: int
    allow_captured_target: bool

    @classmethod
    def of(cls, options: dict[str, Any]) -> Asked:
        """From the options' values. Raises UsageError where they do not go together."""
        from wsanalyze.replay.edits import Edits  # noqa: PLC0415
        from wsanalyze.replay.plan import SAFE, Bounds, Choice  # noqa: PLC0415
        from wsanalyze.replay.sending import Settings  # noqa: PLC0415

        target_ = _target(options)
        proxy = options["proxy_protocol"]
        return cls(
            target=target_,
            choice=Choice(options["only"], options["ids"], options["hosts"], options["paths"], options["limit"]),
            edits=Edits(
                keep_key=options["keep_key"],
                host=options["host_header"],
                set_=options["set_headers"],
                removed=options["removed"],
                as_lb=options["as_lb"],
                send_credentials=options["send_credentials"],
                proxy_protocol=int(proxy[1]) if proxy else None,
                http2=options["http"] == "auto",
                secure=target_ is not None and target_.scheme == "https",
            ),
            bounds=Bounds(SAFE | set(options["methods"]), options["max_gap"]),
            settings=Settings(
                speed=options["speed"],
                max_gap=options["max_gap"],
                concurrency=options["concurrency"],
                timeout=options["timeout"],
                gate=options["gate"],
                max_rate=options["rate"],
            ),
            repeat=options["repeat"],
            allow_captured_target=options["allow_captured_target"],
        )


def _target(options: dict[str, Any]) -> Target | None:
    if options["target_"] is None:
        given = [f"--{name}" for name in ("resolve", "sni", "cafile", "insecure") if options[name]]
        if given:
            raise click.UsageError(f"{given[0]} says how to reach a target: name it by --target.")
        return None
    from wsanalyze.replay.sending import parse_target  # noqa: PLC0415

    path = options["target_"].partition("://")[2].partition("/")[2]
    if path:
        click.echo(f"wsanalyze: note: the target's path, /{path}, is not used: requests keep their own.", err=True)

    try:
        return parse_target(
            options["target_"],
            resolve=options["resolve"],
            sni=options["sni"],
            cafile=options["cafile"],
            insecure=options["insecure"],
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
