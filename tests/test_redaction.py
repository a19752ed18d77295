"""Secrets do not leave in a report."""

from __future__ import annotations

import time

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
        ("/cb#access_token=s3cret&state=1", "/cb#access_token=***&state=1"),
        ("/ws?token=s3cret%26s3cret&x=1", "/ws?token=***&x=1"),
        ("/ws?access%5Ftoken=s3cret", "/ws?access%5Ftoken=***"),
        ("/in?next=%2Fws%3Ftoken%3Ds3cret%26room%3D1&x=1", "/in?next=%2Fws%3Ftoken%3D***%26room%3D1&x=1"),
        ("/ws?user[password]=s3cret", "/ws?user[password]=***"),
        ("/ws;jsessionid=s3cret?s3cret", "/ws;jsessionid=***"),
        ("/ws?token=", "/ws?token="),
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
        ("Sec-WebSocket-Protocol", "access_token, s3crets3cret", "access_token, ***"),
        ("X-Session-Id", "s3cret", "***"),
        ("X-Original-URI", "/ws?token=s3cret", "/ws?token=***"),
        ("X-Anything", "Bearer s3crets3cret", "Bearer ***"),
        ("X-Anything", "sig=s3cret; v=1", "sig=***; v=1"),
        ("Access-Control-Allow-Credentials", "true", "true"),
        (
            "Sec-WebSocket-Extensions",
            "permessage-deflate; client_max_window_bits=15",
            "permessage-deflate; client_max_window_bits=15",
        ),
        ("X-Anything", f"token {JWT}", "token ***"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="),
    ],
)
def test_headers(name: str, secret: str, shown: str) -> None:
    assert redaction.header(name, secret) == shown


@pytest.mark.parametrize(
    "evil",
    [
        "?tokentoken" * 1500,
        "%26" * 5400,
        "-eyJ" * 4000,
        "eyJaaaa." * 2000,
        "bearer-" * 2300,
        "&a" * 8000,
        "%3ftoken%3d" * 1400,
    ],
    ids=lambda evil: evil[:8],
)
def test_no_text_takes_long(evil: str) -> None:
    began = time.monotonic()
    redaction.header("Sec-WebSocket-Protocol", evil)
    redaction.target(evil)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hello", "hello"),
        ('{"a": [1, {"token": "s3cret", "n": 1}]}', '{"a": [1, {"token": "***", "n": 1}]}'),
        ('{"otp": 123456, "session": {"id": "s3cret"}}', '{"otp": "***", "session": "***"}'),
        ('{"inner": "{\\"token\\": \\"s3cret\\"}"}', '{"inner": "{\\"token\\": \\"***\\"}"}'),
        ('{"n":1,"a":"b"}', '{"n":1,"a":"b"}'),
        ('{"x": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "x": 1}', '{"x": "***", "x": 1}'),
        ("{'token': 's3cret'}", "{'token': '***'}"),
        ('{\\"token\\":\\"s3cret\\"}', '{\\"token\\":\\"***\\"}'),
        ("Authorization: Bearer s3crets3cret", "Authorization: ***"),
        ("CONNECT\nlogin:x\npasscode:s3cret\n\n", "CONNECT\nlogin:x\npasscode:***\n\n"),
        ("auth Bearer s3crets3cret", "auth Bearer ***"),
        ("room=1&token=s3cret", "room=1&token=***"),
        ("/a?x= token=s3cret b", "/a?x= token=*** b"),
        ("/a%253Ftoken%253Ds3cret", "/a%253Ftoken%253D***"),
    ],
)
def test_messages(text: str, shown: str) -> None:
    assert redaction.message(text) == shown


def test_a_message_that_is_too_long_to_look_through_is_masked() -> None:
    assert redaction.message("x" * 70_000) == "*" * 70_000


def test_the_user_of_an_authority_is_masked() -> None:
    assert redaction.header("Host", "user:s3cret@app.test") == "***@app.test"
