"""Takes a folder, gives it the lab's certificate authority and the load balancer's certificates."""

from __future__ import annotations

from pathlib import Path

import trustme

NAMES = ("app.apps.test", "*.apps.test", "*.sys.test", "203.0.113.1")


def make(folder: Path) -> None:
    """Write `authority.pem`, and `lb.crt`, `lb.key`, `lb.pem` (both in one); the same with ECDSA as `lb-ecdsa`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    for stem, kind in (("lb", trustme.KeyType.RSA), ("lb-ecdsa", trustme.KeyType.ECDSA)):
        issued = authority.issue_cert(*NAMES, key_type=kind)
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        key = issued.private_key_pem.bytes()
        (folder / f"{stem}.crt").write_bytes(chain)
        (folder / f"{stem}.key").write_bytes(key)
        (folder / f"{stem}.pem").write_bytes(chain + key)
