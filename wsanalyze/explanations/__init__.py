"""Takes the name of a verdict, one of its details or a rule, gives what it means, why it matters and what to change."""

from __future__ import annotations

import difflib
import textwrap
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from wsanalyze.box import GOROUTER, worded
from wsanalyze.rules import Rule, all_rules


@cache
def verdicts() -> dict[str, dict[str, Any]]:
    """The pages of the verdicts, by name: title, meaning, why, change, source, details."""
    text = resources.files("wsanalyze.explanations").joinpath("verdicts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def rules() -> dict[str, Rule]:
    """The rules by name."""
    return {rule.name: rule for rule in all_rules()}


def names() -> list[str]:
    """All that can be explained."""
    return [*verdicts(), *(detail for page in verdicts().values() for detail in page.get("details", {})), *rules()]


_READ_AS = (
    "Where a Gorouter is judged (pcap --judged), read Gorouter for load balancer, and app for router; the pages of the rules "
    "say what else holds there."
)


def overview() -> str:
    """All verdicts and rules, one line each."""
    wide = max(map(len, (*verdicts(), *rules())))
    lines = ["Verdicts: what the load balancer did with a handshake", ""]
    for name, page in verdicts().items():
        lines.append(f"  {name:{wide}}  {page['title']}")
        if page.get("details"):
            lines += _wrapped(f"details: {', '.join(page['details'])}", indent=wide + 4)
    lines += ["", "Rules: what findings there are", ""]
    for name, rule in rules().items():
        lines += [f"  {name:{wide}}  {rule.title}", f"  {'':{wide}}  {rule.severity}"]
    lines += ["", *_wrapped(_READ_AS, indent=0), "", "More: wsanalyze explain NAME"]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, indent: int) -> list[str]:
    """Lines of at most 100 columns."""
    blank = " " * indent
    return textwrap.wrap(
        text, 100, initial_indent=blank, subsequent_indent=blank, break_long_words=False, break_on_hyphens=False
    )


def explain(name: str) -> str:
    """The page of a verdict, a detail or a rule. Raises KeyError, with names that come close, for anything else."""
    wanted = name.strip().lower().replace("_", "-")
    if wanted in verdicts():
        return _verdict(wanted, verdicts()[wanted])
    if wanted in rules():
        return _rule(rules()[wanted])
    pages = [
        _detail(verdict, wanted, page["details"][wanted])
        for verdict, page in verdicts().items()
        if wanted in page.get("details", {})
    ]
    if pages:
        return "\n".join(pages)
    raise KeyError(*difflib.get_close_matches(wanted, names(), n=3, cutoff=0.5))


def _verdict(name: str, page: dict[str, Any]) -> str:
    parts = [f"{name}: {page['title']}", page["meaning"].strip(), _section("Why it matters", page.get("why"))]
    for detail, told in page.get("details", {}).items():
        parts.append(
            _section(
                f"{name}, detail {detail}",
                "\n\n".join(filter(None, (told["meaning"].strip(), told.get("change", "").strip()))),
            )
        )
    parts += [_section("What to change", page.get("change")), _section("Source", page.get("source"))]
    return "\n\n".join(filter(None, parts)) + "\n"


def _detail(verdict: str, name: str, told: dict[str, str]) -> str:
    parts = [f"{verdict}, detail {name}", told["meaning"].strip(), _section("What to change", told.get("change"))]
    return "\n\n".join([*filter(None, parts), f"More: wsanalyze explain {verdict}"]) + "\n"


def _rule(rule: Rule) -> str:
    return f"{rule.name} ({rule.severity})\n\n{rule.doc.strip()}\n\n{_at_gorouter(rule)}\n"


def _at_gorouter(rule: Rule) -> str:
    """What the rule means where a Gorouter is judged."""
    if rule.gorouter is None:
        return "At a Gorouter: this rule says nothing there."
    title = rule.gorouter.title or worded(rule.title, GOROUTER)
    return "\n".join(_wrapped(f"At a Gorouter: {title}. {rule.gorouter.advice}", indent=0))


def _section(title: str, text: str | None) -> str:
    return f"{title}\n{text.strip(chr(10))}" if text and text.strip() else ""
