"""The screen of a replay: the answer first, nothing in it but text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.cases.wire import answer, handshake, switching
from tests.replay.exchanges import came, captured, got, page
from tests.replay.test_comparison import CAPTURED, REPLAYED
from wsanalyze.replay.comparison import compare
from wsanalyze.replay.model import Captured, NotSent, Replayed
from wsanalyze.report import replay

TARGET = "http://127.0.0.1:8080"
SECRET = "s3cret"  # noqa: S105
HOSTILE = "\x1b]52;c;cm0=\x07\x1b[2J\r\n\u202e\ud800\u2028\0\x9b1m[bold red]:boom:[/]"
SCREEN = """\
Of 3 handshakes, the router accepts 1 when it arrives with Upgrade: the LB is
the cause; 1 was established through the LB and is not without it (503
no_endpoints); 1 is established without the LB as it was with it. The only
request gets its captured answer without the LB too. 1 handshake could not be
sent (connection refused).

Replayed to http://127.0.0.1:8080: 4 of 5 exchanges: 1 worse, 1 better, 2 same,
1 not-sent.

id  result    captured         replayed         sent/got  target
h3  worse     established 101  refused 503      -         /chat
h1  better    refused 400      established 101  3/9       /chat?token=***
h2  same      established 101  established 101  -         /chat
r1  same      answered 200     answered 200     -         /page
h4  not-sent  established 101  -                -         /chat

worse  1 x  h3
  503 instead of 101: X-Cf-Routererror is no_endpoints, which means: the route
  has no running instance: check `cf app`
better  1 x  h1
  101 instead of 400: the router accepts it when it arrives with Upgrade, which
  the LB had stripped
same  1 x  h2
  established as captured (101)
same  1 x  r1
  200 as captured
not-sent  1 x  h4
  it could not be sent: connection refused

note  1 x  permessage-deflate was not accepted
"""


def test_the_screen_of_eighty_columns() -> None:
    secret = captured(400, router=400, verdict="stripped", head=handshake(f"/chat?token={SECRET}"))
    compared = [
        compare(secret, came(sent=3, received=9, notes=["permessage-deflate was not accepted"])),
        compare(captured(id_="h2"), came(id_="h2")),
        compare(captured(id_="h3"), came(503, id_="h3", headers=answer(503, X_Cf_Routererror="no_endpoints"))),
        compare(page(), got()),
        compare(captured(id_="h4"), Replayed("h4", error="connection refused")),
    ]
    assert replay.render(compared, TARGET, width=80) == SCREEN


def test_wide_screens_show_the_latency() -> None:
    text = replay.render([compare(captured(), came(latency=0.0205))], TARGET, width=120)
    assert "2.0 ms → 20 ms" in text


def test_nothing_at_all() -> None:
    assert replay.render([], TARGET) == (
        "There is nothing to replay in this capture.\n\nReplayed to http://127.0.0.1:8080: 0 of 0 exchanges.\n\n"
    )


def test_many_are_summed_up() -> None:
    many = [compare(captured(400, id_=f"h{number}"), came(400 + number % 20)) for number in range(500)]
    text = replay.render(many, TARGET)
    assert len(re.findall(r"^h\d+ ", text, re.MULTILINE)) == replay.MAX_FLOWS
    assert "… and 488 more (463 different, 25 same); --format json lists all" in text
    assert "… and 12 more reasons; --format json tells each exchange's" in text
    assert len(text.splitlines()) < 60


def hostile(text: str) -> list[tuple[Captured, Replayed | NotSent]]:
    """The text in every place that a capture or a server fills."""
    data = text.encode("utf-8", "surrogatepass")
    then = captured(
        400,
        head=b"GET " + data + b" HTTP/1.1\r\nHost: " + data,
        answer=b"HTTP/1.1 400 " + data + b"\r\nLocation: " + data,
    )
    headers = (("Location", text), ("X-Cf-Routererror", text), (text, text))
    now = Replayed("h1", "refused", 403, headers, error=text, notes=[text], subprotocol=text, extensions=text)
    return [
        (then, now),
        (replace(then, outcome=text, id=text), now),
        (then, replace(now, outcome="established", status=101, headers=())),
        (then, Replayed("h1", error=text)),
        (then, NotSent(then, text)),
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("text", [HOSTILE, HOSTILE * 3000])
def test_hostile_text_in_every_place(text: str, width: int) -> None:
    compared = [compare(then, now) for then, now in hostile(text)]
    for chosen in (compared, compared[-1:]):
        screen = replay.render(chosen, text, width=width)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800]", screen)
        assert "[boldred]:boom:" in "".join(screen.split()) or len(text) > 100
        assert all(cell_len(line) <= width for line in screen.splitlines())


@settings(max_examples=50)
@given(st.lists(st.tuples(CAPTURED, REPLAYED), max_size=4))
def test_any_results_have_a_screen(exchanges: list[tuple[Captured, Replayed]]) -> None:
    assert replay.render([compare(then, now) for then, now in exchanges], TARGET)


def test_secrets_are_shown_when_asked_for() -> None:
    where = f"http://user:{SECRET}@127.0.0.1/?token={SECRET}"
    then = captured(head=handshake(f"/chat?token={SECRET}"), answer=switching(Location=f"/?token={SECRET}"))
    now = came(error=f"at /?token={SECRET}", notes=[f"/?token={SECRET}"])
    results = [compare(then, now), compare(then, NotSent(then, f"/?token={SECRET}"))]
    assert SECRET not in replay.render(results, where, width=200)
    assert SECRET in replay.render(results, where, width=200, show_secrets=True)


def test_colours() -> None:
    assert "\x1b[" in replay.render([compare(captured(), came(400))], TARGET, colour=True)
