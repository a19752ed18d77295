"""X-Forwarded-For has to name the client that connected."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import pytest

from tests.cases.wire import CLIENT, LB_BACK, Story, answer, handshake, request, switching
from tests.rules.exchanges import found, instances, notes, went_by

RULE = "x-forwarded-for-wrong"
SPOOFED = "198.51.100.7"


def asked(sent: str | None, got: str | None) -> tuple[bytes, bytes]:
    """An ordinary request with this header on the front and on the back."""
    return (
        request(target="/a", X_Forwarded_For=sent),
        request(target="/a", X_Forwarded_For=got, X_Forwarded_Proto="http"),
    )


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (None, CLIENT),
        (SPOOFED, f"{SPOOFED}, {CLIENT}"),
        (SPOOFED, f"{SPOOFED},{CLIENT}"),
        (SPOOFED, CLIENT),
        (None, f"{CLIENT}:50001"),
        (None, f"{CLIENT}, {LB_BACK}"),
        (SPOOFED, f"{SPOOFED}, {CLIENT}, {LB_BACK}"),
        (CLIENT, CLIENT),
        (f"{SPOOFED}, {CLIENT}", f"{SPOOFED},{CLIENT}"),
        (None, f"::ffff:{CLIENT}"),
        (None, f"[::ffff:{CLIENT}]:99"),
        (None, f" , {CLIENT} ,"),
        (SPOOFED, None),
        (SPOOFED, "  "),
        (None, ","),
    ],
)
def test_the_client_is_named_or_the_header_is_not_there(tmp_path: Path, sent: str | None, got: str | None) -> None:
    assert not found(went_by(tmp_path, *asked(sent, got)), RULE)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (SPOOFED, SPOOFED),
        (CLIENT, f"{CLIENT}, {LB_BACK}"),
        (f"{CLIENT}, {SPOOFED}", f"{CLIENT}, {SPOOFED}"),
        (None, LB_BACK),
        (None, "unknown"),
        (None, f"{CLIENT}0"),
        (None, f"{CLIENT}.example"),
        (None, "\x00"),
        (None, "[[[" * 100),
    ],
)
def test_the_client_is_not_named(tmp_path: Path, sent: str | None, got: str) -> None:
    analysis = went_by(tmp_path, *asked(sent, got))
    (instance,) = instances(analysis, RULE)
    assert (instance.side, instance.note, instance.handshake) == ("back", f"{got}; expected {CLIENT}", None)
    assert [(finding.severity, finding.confidence) for finding in found(analysis, RULE)] == [("warning", "certain")]


def test_handshakes_are_looked_at_too(tmp_path: Path) -> None:
    analysis = went_by(tmp_path, handshake(), handshake(X_Forwarded_For=LB_BACK))
    assert [instance.handshake for instance in instances(analysis, RULE)] == ["h1"]


@pytest.mark.parametrize(
    ("named", "wrong"), [("2001:DB8:0::A", False), ("[2001:db8::a]:5", False), ("2001:db8::b", True)]
)
def test_ipv6_addresses_are_compared_as_such(tmp_path: Path, named: str, wrong: bool) -> None:
    story = Story()
    story.page()
    front, back = story.tcp("front", "2001:db8::a", "2001:db8::1", 80).connect(), story.back()
    front.ask(request(target="/a"))
    back.ask(request(target="/a", X_Forwarded_For=named, X_Forwarded_Proto="http")).reply(answer(200))
    front.reply(answer(200))
    assert bool(found(story.analyze(tmp_path), RULE)) == wrong


@pytest.mark.parametrize(("named", "wrong"), [("192.0.2.77", False), (CLIENT, True)])
def test_a_proxy_header_says_who_the_client_is(tmp_path: Path, named: str, wrong: bool) -> None:
    story = Story()
    story.page()
    source, target = (ipaddress.ip_address(end).packed for end in ("192.0.2.77", "203.0.113.1"))
    header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12) + source + target + struct.pack(">HH", 5, 80)
    front, back = story.front(), story.back()
    front.ask(header + request(target="/a"))
    back.ask(request(target="/a", X_Forwarded_For=named, X_Forwarded_Proto="http")).reply(answer(200))
    front.reply(answer(200))
    expected = [f"{CLIENT}; expected 192.0.2.77"] if wrong else []
    assert notes(story.analyze(tmp_path), RULE) == expected


def test_whose_request_it_was_is_not_guessed(tmp_path: Path) -> None:
    story = Story()
    story.page()
    fronts = [story.front(f"203.0.113.{number}") for number in (20, 21)]
    backs = [story.back(), story.back()]
    for front in fronts:
        front.ask(handshake())
    for back in backs:
        back.ask(handshake(X_Forwarded_For=LB_BACK)).reply(switching())
    for front in fronts:
        front.reply(switching())
    analysis = story.analyze(tmp_path)
    assert len(analysis.handshakes) == 2
    assert not found(analysis, RULE)


def test_a_head_that_is_not_whole_says_nothing(tmp_path: Path) -> None:
    sent, got = asked(None, LB_BACK)
    assert not found(went_by(tmp_path, sent, got[:-8], answer(400)), RULE)
