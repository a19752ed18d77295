"""The tests of the router run in asyncio's event loop."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The only one that the router is made for."""
    return "asyncio"
