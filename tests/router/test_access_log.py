"""The access log: a Gorouter's form, one line a request, whatever the request says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.router.serving import get, running
from wsanalyze.router.access_log import Record, line
from wsanalyze.router.request import Peer, Request

QUOTED = r'"(?:[^"\\]|\\.)*"'
FORM = re.compile(
    rf"[!-~]+ - \[\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{9}}Z\] {QUOTED} (?:\d{{3}}|\"-\") \d+ \d+ {QUOTED} {QUOTED} {QUOTED} {QUOTED}"
    rf" x_forwarded_for:{QUOTED} x_forwarded_proto:{QUOTED} vcap_request_id:{QUOTED} response_time:\d+\.\d{{6}}"
    rf" gorouter_time:\d+\.\d{{6}} app_id:{QUOTED} app_index:{QUOTED} instance_id:{QUOTED} route_service_url:{QUOTED}"
    rf" x_cf_routererror:{QUOTED}\Z"
)
REQUEST = Request(Peer("203.0.113.7:50122", "10.0.0.1:80"), "GET", "/", "1.1", (("Host", "app.test"),), id="7c1")


def test_a_line() -> None:
    request = replace(
        REQUEST,
        target="/page?token=s3cret&x=1",
        headers=(
            ("Host", "app.test"),
            ("User-Agent", "curl/8"),
            ("Referer", "https://user:pw@x/?access_token=s3cret"),
            ("X-Forwarded-For", "203.0.113.7, 10.0.0.2"),
            ("X-Forwarded-Proto", "https"),
        ),
        received=1_700_000_000.25,
    )
    record = Record(request, status=200, received=3, sent=17, took=0.5, app_took=0.25)
    assert line(record, show_secrets=False) == (
        'app.test - [2023-11-14T22:13:20.250000000Z] "GET /page?token=***&x=1 HTTP/1.1" 200 3 17'
        ' "https://***@x/?access_token=***" "curl/8" "203.0.113.7:50122" "10.0.0.1:80"'
        ' x_forwarded_for:"203.0.113.7, 10.0.0.2" x_forwarded_proto:"https" vcap_request_id:"7c1"'
        ' response_time:0.500000 gorouter_time:0.250000 app_id:"00000000-0000-4000-8000-000000000000" app_index:"0"'
        ' instance_id:"-" route_service_url:"-" x_cf_routererror:"-"'
    )


def test_the_form_of_a_gorouter() -> None:
    """As cloudfoundry/cf-networking-onboarding shows one, up to what later versions and settings add."""
    real = (
        'APP_A_ROUTE - [2021-02-18T21:22:32.355501523Z] "GET / HTTP/1.1" 200 0 62 "-" "curl/7.54.0" "35.191.2.80:51628"'
        ' "10.0.1.11:61002" x_forwarded_for:"142.105.202.35, 35.227.211.74, 35.191.2.80" x_forwarded_proto:"http"'
        ' vcap_request_id:"6cb8b8de-bc85-4479-5f90-1c3a52d88d84" response_time:0.011962 gorouter_time:0.000467'
        ' app_id:"cabd9e08-384e-4689-b868-1ba3d5d838bf" app_index:"0" x_cf_routererror:"-"'
    )
    assert FORM.match(real.replace(" x_cf_routererror", ' instance_id:"-" route_service_url:"-" x_cf_routererror'))
    assert FORM.match(line(Record(REQUEST), show_secrets=False))


@given(*[st.text(st.characters(max_codepoint=255), max_size=60)] * 5)
def test_nothing_breaks_out_of_its_line(host: str, method: str, target: str, agent: str, forwarded: str) -> None:
    headers = (("Host", host), ("User-Agent", agent), ("X-Forwarded-For", forwarded), ("Referer", agent))
    text = line(Record(replace(REQUEST, method=method, target=target, headers=headers), status=200), show_secrets=True)
    assert text.isascii()
    assert text.isprintable()
    assert FORM.match(text)


def test_long_ones_are_cut() -> None:
    request = replace(REQUEST, target="/" + "x" * 60_000, headers=(("Host", "h" * 5000), ("User-Agent", "y" * 5000)))
    text = line(Record(request), show_secrets=False)
    assert len(text) < 13_000
    assert "REQUEST-URI-TOO-LONG-TO-LOG--TRUNCATED" in text


@pytest.mark.anyio
async def test_requests_write_no_lines_of_their_own() -> None:
    async with running() as router:
        raw = await router.open()
        await raw.send(
            get(
                '/"%0d%0a',
                'User-Agent: \x1b[2J" 200 \xe2\x80\xae',
                'X-Forwarded-For: 1.1.1.1" app_id:"mine',
                "Referer: \t",
            )
        )
        await raw.answer()
        (text,) = await router.logged()
        assert FORM.match(text)
        assert r' "-" "\x1b[2J\" 200 \xe2\x80\xae" "127.0.0.1:' in text
        assert r' x_forwarded_for:"1.1.1.1\" app_id:\"mine" ' in text
