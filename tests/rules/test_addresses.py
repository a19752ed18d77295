"""Addresses as load balancers write them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.rules.addresses import address, listed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:4711 ", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:80", "192.0.2.1"),
    ],
)
def test_forms_of_an_address(value: str, expected: str) -> None:
    assert address(value) == ipaddress.ip_address(expected)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1.5, "", " ", "unknown", "_hidden", "app.test", "192.0.2", "192.0.2.256", "1", "192.0.2.1, 192.0.2.2"),
        *("[", "[]", ":", "a:b:c", "::1::", f"192.0.2.{chr(0x661)}", "1" * 100_000, ":" * 100_000),
    ],
)
def test_what_is_no_address(value: object) -> None:
    assert address(value) is None


@given(st.text(alphabet='0123456789abf.:[]%" ,', max_size=80))
def test_any_text_is_taken(text: str) -> None:
    found = address(text)
    assert found is None or isinstance(found, ipaddress.IPv4Address | ipaddress.IPv6Address)
    assert all(element.strip() == element != "" for element in listed(text))


def test_elements() -> None:
    assert listed(" a ,, b,") == ["a", "b"]
    assert listed(None) == []
    assert listed(float("nan")) == []
