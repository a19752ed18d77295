"""Takes nothing, gives the plans of traffic over HTTP/2: WebSocket by extended CONNECT (RFC 8441), beside ordinary requests."""

from __future__ import annotations

from dataclasses import replace

from captures.lab.network import CLIENTS
from captures.lab.plan import (
    DOPPLER,
    Close,
    Handshake,
    Hear,
    Ping,
    Request,
    Say,
    Step,
    Tls,
    Traffic,
    Visit,
)
from captures.lab.traffic import DEFLATE, FORWARDED

_ONE, _TWO, _THREE = CLIENTS

_OVER_H2 = Tls(alpn=("h2",))


def _over_http2(steps: tuple[Step, ...], source: str, *, after: float = 0.0, at_once: bool = False) -> Visit:
    return Visit(steps, source, port=443, tls=_OVER_H2, http2=True, at_once=at_once, after=after)


H2 = Traffic(
    visits=(
        _over_http2((Request(), Handshake(), Handshake("/refuse/503/{id}"), Request(headers=FORWARDED)), _ONE),
        _over_http2((Handshake(), Handshake(key="dGhlIHNhbXBsZSBub25jZQ==")), _TWO, after=0.1),
        _over_http2((Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),), _THREE, after=0.2),
        # The last, which proves that the back was still recorded.
        Visit((Request(), Handshake()), _ONE, port=443, tls=Tls(alpn=("http/1.1",)), after=1.2),
    )
)

H2_MORE = Traffic(
    visits=(
        _over_http2((Request(), Handshake(), Handshake("/refuse/503/{id}"), Request(headers=FORWARDED)), _ONE),
        _over_http2(
            (
                Handshake(protocols="chat, superchat", extensions=DEFLATE),
                Request(method="POST", body=b"a=1&b=2"),
                Handshake("/refuse/404/{id}"),
                Request("/refuse/404/{id}"),
                Handshake(talk=(Say("hello"), Hear(), Close(1001, "going away"))),
            ),
            _TWO,
            after=0.1,
        ),
        _over_http2((Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),), _THREE, after=0.2),
        _over_http2((Handshake("/reset/{id}"), Request(), Handshake()), _ONE, after=0.3),
        _over_http2((Request(method="HEAD"), Request()), _TWO, after=1.6),
    )
)
"""Over HTTP/2 alone; the last requests prove that the back was still recorded."""

_COOKIES = (("cookie", "a=1"), ("cookie", "b=" + "0123456789" * 40), ("cookie", "c=3"))
"""As browsers send them, so that the table of HPACK keeps those that stay (RFC 9113 8.2.3)."""
_LARGE = tuple((f"x-large-{number}", "0123456789" * 350) for number in range(7))
"""More than a HEADERS frame holds."""

H2_LARGE = Traffic(
    visits=(
        _over_http2((Request(),), _THREE),
        _over_http2((Handshake(headers=_LARGE), Handshake()), _ONE, after=0.3),
        _over_http2((Request(headers=_LARGE), Request()), _TWO, after=0.4),
        _over_http2((Request(), Handshake(), Handshake("/refuse/503/{id}", headers=_LARGE)), _THREE, after=0.5),
        _over_http2((Request(method="HEAD"), Request()), _TWO, after=1.5),
    )
)
"""The first and the last requests prove that the back was recorded."""

H2_QUIRKS = Traffic(
    visits=(
        _over_http2((Handshake(headers=_COOKIES), Request(headers=_COOKIES), Handshake(headers=_COOKIES)), _ONE),
        _over_http2((Handshake("/slow/{id}", abort_after=0.4), Request(), Handshake()), _TWO, after=0.1),
        _over_http2((Handshake("/silent/{id}", patience=1.5),), _THREE, after=0.2),
        _over_http2((Handshake(websocket_version="8"), Handshake("/wrong-accept/{id}"), Handshake()), _ONE, after=0.3),
        # Streams that live beside each other, and end in another order than they began.
        _over_http2(
            (
                Handshake("/slow/{id}"),
                Request(),
                Handshake(talk=(Say("big", 9_000), Hear(), Ping(), Close())),
                Handshake("/refuse/404/{id}"),
                Request(),
                Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),
            ),
            _TWO,
            at_once=True,
            after=0.4,
        ),
        _over_http2((Request(method="HEAD"), Request()), _THREE, after=2.6),
    )
)

H2_KEYED = Traffic(
    visits=tuple(
        replace(
            visit,
            steps=tuple(replace(step, key="always") if isinstance(step, Handshake) else step for step in visit.steps),
        )
        for visit in H2_MORE.visits
    )
)

_SAME = (("x-lab-id", "{id}"),)
"""By which the lab tells apart what has one path; nobody else knows this header."""

H2_AT_ONCE = Traffic(
    visits=(
        *(
            _over_http2(
                (
                    Handshake("/slow", headers=_SAME),
                    Handshake("/slow", headers=_SAME, talk=(Say("hello"), Hear(), Close(1001, "going away"))),
                    Request("/page", headers=_SAME),
                    Handshake("/refuse/503", headers=_SAME),
                    Handshake("/slow", headers=_SAME, talk=(Say("a longer message", 300), Hear(), Close())),
                    Request("/page", headers=_SAME),
                ),
                source,
                at_once=True,
                after=0.002 * number,
            )
            for number, source in enumerate(CLIENTS)
        ),
        _over_http2((Request(headers=FORWARDED), Handshake(), Request()), _THREE, after=2.4),
    )
)
"""The same paths at the same time, on streams of one connection and on several connections."""


def cleartext(traffic: Traffic) -> Traffic:
    """The same without TLS on 80: HTTP/2 by prior knowledge."""
    return Traffic(visits=tuple(replace(visit, port=80, tls=None) for visit in traffic.visits))


def over_http2(traffic: Traffic) -> Traffic:
    """The same over HTTP/2, each visit on a connection of its own."""

    def lifted(visits: tuple[Visit, ...]) -> tuple[Visit, ...]:
        return tuple(replace(visit, port=443, tls=_OVER_H2, http2=True) for visit in visits)

    return Traffic(lifted(traffic.visits), lifted(traffic.before), lifted(traffic.after))
