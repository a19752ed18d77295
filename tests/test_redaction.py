"""Secrets do not leave in a report."""

from __future__ import annotations

import pytest

from wsanalyze import redaction

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("/ws?access_token=s3cret&room=1", "/ws?access_token=***&room=1"),
        ("/ws?room=1&API-KEY=s3cret", "/ws?room=1&API-KEY=***"),
        ("/ws?X-Amz-Signature=s3cret;session_id=s3cret", "/ws?X-Amz-Signature=***;session_id=***"),
        ("http://user:s3cret@app.test/ws", "http://***@app.test/ws"),
        (f"/ws/{JWT}/x", "/ws/***/x"),
        ("/apps/0f3ec8a2/stream?room=12", "/apps/0f3ec8a2/stream?room=12"),
        ("/monkey?donkey=1", "/monkey?donkey=1"),
    ],
)
def test_targets(secret: str, shown: str) -> None:
    assert redaction.target(secret) == shown


@pytest.mark.parametrize(
    ("name", "secret", "shown"),
    [
        ("Authorization", "bearer s3cret", "***"),
        ("COOKIE", "JSESSIONID=s3cret", "***"),
        ("Set-Cookie", "a=b", "***"),
        ("X-Forwarded-Client-Cert", "MII", "***"),
        ("Referer", "http://a/?code=s3cret", "http://a/?code=***"),
        (
            "Sec-WebSocket-Protocol",
            "chat, base64url.bearer.authorization.k8s.io.c2VjcmV0c2VjcmV0",
            "chat, base64url.bearer.authorization.k8s.io.***",
        ),
        ("Sec-WebSocket-Protocol", "chat, graphql-ws", "chat, graphql-ws"),
        ("X-Anything", f"token {JWT}", "token ***"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="),
    ],
)
def test_headers(name: str, secret: str, shown: str) -> None:
    assert redaction.header(name, secret) == shown
