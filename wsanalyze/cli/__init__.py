"""The command line: takes arguments, prints what the reports give. Data to standard output, the rest to standard error."""

from __future__ import annotations

from wsanalyze.cli.main import main

__all__ = ["main"]
