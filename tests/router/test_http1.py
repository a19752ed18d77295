"""Ordinary requests over HTTP/1.x: what was received is told, in the image of a Gorouter."""

from __future__ import annotations

import uuid

import aiohttp
import pytest

from tests.router.serving import get, running
from wsanalyze.router import Settings

pytestmark = pytest.mark.anyio


async def test_what_was_received_is_told_with_order_case_and_duplicates() -> None:
    async with running() as router:
        answered = await router.ask(
            get(
                "/page?x=1",
                "x-Odd-CASE: one",
                "X-Forwarded-For: 203.0.113.7",
                "x-odd-case: two",
                "X-Forwarded-For: ::1",
            )
        )
        told = answered.report
        assert (answered.status, told["method"], told["target"], told["version"]) == (200, "GET", "/page?x=1", "1.1")
        assert told["headers"] == [
            ["Host", "app.test"],
            ["x-Odd-CASE", "one"],
            ["X-Forwarded-For", "203.0.113.7"],
            ["x-odd-case", "two"],
            ["X-Forwarded-For", "::1"],
        ]
        assert told["handshake_lacks"] == ["Upgrade: websocket", "Connection: upgrade"]
        assert (told["body_bytes"], told["tls"], told["proxy_protocol"]) == (0, None, None)
        assert told["client"].startswith("127.0.0.1:")


async def test_every_answer_has_an_id_of_its_own() -> None:
    async with running() as router:
        raw = await router.open()
        ids = set()
        for target in ("/", "/behave/refuse/404/x", "/router-error/unknown_route", "/ws"):
            await raw.send(get(target, "X-Vcap-Request-Id: from-outside"))
            ids.add(str(uuid.UUID((await raw.answer())["X-Vcap-Request-Id"])))
        assert len(ids) == 4
        assert all(f'vcap_request_id:"{one}"' in "\n".join(router.log) for one in ids)


async def test_another_client_posts_a_body_in_chunks_and_keeps_the_connection() -> None:
    async def body() -> object:
        for _ in range(100):
            yield b"x" * 1000

    async with running() as router, aiohttp.ClientSession() as client:
        for _ in range(3):
            async with client.post(f"http://{router.authority}/upload", data=body()) as answered:
                told = await answered.json()
        assert told["body_bytes"] == 100_000
        assert ["Transfer-Encoding", "chunked"] in told["headers"]
        assert len({line.split('"')[7] for line in await router.logged(3)}) == 1


async def test_requests_behind_one_another_are_answered_in_order() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(b"".join(get(f"/{number}") for number in range(20)))
        assert [(await raw.answer()).report["target"] for _ in range(20)] == [f"/{number}" for number in range(20)]


async def test_a_client_that_waits_is_told_to_go_on() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert (await raw.answer()).status == 100
        await raw.send(b"abc")
        assert (await raw.answer()).report["body_bytes"] == 3


async def test_head_and_http10() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = await raw.rest()
        assert b"\r\nContent-Length: " in text
        assert text.endswith(b"\r\n\r\n")
        raw = await router.open()
        await raw.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        answered = await raw.answer()
        assert answered.report["version"] == "1.0"
        assert await raw.rest() == b""


async def test_a_client_that_has_said_all_still_gets_its_answer() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(get())
        raw.writer.write_eof()
        assert (await raw.answer()).status == 200
        assert await raw.rest() == b""


async def test_absolute_targets() -> None:
    async with running() as router:
        answered = await router.ask(get("http://app.test/behave/refuse/418/x"))
        assert answered.status == 418
        assert (await router.ask(get("*"))).status == 200
        assert (await router.ask(b"CONNECT app.test:443 HTTP/1.1\r\nHost: app.test\r\n\r\n")).status == 405


@pytest.mark.parametrize("shown", [False, True])
async def test_secrets_are_told_only_where_they_are_asked_for(shown: bool) -> None:
    async with running(Settings(show_secrets=shown)) as router:
        answered = await router.ask(get("/?token=s3cret", "Authorization: Bearer s3cret", "Cookie: id=s3cret"))
        assert (b"s3cret" in answered.body) == shown
        assert ("s3cret" in (await router.logged())[0]) == shown


async def test_hosts_are_asked_for() -> None:
    async with running() as router:
        answered = await router.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert (answered.status, answered["X-Cf-Routererror"]) == (400, "empty_host")
        assert answered.body == b"400 Bad Request: Request had empty Host header\n"


@pytest.mark.parametrize(
    ("name", "status", "told", "text"),
    [
        ("unknown_route", 404, "unknown_route", "404 Not Found: Requested route ('app.test') does not exist."),
        (
            "no_endpoints",
            503,
            "no_endpoints",
            "503 Service Unavailable: Requested route ('app.test') has no available endpoints.",
        ),
        (
            "endpoint_failure",
            502,
            "endpoint_failure (dial tcp 10.255.0.1:61001: connect: connection refused)",
            "502 Bad Gateway: Registered endpoint failed to handle the request.",
        ),
    ],
)
@pytest.mark.parametrize("by_path", [False, True])
async def test_router_errors(name: str, status: int, told: str, text: str, by_path: bool) -> None:
    async with running(Settings(router_error=None if by_path else name)) as router:
        answered = await router.ask(get(f"/router-error/{name}/page" if by_path else "/page"))
        assert (answered.status, answered["X-Cf-Routererror"]) == (status, told)
        assert answered.body.decode() == f"{text}\n"
        (line,) = await router.logged()
        assert line.endswith(f'x_cf_routererror:"{told}"')
        assert ' app_id:"-" ' in line
