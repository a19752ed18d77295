"""Takes a story, gives a WebSocket on both legs of it."""

from __future__ import annotations

from tests.cases.wire import Story, Tcp, frame, handshake, switching


def opened(story: Story, target: str = "/ws") -> tuple[Tcp, Tcp]:
    """A WebSocket that the load balancer passed through."""
    front, back = story.front(), story.back()
    front.ask(handshake(target))
    back.ask(handshake(target, Via="lb")).reply(switching())
    front.reply(switching())
    return front, back


def talk(front: Tcp, back: Tcp, *, seconds: float = 0, every: float = 5) -> None:
    """Messages both ways, for some time."""
    left = seconds
    while True:
        front.ask(frame(b"question", masked=True))
        back.ask(frame(b"question", masked=True)).reply(frame(b"answer", masked=False))
        front.reply(frame(b"answer", masked=False))
        if left <= 0:
            return
        front.story.wait(min(every, left))
        left -= every
