"""Takes nothing, gives the plans of traffic that the scenarios share."""

from __future__ import annotations

from dataclasses import replace

from captures.lab.network import CLIENT6, CLIENTS, LB_FRONT6
from captures.lab.plan import (
    DOPPLER,
    Close,
    Handshake,
    Hear,
    Leave,
    Listen,
    Pause,
    Ping,
    Raw,
    Request,
    Say,
    Tls,
    Traffic,
    Visit,
    Wait,
)

_ONE, _TWO, _THREE = CLIENTS
FORWARDED = (("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-Proto", "https"))
"""What a client behind another proxy sends of its own."""
DEFLATE = "permessage-deflate; client_max_window_bits"

USUAL = Traffic(
    visits=(
        # Keep-alive first, then the upgrade.
        Visit((Request(), Request(headers=FORWARDED), Handshake()), _ONE),
        Visit((Handshake(protocols="chat, superchat", extensions=DEFLATE),), _TWO, after=0.03),
        Visit(
            (Handshake(connection="keep-alive, Upgrade", headers=(("Origin", "http://app.apps.test"),)),),
            _ONE,
            after=0.05,
        ),
        # A refused handshake leaves an ordinary connection.
        Visit((Handshake("/refuse/404/{id}"), Request(), Handshake()), _THREE, after=0.07),
        Visit((Handshake("/refuse/400/{id}"),), _ONE, after=0.1),
        Visit((Handshake("/refuse/403/{id}"),), _TWO, after=0.12),
        Visit((Handshake("/refuse/503/{id}"),), _ONE, after=0.14),
        Visit((Handshake(websocket_version="8"),), _THREE, after=0.16),
        Visit((Handshake("/route-service/{id}"), Request("/route-service/{id}")), _ONE, after=0.18),
        Visit((Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),), _TWO, after=0.2),
        Visit((Handshake("/firehose/{id}", host=DOPPLER, talk=(Hear(12), Close())),), _THREE, after=0.22),
        Visit(
            (Request(method="POST", body=b"a=1&b=2"), Request(headers=FORWARDED), Request("/refuse/404/{id}")),
            _TWO,
            after=0.25,
        ),
        Visit((Request(method="HEAD"), Request()), _THREE, after=0.27),
        # What goes by last proves that the back was still recorded.
        Visit((Request(),), _TWO, after=1.2),
    )
)

FEW = Traffic(
    visits=(
        Visit((Request(), Handshake()), _ONE),
        Visit((Request(headers=FORWARDED), Handshake(protocols="chat", extensions=DEFLATE)), _TWO, after=0.05),
        Visit((Handshake("/refuse/503/{id}"),), _ONE, after=0.1),
        Visit((Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),), _THREE, after=0.15),
        Visit((Handshake(), Request()), _THREE, after=0.2),
        Visit((Request(),), _TWO, after=1.2),
    )
)

TALKING = Traffic(visits=tuple(visit for number, visit in enumerate(FEW.visits) if number != 3))

SWALLOWED = Traffic(
    visits=(
        Visit((Request(), Handshake(abort_after=1.5)), _ONE),
        Visit((Handshake("/refuse/503/{id}", abort_after=1.7),), _TWO, after=0.05),
        Visit((Handshake(abort_after=0.3),), _THREE, after=0.1),
        Visit((Request(), Pause(2.2), Request(headers=FORWARDED)), _TWO, after=0.2),
    )
)

SIX = Traffic(
    visits=tuple(
        Visit(visit.steps, CLIENT6, LB_FRONT6, after=visit.after) if number % 2 else visit
        for number, visit in enumerate(USUAL.visits)
    )
)

QUIRKS = Traffic(
    visits=(
        Visit((Handshake(early=True),), _ONE),
        Visit((Handshake(absolute=True),), _TWO, after=0.05),
        Visit((Handshake(key="c2hvcnQ="),), _ONE, after=0.1),
        Visit((Handshake(key=None),), _TWO, after=0.15),
        Visit((Handshake(upgrade="WebSocket", connection="upgrade"),), _THREE, after=0.2),
        Visit((Handshake(upgrade="websocket, h2c"),), _ONE, after=0.25),
        Visit((Handshake(connection="keep-alive"),), _TWO, after=0.3),
        Visit((Handshake("/slow/{id}", abort_after=0.4),), _THREE, after=0.35),
        Visit((Handshake("/slow/{id}"),), _ONE, after=0.4),
        Visit((Handshake(headers=(("Cookie", "a=" + "0123456789" * 300),), piece=700),), _TWO, after=0.45),
        Visit((Handshake(piece=1),), _THREE, after=0.5),
        Visit((Handshake(method="POST"),), _ONE, after=0.55),
        Visit((Handshake(version="1.0"),), _TWO, after=0.6),
        Visit((Handshake("/silent/{id}", patience=1.5),), _THREE, after=0.65),
        Visit((Handshake("/reset/{id}"),), _ONE, after=0.7),
        Visit((Request(headers=(("Connection", "Upgrade"),)), Request()), _TWO, after=0.75),
        Visit((Handshake("/wrong-accept/{id}"),), _THREE, after=0.8),
        Visit((Request(headers=FORWARDED), Request()), _THREE, after=2.4),
    )
)

CLOSES = Traffic(
    visits=(
        Visit((Handshake("/ws/closing/1008/{id}", talk=(Say("hello"), Listen())),), _ONE),
        Visit((Handshake("/ws/closing/1002/{id}", talk=(Say("hello"), Listen())),), _TWO, after=0.05),
        Visit((Handshake("/ws/closing/1009/{id}", talk=(Say("hello"), Listen())),), _ONE, after=0.1),
        Visit((Handshake("/ws/closing/1000/{id}", talk=(Say("hello"), Listen())),), _TWO, after=0.15),
        Visit((Handshake("/ws/dropping/{id}", talk=(Say("hello"), Listen())),), _THREE, after=0.2),
        Visit((Handshake(talk=(Say("hello"), Hear(), Leave())),), _ONE, after=0.25),
        Visit((Handshake(talk=(Say("hello"), Hear(), Leave(reset=True))),), _TWO, after=0.3),
        Visit((Handshake(talk=(Say("hello"), Hear(), Close(1001, "going away"))),), _THREE, after=0.35),
        Visit((Handshake("/ws/violating/{id}", talk=(Say("hello"), Hear(), Close())),), _ONE, after=0.4),
        Visit((Handshake("/ws/odd/{id}", talk=(Raw(mask=False), Say("hello"), Close())),), _TWO, after=0.45),
        Visit((Handshake("/ws/odd/{id}", talk=(Raw(reserved=0x10), Say("hello"), Close())),), _THREE, after=0.5),
        Visit((Handshake(talk=(Say("big", 70_000), Hear(), Ping(), Close())),), _ONE, after=0.55),
        Visit((Request(),), _TWO, after=0.6),
        Visit((Request(headers=FORWARDED), Request()), _THREE, after=1.0),
    )
)

SILENT_ROUTER = Traffic(
    visits=(
        Visit((Handshake("/silent/{id}", patience=15),), _ONE),
        Visit((Handshake("/reset/{id}"),), _TWO, after=0.05),
        Visit((Handshake("/silent/{id}", abort_after=2.0),), _THREE, after=0.1),
        Visit((Request(), Handshake()), _ONE, after=0.2),
        Visit((Request(headers=FORWARDED), Pause(11), Request()), _TWO, after=0.3),
    )
)

SHARED_KEY = Traffic(
    visits=(
        *(
            Visit((Handshake(path, key="dGhlIHNhbXBsZSBub25jZQ=="),), source, after=0.01 * number)
            for number, (path, source) in enumerate(
                (
                    ("/ws/{id}", _ONE),
                    ("/ws/{id}", _TWO),
                    ("/refuse/503/{id}", _ONE),
                    ("/refuse/404/{id}", _THREE),
                    ("/slow/{id}", _TWO),
                    ("/ws/{id}", _THREE),
                )
            )
        ),
        Visit((Request(), Handshake()), _ONE, after=0.3),
        Visit((Request(headers=FORWARDED), Request()), _THREE, after=2.0),
    )
)

AT_ONCE = Traffic(
    visits=(
        *(Visit((Handshake("/slow/{id}"),), CLIENTS[number % 3], after=0.002 * number) for number in range(6)),
        *(Visit((Request(),), CLIENTS[number % 3], after=0.002 * number) for number in range(4)),
        Visit((Handshake("/refuse/503/{id}"),), _TWO, after=0.004),
        Visit((Handshake("/refuse/404/{id}"),), _THREE, after=0.006),
        Visit((Request(headers=FORWARDED), Request()), _THREE, after=1.8),
    )
)

RETRIED = Traffic(
    visits=(
        Visit((Handshake("/once/{id}"),), _ONE),
        Visit((Handshake(),), _TWO, after=0.05),
        Visit((Request(), Handshake("/once/{id}")), _THREE, after=0.1),
        Visit((Request(headers=FORWARDED), Request()), _THREE, after=0.6),
    )
)

IDLE = Traffic(
    visits=(
        Visit((Handshake(talk=(Say("hello"), Hear(), Wait(40))),), _ONE),
        Visit((Handshake(talk=(Say("hello"), Hear(), Wait(40))),), _TWO, after=2.5),
        Visit(
            (
                Handshake(
                    talk=(Say("hello"), Hear(), Wait(14), Say("again"), Hear(), Wait(14), Say("more"), Hear(), Close())
                ),
            ),
            _THREE,
            after=0.1,
        ),
        Visit((Request(), Handshake()), _ONE, after=0.2),
        Visit((Request(headers=FORWARDED), Request()), _THREE, after=34.0),
    )
)

LIFETIME = Traffic(
    visits=(
        Visit((Handshake("/ws/ticking/{id}", talk=(Listen(40),)),), _ONE),
        Visit((Handshake("/ws/ticking/{id}", talk=(Listen(40),)),), _TWO, after=1.5),
        Visit((Handshake("/ws/ticking/{id}", talk=(Listen(40),)),), _THREE, after=4.0),
        Visit((Request(), Handshake()), _ONE, after=0.2),
        Visit((Request(headers=FORWARDED), Request()), _THREE, after=31.0),
    )
)

H2C = Traffic(
    visits=(
        Visit(
            (
                Handshake(
                    "/page/{id}",
                    upgrade="h2c",
                    connection="Upgrade, HTTP2-Settings",
                    key=None,
                    websocket_version=None,
                    headers=(("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),),
                    talk=(),
                ),
            ),
            _ONE,
        ),
        *FEW.visits,
    )
)

MID_STREAM = Traffic(
    before=(
        Visit((Handshake(talk=(Say("hello"), Hear(), Wait(1.2), Say("still here"), Hear(), Close())),), _ONE),
        Visit((Request(), Pause(1.2), Handshake()), _TWO, after=0.05),
        Visit((Request(), Pause(1.3), Request(), Handshake("/refuse/503/{id}")), _THREE, after=0.1),
    ),
    visits=USUAL.visits[:6],
)

CUT_SHORT = Traffic(
    visits=USUAL.visits[:7],
    after=(
        Visit((Handshake(),), _TWO),
        Visit((Request(), Handshake("/refuse/503/{id}")), _ONE, after=0.05),
    ),
)

ON_8443 = Traffic(
    visits=tuple(Visit(visit.steps, visit.source, port=8443, after=visit.after) for visit in USUAL.visits)
)


def patient(traffic: Traffic, seconds: float = 12.0) -> Traffic:
    """The same with clients that wait as long as a bad link needs."""
    return Traffic(
        visits=tuple(
            replace(
                visit,
                steps=tuple(
                    step if isinstance(step, Pause) else replace(step, patience=seconds) for step in visit.steps
                ),
            )
            for visit in traffic.visits
        )
    )


def encrypted(traffic: Traffic, *tls: Tls) -> Traffic:
    """The same through TLS on 443; where several ways of it are given, visits take them in turn."""

    def secured(visits: tuple[Visit, ...]) -> tuple[Visit, ...]:
        return tuple(replace(visit, port=443, tls=tls[number % len(tls)]) for number, visit in enumerate(visits))

    return Traffic(secured(traffic.visits), secured(traffic.before), secured(traffic.after))


RESUMED = Traffic(
    visits=(
        Visit((Request(), Handshake()), _ONE),
        Visit((Handshake(protocols="chat"),), _ONE, after=0.5),
        Visit((Request(), Handshake("/refuse/503/{id}")), _TWO, after=1.0),
        Visit((Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),), _THREE, after=1.5),
        Visit((Request(headers=FORWARDED), Request()), _TWO, after=2.0),
    )
)
"""One after the other, so that each may offer the session of the one before."""
