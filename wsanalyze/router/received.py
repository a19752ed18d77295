"""Takes a request, gives what was received of it as JSON: what a load balancer made of it is there to be seen."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from wsanalyze import redaction
from wsanalyze.router.request import Request


def report(request: Request, *, lacks: list[str], show_secrets: bool) -> bytes:
    """`lacks`: what it lacks to be a handshake. Secrets are masked unless they are asked for: a load balancer may have added some."""
    peer = request.peer
    told: dict[str, Any] = {
        "method": request.method,
        "target": request.target if show_secrets else redaction.target(request.target),
        "version": request.version,
        "headers": [
            [name, value if show_secrets else redaction.header(name, value)] for name, value in request.headers
        ],
        "body_bytes": request.body_bytes,
        "client": peer.client,
        "peer": peer.address,
        "proxy_protocol": asdict(peer.proxy) if peer.proxy else None,
        "tls": asdict(peer.tls) if peer.tls else None,
        "handshake_lacks": lacks,
        "vcap_request_id": request.id,
    }
    # A header a line: that is what people look at.
    headers = ",\n  ".join(json.dumps(one) for one in told["headers"])
    lines = [
        f" {json.dumps(key)}: " + (f"[\n  {headers}\n ]" if key == "headers" else json.dumps(value))
        for key, value in told.items()
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
