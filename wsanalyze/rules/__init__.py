"""Takes the judged handshakes and both sides' tables, gives findings. One file a rule; a new file is a new rule.

A module is a rule if it holds `TITLE` (one line), `SEVERITY` (what `explain` says of it), `AT_GOROUTER` (what it says at a Gorouter, or
None where it has nothing to say there) and `check(context) -> Iterator[Problem]`; its docstring is its documentation, and its name
with dashes is the rule's name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import pandas as pd

from wsanalyze.box import GOROUTER, Box, worded
from wsanalyze.rules.context import AtGorouter, Context, Problem
from wsanalyze.rules.finding import Evidence, Finding, Severity

__all__ = ["AtGorouter", "Context", "Evidence", "Finding", "Problem", "Rule", "all_rules", "apply"]

_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as its module declares it."""

    name: str
    severity: str
    """In words: `error`, or what it depends on."""
    title: str
    gorouter: AtGorouter | None
    """Null where it does not apply to a Gorouter."""
    check: Callable[[Context], Iterator[Problem]]
    doc: str
    """The module's docstring: what, why, what to change, source."""


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of this package, by name."""
    rules = []
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        if not hasattr(module, "TITLE"):
            continue
        name = module_info.name.replace("_", "-")
        rules.append(Rule(name, module.SEVERITY, module.TITLE, module.AT_GOROUTER, module.check, module.__doc__ or ""))
    return tuple(sorted(rules, key=lambda rule: rule.name))


def apply(context: Context, keep: Callable[[Evidence], bool] | None = None) -> tuple[Finding, ...]:
    """All findings, the most severe first, then by rule; `keep` chooses which instances are told, and changes no id."""
    applicable = [rule for rule in all_rules() if context.box != GOROUTER or rule.gorouter]
    problems = [(rule, problem) for rule in applicable for problem in rule.check(context) if problem.evidence]
    problems.sort(key=lambda found: (_ORDER[found[1].severity], found[0].name, found[1].confidence))
    findings = []
    for number, (rule, problem) in enumerate(problems, start=1):
        told = tuple(_located(one, context) for one in problem.evidence if keep is None or keep(one))
        title, advice = _title(rule, problem, context.box), _advice(rule, problem, context.box)
        if told:
            findings.append(Finding(f"f{number}", rule.name, problem.severity, problem.confidence, title, advice, told))
    return tuple(findings)


def _located(evidence: Evidence, context: Context) -> Evidence:
    """The evidence with the file of its first frame, and its frames there as Wireshark numbers them."""
    if not evidence.frames:
        return evidence
    file, frames = context.tables(evidence.side).frames.first(evidence.frames)
    return replace(evidence, file=file, frames=frames)


def _title(rule: Rule, problem: Problem, box: Box) -> str:
    special = rule.gorouter.title if box == GOROUTER and rule.gorouter else None
    title = special or worded(problem.title, box)
    return f"{title}: {problem.about}" if problem.about else title


def _advice(rule: Rule, problem: Problem, box: Box) -> str:
    if box == GOROUTER and rule.gorouter:
        return problem.at_gorouter or rule.gorouter.advice
    return problem.advice


def of_handshakes(findings: tuple[Finding, ...], handshakes: pd.DataFrame) -> list[tuple[str, ...]]:
    """For each handshake the ids of the findings that name it."""
    named: dict[str, list[str]] = {}
    for finding in findings:
        for handshake in dict.fromkeys(evidence.handshake for evidence in finding.evidence if evidence.handshake):
            named.setdefault(handshake, []).append(finding.id)
    return [tuple(named.get(identifier, ())) for identifier in handshakes["id"]]
