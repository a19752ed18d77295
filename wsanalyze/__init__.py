"""Tells from packet captures of both sides of a load balancer what it did with each WebSocket handshake.

`analyze` takes two captures and gives an `Analysis`; it is loaded when it is first asked for, so that the command starts quickly.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsanalyze.analysis import Analysis, analyze
    from wsanalyze.failure import CaptureError

__all__ = ["Analysis", "CaptureError", "__version__", "analyze"]

__version__ = version("wsanalyze")


def __getattr__(name: str) -> Any:
    if name in {"Analysis", "analyze"}:
        from wsanalyze import analysis  # noqa: PLC0415

        return getattr(analysis, name)
    if name == "CaptureError":
        from wsanalyze.failure import CaptureError  # noqa: PLC0415

        return CaptureError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
