"""Takes nothing, gives the plans of traffic for the scenarios that are captured in many forms."""

from __future__ import annotations

from captures.lab.gorouter import CLOSED
from captures.lab.network import CLIENTS, LB2_FRONT, LB_FRONT
from captures.lab.plan import DOPPLER, Close, Handshake, Hear, Request, Say, Talk, Traffic, Visit, Wait
from captures.lab.traffic import DEFLATE, FORWARDED

_ONE, _TWO, _THREE = CLIENTS


def _chatting(times: int, pause: float) -> tuple[Talk, ...]:
    """A WebSocket that says something all the time."""
    return (*(part for _ in range(times) for part in (Say("are you there"), Hear(), Wait(pause))), Close())


_HARD_CODED = "dGhlIHNhbXBsZSBub25jZQ=="
_LAB_ID = (("X-Lab-Id", "{id}"),)

FORMS = Traffic(
    visits=(
        # Lives from the first to the last file of a series, and fills files while slow handshakes wait for their answer.
        Visit((Handshake(talk=_chatting(40, 0.06)),), _ONE),
        Visit((Request(), Request(headers=FORWARDED), Handshake()), _TWO, after=0.05),
        Visit((Handshake("/slow/{id}"),), _THREE, after=0.1),
        Visit((Handshake(protocols="chat, superchat", extensions=DEFLATE),), _TWO, after=0.2),
        Visit((Handshake("/refuse/404/{id}"), Request(), Handshake()), _THREE, after=0.3),
        Visit((Handshake("/refuse/503/{id}"),), _ONE, after=0.4),
        Visit((Handshake("/slow/{id}"), Request()), _TWO, after=0.5),
        Visit((Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),), _THREE, after=0.6),
        Visit((Handshake(connection="keep-alive, Upgrade"),), _ONE, after=0.7),
        Visit((Request(method="POST", body=b"a=1&b=2"), Request("/refuse/404/{id}")), _TWO, after=0.8),
        Visit((Handshake("/slow/{id}"),), _TWO, after=0.9),
        Visit((Request(headers=FORWARDED), Request()), _THREE, after=2.6),
    )
)

GOROUTER = Traffic(
    visits=(
        Visit((Request(), Handshake()), _ONE),
        Visit((Handshake(protocols="chat, superchat", extensions=DEFLATE),), _TWO, after=0.1),
        # No X-Forwarded-* comes of this client unless it sends them.
        Visit((Request(), Request(headers=FORWARDED), Handshake(headers=FORWARDED)), _THREE, after=0.2),
        Visit((Handshake(host="unknown.apps.test"), Request(host="unknown.apps.test")), _ONE, after=0.3),
        Visit((Handshake(host=CLOSED), Request(host=CLOSED)), _TWO, after=0.4),
        Visit((Handshake("/refuse/403/{id}"),), _ONE, after=0.5),
        Visit((Handshake("/slow/{id}"),), _TWO, after=0.6),
        Visit((Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),), _ONE, after=0.7),
        Visit((Request(method="POST", body=b"a=1&b=2"), Request(headers=FORWARDED)), _TWO, after=0.8),
        Visit((Handshake(talk=_chatting(8, 0.1)),), _ONE, after=0.9),
        Visit((Request(), Request()), _TWO, after=2.6),
    )
)

CROSSED = Traffic(
    visits=(
        # From here on the two choose different routers for what comes to both at the same time.
        Visit((Request(),), _THREE, LB2_FRONT, after=0.35),
        *(
            visit
            for number, lb in enumerate((LB_FRONT, LB2_FRONT))
            for visit in (
                # The same is under way on both at the same time.
                Visit((Handshake("/slow/chat", headers=_LAB_ID),), CLIENTS[number], lb, after=0.1),
                Visit((Handshake("/slow/chat", headers=_LAB_ID, key=_HARD_CODED),), CLIENTS[number], lb, after=0.2),
                Visit((Handshake("/ws/{id}", key=_HARD_CODED),), CLIENTS[number], lb, after=0.3),
                Visit((Request(), Request(headers=FORWARDED), Handshake()), _THREE, lb, after=0.4 + 0.002 * number),
                Visit((Handshake(talk=_chatting(15, 0.1)),), _ONE, lb, after=0.5),
                Visit((Handshake("/refuse/503/{id}"), Request(), Handshake()), _TWO, lb, after=0.6 + 0.03 * number),
                Visit((Handshake("/apps/{id}/stream", host=DOPPLER, talk=(Hear(12), Close())),), _ONE, lb, after=0.7),
                Visit((Request(method="POST", body=b"a=1"), Request()), _TWO, lb, after=0.8),
                Visit((Request(), Request(), Request()), _THREE, lb, after=2.6),
            )
        ),
    )
)
