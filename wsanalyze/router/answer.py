"""What the router answers, before it is written as HTTP/1.1 or HTTP/2."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from wsanalyze.router.request import Headers

PLAIN: Headers = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
"""Of texts, as Go's `http.Error` sends them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A final response, or the 101."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    router_error: str | None = None
    """X-Cf-Routererror: the router itself answered, no app did."""


def phrase(status: int) -> str:
    """The reason phrase; empty for a status that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def plain(status: int, text: str, *more: tuple[str, str]) -> Answer:
    """A line of text."""
    return Answer(status, (*PLAIN, *more), f"{text}\n".encode("latin-1", "replace"))
