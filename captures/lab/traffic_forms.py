"""Takes nothing, gives the plans of traffic for the scenarios that are captured in many forms."""

from __future__ import annotations

from captures.lab.network import CLIENTS
from captures.lab.plan import DOPPLER, Close, Handshake, Hear, Request, Say, Talk, Traffic, Visit, Wait
from captures.lab.traffic import DEFLATE, FORWARDED

_ONE, _TWO, _THREE = CLIENTS


def _chatting(times: int, pause: float) -> tuple[Talk, ...]:
    """A WebSocket that says something all the time."""
    return (*(part for _ in range(times) for part in (Say("are you there"), Hear(), Wait(pause))), Close())


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
