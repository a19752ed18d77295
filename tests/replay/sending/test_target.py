"""What names a target, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.replay.sending import Settings, Target, parse_target


@pytest.mark.parametrize(
    ("text", "target", "shown"),
    [
        ("http://router.example.com", Target("http", "router.example.com", 80), "http://router.example.com:80"),
        ("ws://router.example.com/chat?a=b", Target("http", "router.example.com", 80), "http://router.example.com:80"),
        ("https://10.0.0.1", Target("https", "10.0.0.1", 443), "https://10.0.0.1:443"),
        ("WSS://Router:4443/", Target("https", "router", 4443), "https://router:4443"),
        ("router:8080", Target("http", "router", 8080), "http://router:8080"),
        ("[::1]:8081", Target("http", "::1", 8081), "http://[::1]:8081"),
        ("https://[2001:db8::1]", Target("https", "2001:db8::1", 443), "https://[2001:db8::1]:443"),
    ],
)
def test_targets(text: str, target: Target, shown: str) -> None:
    assert parse_target(text) == target
    assert str(target) == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it names no host"),
        ("router", "a port is missing"),
        ("ftp://router", "'ftp' is not one of"),
        ("http://", "it names no host"),
        ("http://router:0", "nothing listens on port 0"),
        ("http://router:70000", "Port out of range"),
        ("router:http", "Port could not be cast"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("http://user:secret@router", "carries a user name or password"),
        ("http://a b", "neither a name nor an address"),
        (f"http://{'a' * 300}", "neither a name nor an address"),
    ],
)
def test_what_is_no_target(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_target(text)
    assert "secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_target_or_told_why_not(text: str) -> None:
    try:
        target = parse_target(text)
    except ValueError:
        return
    assert target.host
    assert 0 < target.port < 65536


def test_another_address_for_the_host() -> None:
    resolve = ("other:10.0.0.1", "Router:[2001:db8::1]")
    assert parse_target("http://router", resolve=resolve).address == "2001:db8::1"
    assert parse_target("http://third", resolve=resolve).address is None
    for entry, why in (("router", "no address"), ("router:there", "no address"), (":10.0.0.1", "names no host")):
        with pytest.raises(ValueError, match=why):
            parse_target("http://router", resolve=(entry,))


def test_the_name_that_tls_asks_for() -> None:
    assert parse_target("https://10.0.0.1").server_name == "10.0.0.1"
    assert parse_target("https://10.0.0.1", sni="router.example.com").server_name == "router.example.com"
    with pytest.raises(ValueError, match="the server name"):
        parse_target("https://10.0.0.1", sni="a b")


def test_pauses() -> None:
    settings = Settings(speed=2, max_gap=3)
    assert [settings.pause(1), settings.pause(10), settings.pause(-1), settings.scaled(10)] == [0.5, 1.5, 0, 5]
    assert Settings(speed=float("inf")).pause(5) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"speed": 0}, {"speed": float("nan")}, {"concurrency": 0}, {"timeout": -1}, {"max_rate": 0}, {"max_gap": -1}],
)
def test_settings_that_would_never_begin_or_end(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)  # type: ignore[arg-type]
