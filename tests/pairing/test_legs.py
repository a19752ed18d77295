"""The boxes that traffic shows, and which leg a connection belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

import wsanalyze
from tests.cases.wire import CLIENT, LB_BACK, LB_FRONT, ROUTER, Story, answer, handshake, request, switching
from tests.pairing.recordings import together
from wsanalyze.pairing import legs, listeners
from wsanalyze.pairing.legs import Box
from wsanalyze.tables import Tables

HERE = "127.0.0.1"
APP, GOROUTER_BACK = "10.255.0.20", "10.255.0.1"
KEYS = [f"dGhlIHNhbXBsZSBub{letter}5jZQ==" for letter in "ABCDEFGH"]


def through(story: Story, way: list[tuple[str, str, int]], head: bytes, reply: bytes) -> None:
    """A request goes through boxes: (who asks, who is asked, port), one after the other."""
    hops = [story.tcp("front", *hop).connect().ask(head) for hop in way]
    for hop in reversed(hops):
        hop.reply(reply)
    for hop in hops:
        hop.end()


def handshakes(story: Story, way: list[tuple[str, str, int]], keys: list[str] = KEYS[:3]) -> Tables:
    """The tables of handshakes that all go this way."""
    for key in keys:
        through(story, way, handshake(key=key), switching(key))
    return together(story.records)


def ends(tables: Tables) -> set[tuple[str, str]]:
    return set(zip(tables.connections["client_address"], tables.connections["server_address"], strict=True))


def test_a_box_is_asked_and_asks_on() -> None:
    story = Story()
    story.tcp("front", CLIENT, "198.51.100.7", 80).connect().ask(request()).reply(answer(200)).end()
    tables = handshakes(story, [(CLIENT, LB_FRONT, 80), (LB_BACK, ROUTER, 80)])
    assert legs.boxes(tables) == [Box(frozenset({LB_FRONT, LB_BACK}), 3, frozenset({ROUTER}))]
    found = legs.split(tables, {LB_FRONT, LB_BACK})
    assert (ends(found.front), ends(found.back)) == ({(CLIENT, LB_FRONT)}, {(LB_BACK, ROUTER)})
    assert found.neither == 1
    assert len(found.front.exchanges) == len(found.back.exchanges) == 3


def test_ordinary_requests_show_it_as_well() -> None:
    story = Story()
    story.page("/one")
    story.page("/two", forwarded=False)
    assert legs.boxes(together(story.records)) == [Box(frozenset({LB_FRONT, LB_BACK}), 2, frozenset({ROUTER}))]


def test_a_box_with_one_address_for_both_legs() -> None:
    tables = handshakes(Story(), [(CLIENT, LB_FRONT, 80), (LB_FRONT, ROUTER, 80)])
    (box,) = legs.boxes(tables)
    assert (box.addresses, box.seen) == (frozenset({LB_FRONT}), 3)
    found = legs.split(tables, box.addresses)
    assert (ends(found.front), ends(found.back)) == ({(CLIENT, LB_FRONT)}, {(LB_FRONT, ROUTER)})


def test_a_box_whose_legs_are_of_different_kinds() -> None:
    tables = handshakes(Story(), [("2001:db8::9", "2001:db8::1", 80), (LB_BACK, ROUTER, 80)])
    (box,) = legs.boxes(tables)
    assert box.options() == f"--lb {LB_BACK} --lb 2001:db8::1"


def test_boxes_in_a_row_are_told_from_the_outside_in() -> None:
    way = [(CLIENT, LB_FRONT, 80), (LB_BACK, ROUTER, 80), (GOROUTER_BACK, APP, 61001)]
    tables = handshakes(Story(), way)
    outer, inner = legs.boxes(tables)
    assert outer == Box(frozenset({LB_FRONT, LB_BACK}), 3, frozenset({ROUTER}))
    assert inner == Box(frozenset({ROUTER, GOROUTER_BACK}), 3, frozenset({APP}))
    assert not legs.abreast([outer, inner])
    found = legs.split(tables, inner.addresses)
    assert (ends(found.front), ends(found.back), found.neither) == ({(LB_BACK, ROUTER)}, {(GOROUTER_BACK, APP)}, 3)


def test_boxes_abreast_are_judged_together() -> None:
    story = Story()
    handshakes(story, [(CLIENT, LB_FRONT, 80), (LB_BACK, ROUTER, 80)], KEYS[:3])
    tables = handshakes(story, [(CLIENT, "203.0.113.2", 80), ("10.244.0.2", ROUTER, 80)], KEYS[3:6])
    found = legs.boxes(tables)
    assert legs.abreast(found)
    assert {box.addresses for box in found} == {
        frozenset({LB_FRONT, LB_BACK}),
        frozenset({"203.0.113.2", "10.244.0.2"}),
    }
    split = legs.split(tables, legs.spread(found))
    assert (len(split.front.connections), len(split.back.connections), split.neither) == (6, 6, 0)


def test_a_second_try_goes_to_another_router() -> None:
    story = Story()
    for key in KEYS[:2]:
        front = story.front().ask(handshake(key=key))
        story.back().ask(handshake(key=key)).reset(by_client=False)
        story.back("10.244.0.11").ask(handshake(key=key)).reply(switching(key)).end()
        front.reply(switching(key)).end()
    (box,) = legs.boxes(together(story.records))
    assert box.addresses == {LB_FRONT, LB_BACK}
    assert box.behind <= {ROUTER, "10.244.0.11"}


def test_clients_that_send_the_same_key_are_no_boxes() -> None:
    story = Story()
    for _ in range(2):
        fronts = [story.front(client).ask(handshake()) for client in (CLIENT, "203.0.113.11", "203.0.113.12")]
        backs = [story.back().ask(handshake()).reply(switching()) for _ in fronts]
        for one in (*fronts, *backs):
            one.end()
    for box in legs.boxes(together(story.records)):
        assert box.addresses == {LB_FRONT, LB_BACK}


@pytest.mark.parametrize("named", [True, False], ids=["forwarded", "unnamed"])
def test_one_request_after_the_other_is_no_box(*, named: bool) -> None:
    story = Story()
    for number in range(3):
        names = {"X_Forwarded_For": CLIENT} if named else {}
        through(story, [(CLIENT, LB_FRONT, 80)], request(target=f"/{number}", **names), answer(200))
        story.wait(30)
        through(story, [("192.0.2.5", "192.0.2.80", 80)], request(target=f"/{number}"), answer(200))
    assert legs.boxes(together(story.records)) == []


def test_who_answers_and_asks_where_nothing_can_be_read() -> None:
    story = Story()
    front, back = story.front(), story.tcp("back", LB_FRONT, ROUTER, 80).connect()
    for one in (front, back):
        one.ask(b"\x00\x01\x02 nothing that is HTTP").reply(b"\x03\x04").end()
    assert legs.boxes(together(story.records)) == [Box(frozenset({LB_FRONT}), 0, frozenset({ROUTER}))]


def test_one_leg_shows_no_box() -> None:
    story = Story()
    story.page()
    assert legs.boxes(together({"front": story.records["front"]})) == []
    assert legs.boxes(together({"front": []})) == []
    assert [len(one.connections) for one in listeners.split(together({"front": []}))[:2]] == [0, 0]


def test_on_one_machine_the_ports_that_are_asked_second_are_the_back() -> None:
    story = Story()
    story.tcp("front", HERE, HERE, 22).connect().ask(b"SSH-2.0-x\r\n").end()
    tables = handshakes(story, [(HERE, HERE, 8080), (HERE, HERE, 9000)])
    front, back, neither = listeners.split(tables)
    assert (set(front.connections["server_port"]), set(back.connections["server_port"]), neither) == ({8080}, {9000}, 1)
    assert len(front.connections) == len(back.connections) == 3


def test_on_one_machine_a_box_behind_a_box_tells_nothing() -> None:
    tables = handshakes(Story(), [(HERE, HERE, 8080), (HERE, HERE, 9000)], KEYS[:2])
    twice = handshakes(Story(), [(HERE, HERE, 8080), (HERE, HERE, 9000), (HERE, HERE, 9001)], KEYS[:2])
    assert len(listeners.split(tables)[0].connections) == 2
    assert not len(listeners.split(twice)[0].connections)


@pytest.mark.parametrize(("given", "normal"), [(" 10.0.0.1 ", "10.0.0.1"), ("[2001:DB8::0:1]", "2001:db8::1")])
def test_addresses_as_the_tables_write_them(given: str, normal: str) -> None:
    assert legs.normal(given) == normal


def test_boxes_in_a_circle_are_told_in_few_words(tmp_path: Path) -> None:
    story = Story()
    addresses = [f"10.1.{number // 250}.{number % 250}" for number in range(1_000)]
    for one, other in zip(addresses, [*addresses[1:], addresses[0]], strict=True):
        story.tcp("front", one, other, 80).connect().end()
    found = legs.boxes(together(story.records))
    assert len(found) == len(addresses)
    assert not legs.abreast(found)
    front, _ = story.files(tmp_path)
    with pytest.raises(wsanalyze.CaptureError) as error:
        wsanalyze.analyze(front)
    assert len(error.value.hint) < 2_000


def test_a_client_that_names_others_does_not_make_one_leg_two() -> None:
    story = Story()
    for key in KEYS:
        story.front().ask(handshake(key=key)).reply(switching(key)).end()
    forged = story.tcp("front", "203.0.113.66", "203.0.113.2", 80).connect()
    forged.ask(handshake(key=KEYS[0], X_Forwarded_For=CLIENT)).reply(switching(KEYS[0])).end()
    assert not legs.are_several(together(story.records))
    both = handshakes(Story(), [(CLIENT, LB_FRONT, 80), (LB_FRONT, ROUTER, 80)], KEYS)
    assert legs.are_several(both)
