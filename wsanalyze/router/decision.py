"""Takes a request, gives what is done with it: as an app behind a Gorouter would, unless the settings or the path order otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from websockets.extensions import Extension

from wsanalyze.router import handshake, orders, received, router_errors, talks
from wsanalyze.router.answer import Answer, phrase, plain
from wsanalyze.router.conversation import Talk
from wsanalyze.router.orders import Behaviour, Ordered
from wsanalyze.router.request import Request
from wsanalyze.router.settings import Settings

_NONE: Final = Behaviour("")
"""Nothing is ordered."""
_LONGEST_APP: Final = 100
"""Characters of a name that goes out with every message: a GUID has 36."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done."""

    answer: Answer | None
    """None: nothing is answered."""
    talk: Talk | None = None
    """On the WebSocket that the answer opens."""
    extensions: list[Extension] = field(default_factory=list)
    wait: float = 0.0
    """Seconds before the answer."""
    cut: float | None = None
    """Seconds after the answer when the connection is cut."""


def decide(request: Request, settings: Settings) -> Decision:
    """Router errors come first, as they do in a Gorouter, then behaviours, then the app."""
    if not request.host:
        return Decision(router_errors.answer(router_errors.EMPTY_HOST, ""))
    if request.body_bytes > settings.limits.body:
        return Decision(plain(413, "Content Too Large"))
    try:
        ordered = orders.in_path(request.path)
    except ValueError as error:
        return Decision(plain(400, f"Bad Request: {error}"))
    asks = not handshake.missing(request)
    behaviour = ordered.behaviour or (settings.behaviour if asks else None) or _NONE
    if behaviour.name == "strip" and asks:
        asks = False
        # What an intermediary removes that does not know Upgrade (RFC 9110 7.6.1), and the pseudo-header field likewise.
        request = request.without("upgrade", "connection", ":protocol")
    failed = ordered.router_error or settings.router_error
    if failed and (asks or failed != router_errors.ROUTE_SERVICE):
        return Decision(router_errors.answer(failed, request.host))
    if behaviour.name == "silent":
        return Decision(None)
    return replace(
        _answered(request, asks, behaviour, ordered, settings),
        wait=behaviour.value or 0.0 if behaviour.name == "slow" else 0.0,
        cut=behaviour.value if behaviour.name == "cut" else None,
    )


def _answered(request: Request, asks: bool, behaviour: Behaviour, ordered: Ordered, settings: Settings) -> Decision:
    """What the app says. `asks`: for a WebSocket."""
    if behaviour.name == "refuse" and behaviour.value is not None:
        status = int(behaviour.value)
        return Decision(plain(status, f"{status} {phrase(status)}".strip()))
    if not asks:
        return Decision(_page(request, ordered, settings))
    verdict = handshake.judge(request, settings.subprotocols)
    if not verdict.accepted:
        return Decision(verdict.answer)
    talk = talks.terminated(behaviour.value) if behaviour.name == "terminate" else _talk(ordered, settings)
    return Decision(verdict.answer, talk, verdict.extensions)


def _page(request: Request, ordered: Ordered, settings: Settings) -> Answer:
    """What an app answers to a request that is no handshake."""
    if request.method == "CONNECT":
        # 2xx would open a tunnel (RFC 9110 9.3.6, RFC 8441 5).
        return plain(405, "Method Not Allowed", ("Allow", "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"))
    if _only_websocket(ordered):
        # What Loggregator says, and by what a stripped upgrade is known.
        return plain(400, "Bad Request", ("Sec-Websocket-Version", "13"))
    told = received.report(request, lacks=handshake.missing(request), show_secrets=settings.show_secrets)
    return Answer(200, (("Content-Type", "application/json"),), told)


def _only_websocket(ordered: Ordered) -> bool:
    """`/ws…`, and the streams of logs."""
    return ordered.words[:1] == ("ws",) or _stream(ordered) is not None


def _talk(ordered: Ordered, settings: Settings) -> Talk:
    app = _stream(ordered)
    return talks.ECHO if app is None else talks.logs(app, settings.rate)


def _stream(ordered: Ordered) -> str | None:
    """The app whose logs are streamed at Loggregator's paths: `/apps/GUID/stream`, any other `/…/stream`, `/firehose/ID`."""
    words = ordered.words
    if words[:1] == ("firehose",) and len(words) > 1:
        return "firehose"
    if words[-1:] == ("stream",):
        return words[1][:_LONGEST_APP] if words[0] == "apps" and len(words) > 2 else "app"
    return None
