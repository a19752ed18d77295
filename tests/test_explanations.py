"""The explanations are complete: each verdict and each detail has its text."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

import pytest

DETAILS = {
    "passed-through": {"http/1.0"},
    "terminated": {"local", "re-originated", "bridged", "early"},
    "stripped": {"upgrade", "connection", "upgrade+connection", "response"},
    "blocked": {"by-policy", "router-unreachable", "silent", "answer-withheld"},
    "undetermined": {
        "encrypted",
        "back-not-captured",
        "handshake-not-captured",
        "packets-missing",
        "truncated",
        "ambiguous",
    },
}


@pytest.fixture(scope="module")
def source() -> str:
    return (resources.files("wsanalyze") / "explanations" / "verdicts.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def explanations(source: str) -> dict[str, Any]:
    return tomllib.loads(source)


def test_every_verdict_and_detail_is_explained(explanations: dict[str, Any]) -> None:
    assert {verdict: set(text["details"]) for verdict, text in explanations.items()} == DETAILS


@pytest.mark.parametrize("verdict", DETAILS)
def test_explanations_have_all_their_parts(explanations: dict[str, Any], verdict: str) -> None:
    text = explanations[verdict]
    assert set(text) == {"title", "meaning", "why", "change", "source", "details"}
    assert all(text[part].strip() for part in ("title", "meaning", "why", "change", "source"))
    assert "\n" not in text["title"]
    for detail in text["details"].values():
        assert set(detail) == {"meaning", "change"}
        assert detail["meaning"].strip()
        assert detail["change"].strip()


def test_lines_fit_a_terminal(source: str) -> None:
    assert [line for line in source.splitlines() if len(line) > 120] == []
