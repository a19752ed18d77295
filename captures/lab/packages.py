"""Takes `apt` or `pip`, prints the packages that the lab's load balancers need, in one line. Needs nothing but Python."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def needed(kind: str) -> list[str]:
    """The packages that all balancer.toml together name."""
    files = sorted((Path(__file__).parent / "balancers").glob("*/balancer.toml"))
    return sorted({name for path in files for name in tomllib.loads(path.read_text(encoding="utf-8")).get(kind, ())})


if __name__ == "__main__":
    print(*needed(sys.argv[1]))  # noqa: T201 - printing is what it is for
