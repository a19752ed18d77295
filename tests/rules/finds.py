"""Takes an analysis, gives what one rule found."""

from __future__ import annotations

from wsanalyze.analysis import Analysis
from wsanalyze.rules.finding import Evidence, Finding


def findings(analysis: Analysis, rule: str) -> list[Finding]:
    """All findings of a rule."""
    return [finding for finding in analysis.findings if finding.rule == rule]


def finding(analysis: Analysis, rule: str) -> Finding:
    """The only finding of a rule."""
    (found,) = findings(analysis, rule)
    return found


def instance(analysis: Analysis, rule: str) -> Evidence:
    """The only instance of the only finding of a rule."""
    (evidence,) = finding(analysis, rule).evidence
    return evidence
