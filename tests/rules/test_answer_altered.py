"""The router's refusal has to reach the client in its own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import CLIENT, Story, answer, handshake, request, switching
from tests.rules.exchanges import found, instances, went_by

RULE = "answer-altered"
SENT, GOT = handshake(), handshake(X_Forwarded_For=CLIENT)
REFUSED = answer(503, X_Cf_Routererror="no_endpoints")


@pytest.mark.parametrize(
    ("said", "heard", "note"),
    [
        (REFUSED, answer(502), "router 503 no_endpoints → client 502 without X-Cf-Routererror"),
        (REFUSED, answer(503), "router 503 no_endpoints → client 503 without X-Cf-Routererror"),
        (REFUSED, answer(500, X_Cf_Routererror="no_endpoints"), "router 503 no_endpoints → client 500"),
        (answer(404), answer(200), "router 404 → client 200"),
        (answer(200), answer(404), "router 200 → client 404"),
    ],
)
def test_other_words(tmp_path: Path, said: bytes, heard: bytes, note: str) -> None:
    analysis = went_by(tmp_path, SENT, GOT, said, heard)
    (instance,) = instances(analysis, RULE)
    assert (instance.side, instance.note, instance.handshake) == ("front", note, "h1")
    assert found(analysis, RULE)[0].severity == "warning"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (REFUSED, REFUSED),
        (REFUSED, answer(503, b"an own page", x_cf_routererror="no_endpoints", Via="1.1 lb")),
        (REFUSED, answer(503, X_Cf_Routererror="")),
        (answer(400), answer(400)),
        (answer(502), switching()),
        (switching(), answer(502)),
        (switching(), switching()),
        (REFUSED, REFUSED[:20]),
        (REFUSED, b""),
        (REFUSED[:-25], answer(503)),
        (b"", answer(504)),
    ],
)
def test_the_same_words_or_no_refusal(tmp_path: Path, said: bytes, heard: bytes) -> None:
    analysis = went_by(tmp_path, SENT, GOT, said, heard)
    assert len(analysis.handshakes) == 1
    assert not found(analysis, RULE)


def test_an_ordinary_request_is_not_looked_at(tmp_path: Path) -> None:
    got = request(target="/a", X_Forwarded_For=CLIENT, X_Forwarded_Proto="http")
    assert not found(went_by(tmp_path, request(target="/a"), got, REFUSED, answer(502)), RULE)


def test_the_answer_to_a_second_try(tmp_path: Path) -> None:
    story = Story()
    front = story.front()
    front.ask(SENT)
    story.back("10.244.0.11").ask(GOT).reply(REFUSED).end()
    again = handshake(Upgrade=None, Connection="close", X_Forwarded_For=CLIENT)
    story.back("10.244.0.12").ask(again).reply(answer(400)).end()
    front.reply(answer(400))
    analysis = story.analyze(tmp_path)
    assert found(analysis, "handshake-retried")
    assert not found(analysis, RULE)
