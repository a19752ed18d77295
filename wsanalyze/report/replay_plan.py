"""Takes the plan of a replay, gives the text that tells what would be sent where, and what would not."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.text import Text

from wsanalyze.replay.fields import asked
from wsanalyze.replay.model import Connection, Plan, Request
from wsanalyze.report.escape import target, visible
from wsanalyze.report.replay import screen_of, text_of
from wsanalyze.report.replay_json import head_lines

_KINDS = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
"""RFC 6455 11.8."""


def render_plan(plan: Plan, where: str, *, width: int = 100, colour: bool = False, show_secrets: bool = False) -> str:
    """All that would be sent, connection by connection, and what not, with the reason. Heads keep their lines as they are."""
    screen = screen_of(width, colour=colour)
    screen.print(Text(_sum(plan, target(where, show_secrets=show_secrets)), style="bold"))
    for connection in plan.connections:
        screen.print()
        screen.print(Text(_opening(connection), style="cyan"))
        for request in connection.requests:
            _request(screen, request, show_secrets=show_secrets)
    if plan.not_sent:
        screen.print()
        screen.print(Text("not sent", style="yellow"))
    for one in plan.not_sent:
        request_ = asked(one.captured.head)
        path = target(request_.target, show_secrets=show_secrets)
        _print(
            screen,
            f"  {visible(one.captured.id)}  {visible(request_.method or '-')} {path}: {target(one.why, show_secrets=show_secrets)}",
        )
    return text_of(screen)


def _sum(plan: Plan, where: str) -> str:
    requests = [request for connection in plan.connections for request in connection.requests]
    handshakes = sum(request.captured.handshake for request in requests)
    parts = [
        f"{count} {name}{'s' if count != 1 else ''}"
        for count, name in ((handshakes, "handshake"), (len(requests) - handshakes, "request"))
        if count
    ]
    opened = len(plan.connections)
    if not parts:
        told = f"Nothing would be sent to {where}"
    else:
        on = f"on {opened} connection{'s' if opened != 1 else ''}"
        told = f"{' and '.join(parts)} would be sent to {where} {on}"
    left = len(plan.not_sent)
    return f"{told}{f'; {left} would not be sent' if left else ''}. This is the plan: nothing was sent."


def _opening(connection: Connection) -> str:
    version = "HTTP/2" if connection.http2 else "HTTP/1.x"
    first = connection.proxy_header
    proxy = f"; first a PROXY protocol header of {len(first)} bytes" if first else ""
    return f"connection {connection.number}  after {connection.start:.3f} s  {version}{proxy}"


def _request(screen: Console, request: Request, *, show_secrets: bool) -> None:
    pause = f"  after a pause of {request.pause:.3f} s" if request.pause > 0 else ""
    kind = "handshake" if request.captured.handshake else "request"
    screen.print(Text(f"  {visible(request.id)}  {kind}{pause}"))
    for line in head_lines(request, show_secrets=show_secrets):
        _print(screen, f"    {visible(line)}")
    if request.body:
        _print(screen, f"    + a body of {len(request.body)} bytes")
    if request.captured.handshake:
        _print(screen, f"    {_frames(request)}")


def _frames(request: Request) -> str:
    steps = request.steps
    end = "a close handshake" if request.closes else "nothing more"
    if not steps:
        return f"then, once established: {end}"
    kinds = Counter(_KINDS.get(step.opcode, f"opcode {step.opcode}") for step in steps)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    size = sum(len(step.payload) for step in steps)
    pauses = [step.pause for step in steps]
    waits = f"pauses of {sum(pauses):.3f} s, the longest {max(pauses):.3f} s"
    last = max(step.follows for step in steps)
    gate = f"; the last after {last} of the server's messages" if last else ""
    return f"then, once established: {len(steps)} frame{'s' if len(steps) > 1 else ''} ({told}; {size} bytes; {waits}{gate}), then {end}"


def _print(screen: Console, line: str) -> None:
    """A line that is not broken."""
    screen.print(Text(line), soft_wrap=True)
