"""Takes the corpus and what wsanalyze says of it, gives the table in captures/README.md; as a program, writes it there."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.scenarios import CAPTURES, SCENARIOS, Scenario, analysis_of

START, END = "<!-- corpus: begin -->\n", "<!-- corpus: end -->"


def table() -> str:
    """One line a scenario: what it is, what was expected, what was said."""
    lines = [
        "\n| scenario | load balancer | shows | what happened to its handshakes | what wsanalyze says | findings |",
        "|---|---|---|---|---|---|",
    ]
    for scenario in SCENARIOS:
        lb = scenario.truth["lb"]
        analysis = analysis_of(scenario)
        said = Counter(_named(row["verdict"], row["detail"]) for row in analysis.handshakes.to_dict("records"))
        cells = (
            f"`{scenario.name}`",
            f"{lb['product']}: {lb['about']}",
            scenario.truth["shows"],
            _counted(_expected(scenario)),
            _counted(said),
            ", ".join(f"`{rule}`" for rule in sorted({finding.rule for finding in analysis.findings})) or "none",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\n"


def _expected(scenario: Scenario) -> Counter[str]:
    return Counter(_named(h["expected"], h["expected_detail"]) for h in scenario.handshakes.values())


def _named(verdict: str, detail: Any) -> str:
    return f"{verdict} ({detail})" if isinstance(detail, str) else verdict


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def write() -> None:
    """Put the table into the README."""
    path = CAPTURES / "README.md"
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    path.write_text(before + START + table() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    write()
