"""Stories that several reports are tried with."""

from __future__ import annotations

from pathlib import Path

from tests.cases.wire import ACK, CLIENT, LB_BACK, ROUTER, RST, SYN, Story, answer, close, frame, handshake, switching
from wsanalyze.analysis import Analysis
from wsanalyze.evidence.difference import difference
from wsanalyze.evidence.heads import heads
from wsanalyze.report import ladder

SECRET = "s3cret"  # noqa: S105


def stripped() -> Story:
    """A handshake that loses its upgrade, with secrets in it; an ordinary request that is in order."""
    story = Story()
    front, back = story.front(), story.back()
    front.ask(handshake(f"/chat?token={SECRET}", Cookie=f"id={SECRET}"))
    back.ask(
        handshake(
            f"/chat?token={SECRET}", Upgrade=None, Connection="close", Cookie=f"id={SECRET}", X_Forwarded_For=CLIENT
        )
    )
    back.reply(answer(400, b"no")).end(by_client=False)
    front.reply(answer(400, b"no", Server="lb")).end()
    story.page("/page")
    return story


def passed() -> Story:
    """A handshake that is established, talks and closes."""
    story = Story(offset=3.5)
    front, back = story.front(), story.back()
    front.ask(handshake("/chat"))
    back.ask(handshake("/chat", Via="lb")).reply(answer(103)).reply(switching())
    front.reply(switching())
    front.ask(frame(b"hello", masked=True))
    back.ask(frame(b"hello", masked=True)).reply(frame(b"hi", masked=False))
    front.reply(frame(b"hi", masked=False)).ask(close(masked=True)).end()
    back.ask(close(masked=True)).end()
    story.page("/page")
    return story


def unreachable() -> Story:
    """A router that refuses the connection."""
    story = Story()
    story.page("/before")
    front = story.front()
    front.ask(handshake("/chat"))
    knock = story.tcp("back", LB_BACK, ROUTER, 80)
    knock.packet(True, SYN)
    knock.packet(False, RST | ACK)
    front.reply(answer(503)).end()
    story.page("/after")
    return story


def page_of(analysis: Analysis, folder: Path, *, width: int = 80, show_secrets: bool = False) -> str:
    """What `show` prints of the first handshake, with a short name for the folder."""
    row = analysis.handshakes.iloc[0].to_dict()
    found = heads(analysis, row)
    text = ladder.render(
        analysis,
        row,
        difference(found.front_request, found.back_request),
        difference(found.front_response, found.back_response, answer=True),
        width=width,
        show_secrets=show_secrets,
    )
    return text.replace(str(folder), "D")
