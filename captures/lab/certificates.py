"""Takes a folder, gives it the lab's certificate authority and the load balancer's certificate."""

from __future__ import annotations

from pathlib import Path

import trustme

NAMES = ("app.apps.test", "*.apps.test", "*.sys.test", "203.0.113.1")


def make(folder: Path) -> None:
    """Write `authority.pem`, and `lb.crt`, `lb.key`, `lb.pem` (both in one)."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued = authority.issue_cert(*NAMES, key_type=trustme.KeyType.RSA)
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    key = issued.private_key_pem.bytes()
    (folder / "lb.crt").write_bytes(chain)
    (folder / "lb.key").write_bytes(key)
    (folder / "lb.pem").write_bytes(chain + key)
