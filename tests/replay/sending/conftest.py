"""What the tests of sending share."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """What the sockets run on."""
    return "asyncio"
