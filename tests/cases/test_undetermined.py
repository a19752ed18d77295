"""The captures cannot tell, and say why."""

from __future__ import annotations

from pathlib import Path

import pytest

import wsanalyze
from tests.cases.wire import KEY, Story, answer, frame, handshake, request, switching, told

TLS_HELLO = bytes.fromhex("16030100310100002d0303") + bytes(32) + bytes.fromhex("000002130101000002ff01")[:11]


def passes(story: Story, target: str, key: str = KEY, client: str = "203.0.113.10") -> None:
    front, back = story.front(client), story.back()
    front.ask(handshake(target, key=key))
    back.ask(handshake(target, key=key, X_Forwarded_For=client)).reply(switching(key))
    front.reply(switching(key))


def test_the_back_capture_begins_later(tmp_path: Path) -> None:
    story = Story()
    story.front().ask(handshake()).reply(switching())
    story.page()
    story.page()
    assert told(story.analyze(tmp_path)) == ("undetermined", "back-not-captured", "established")


def test_the_back_capture_ends_before(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.page()
    story.front().ask(handshake()).reply(answer(403))
    assert told(story.analyze(tmp_path)) == ("undetermined", "back-not-captured", "refused")


def test_the_back_leg_is_encrypted(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front, back = story.front(), story.back(port=443)
    front.ask(handshake())
    back.ask(TLS_HELLO)
    front.reply(switching())
    story.page()
    assert told(story.analyze(tmp_path)) == ("undetermined", "encrypted", "established")


@pytest.mark.parametrize("answered", [True, False])
def test_the_front_leg_is_encrypted(tmp_path: Path, answered: bool) -> None:
    """What left the load balancer is there to be seen; what came of it only where the router's answer was captured."""
    story = Story()
    front, back = story.front(port=443), story.back()
    front.ask(TLS_HELLO)
    back.ask(handshake(X_Forwarded_For="203.0.113.10"))
    if answered:
        back.reply(switching()).ask(frame(b"hello", masked=True))
    else:
        back.sequence[False] += 500
        back.ask(b"").reply(b"")
    front.reply(b"\x17\x03\x03\x00\x05hello")
    analysis = story.analyze(tmp_path)
    row = analysis.handshakes.iloc[0]
    if not answered:
        assert told(analysis, "/ws") == ("undetermined", "encrypted", None)
        return
    assert told(analysis, "/ws") == ("passed-through", None, None)
    assert row["confidence"] == "likely"
    assert "only the keys would tell" in row["reason"]
    assert (row["client"], row["target"], row["back_target"], row["front_status"]) == (
        None,
        None,
        "/ws",
        row["front_status"],
    )
    assert row["router"] == "10.244.0.10:80"


def test_only_the_back_shows_it(tmp_path: Path) -> None:
    story = Story()
    story.page()
    story.back().ask(handshake()).reply(switching())
    story.page()
    assert told(story.analyze(tmp_path), "/ws") == ("undetermined", "handshake-not-captured", None)


def test_the_same_key_at_the_same_time_with_different_fates(tmp_path: Path) -> None:
    story = Story()
    story.page()
    fronts = [story.front("203.0.113.20"), story.front("203.0.113.21")]
    for front in fronts:
        front.ask(handshake("/same"))
    story.back().ask(handshake("/same")).reply(switching())
    for front in fronts:
        front.reply(switching())
    story.page()
    rows = story.analyze(tmp_path).handshakes
    assert list(rows["verdict"]) == ["undetermined"] * 2
    assert list(rows["detail"]) == ["ambiguous"] * 2


def test_the_same_key_at_the_same_time_with_the_same_fate(tmp_path: Path) -> None:
    story = Story()
    fronts = [story.front(f"203.0.113.{number}") for number in (20, 21, 22)]
    for front in fronts:
        front.ask(handshake("/same"))
    backs = [story.back().ask(handshake("/same", Via="lb")) for _ in fronts]
    for back in backs:
        back.reply(switching())
    for front in fronts:
        front.reply(switching())
    rows = story.analyze(tmp_path).handshakes
    assert list(rows["verdict"]) == ["passed-through"] * 3
    assert set(rows["confidence"]) == {"likely"}


def test_the_same_key_named_apart_by_the_forwarded_address(tmp_path: Path) -> None:
    story = Story()
    story.page()
    fronts = {name: story.front(name) for name in ("203.0.113.20", "203.0.113.21")}
    for front in fronts.values():
        front.ask(handshake("/same"))
    story.back().ask(handshake("/same", X_Forwarded_For="203.0.113.21")).reply(switching())
    story.back().ask(handshake("/same", Upgrade=None, Connection="close", X_Forwarded_For="203.0.113.20")).reply(
        answer(400)
    )
    fronts["203.0.113.20"].reply(answer(400))
    fronts["203.0.113.21"].reply(switching())
    rows = story.analyze(tmp_path).handshakes.set_index("client")
    by_client = {str(client).partition(":")[0]: verdict for client, verdict in rows["verdict"].items()}
    assert by_client == {"203.0.113.20": "stripped", "203.0.113.21": "passed-through"}


def test_the_same_key_on_different_paths(tmp_path: Path) -> None:
    story = Story()
    story.page()
    one, two, three = story.front("203.0.113.20"), story.front("203.0.113.21"), story.front("203.0.113.22")
    one.ask(handshake("/passes"))
    two.ask(handshake("/stripped"))
    three.ask(handshake("/local"))
    story.back().ask(handshake("/passes", Via="lb")).reply(switching())
    story.back().ask(handshake("/stripped", Upgrade=None, Connection="close")).reply(answer(400))
    one.reply(switching())
    two.reply(answer(400))
    three.reply(switching())
    story.page()
    analysis = story.analyze(tmp_path)
    assert told(analysis, "/passes")[0] == "passed-through"
    assert told(analysis, "/stripped")[0] == "stripped"
    assert told(analysis, "/local")[:2] == ("terminated", "local")


def test_the_same_key_at_different_times(tmp_path: Path) -> None:
    story = Story()
    for _ in range(5):
        passes(story, "/same")
        story.wait(1)
    rows = story.analyze(tmp_path).handshakes
    assert list(rows["verdict"]) == ["passed-through"] * 5
    assert rows["back_connection"].nunique() == 5


def test_something_else_on_the_back_may_have_come_from_it(tmp_path: Path) -> None:
    story = Story()
    story.page()
    front = story.front()
    front.ask(handshake("/ws?room=1"))
    story.back().ask(request(target="/internal/ws", X_Forwarded_For="203.0.113.10")).reply(answer(400)).end()
    front.reply(answer(400))
    story.page()
    assert told(story.analyze(tmp_path), "/ws?room=1")[0] in {"undetermined", "stripped"}


@pytest.mark.parametrize("swap", [False, True])
def test_one_file_for_both_sides_and_sides_exchanged(tmp_path: Path, swap: bool) -> None:
    story = Story()
    for number in range(3):
        passes(story, f"/{number}", key=f"{number:022}==")
        story.page()
    front, back = story.files(tmp_path)
    if swap:
        assert set(wsanalyze.analyze(back, front).handshakes["verdict"]) <= {"undetermined", "passed-through"}
        return
    with pytest.raises(wsanalyze.CaptureError, match="which leg is which cannot be told"):
        wsanalyze.analyze(front, front)


def test_a_clock_that_jumps_in_the_middle(tmp_path: Path) -> None:
    story = Story()
    for number in range(8):
        if number == 4:
            story.offset = 5.0
        passes(story, f"/{number}", key=f"{number:022}==")
        story.page()
        story.wait(0.5)
    analysis = story.analyze(tmp_path)
    assert set(analysis.handshakes["verdict"]) == {"passed-through"}
    assert analysis.clock_offset.low is not None
    assert analysis.clock_offset.low <= 0 <= (analysis.clock_offset.high or 0)
    assert any("The clock of the back was set ahead by 5.000 s" in note for note in analysis.notes)
