"""Each form in which a scenario was captured is what it says: its files, what tshark reads in them, how they were cut and timed."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from captures.lab.making import records
from captures.lab.scenarios import SCENARIOS as PLANNED
from tests import scenarios as corpus

TSHARK, MERGECAP = shutil.which("tshark"), shutil.which("mergecap")
LARGEST = 300_000
METHODS = (b"GET ", b"POST ", b"HEAD ")


@dataclass(frozen=True)
class Captured:
    """One form of a scenario."""

    scenario: corpus.Scenario
    told: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.scenario.name}-{self.told['name']}"

    def __hash__(self) -> int:
        return hash(repr(self))

    def files(self, side: str) -> list[Path]:
        """The files of `front`, `back` or `both`, in their order."""
        return [self.scenario.folder / name for name in self.told.get(side, ())]

    @property
    def sides(self) -> list[str]:
        """Which of the three there are."""
        return [side for side in ("front", "back", "both") if side in self.told]


@dataclass(frozen=True)
class Message:
    """The head of an HTTP request, with its target, or of a response, with its status."""

    moment: float
    source: str
    target: str
    status: str


FORMS = [Captured(scenario, told) for scenario in corpus.SCENARIOS for told in scenario.truth.get("forms", ())]
BY_NAME = {repr(form): form for form in FORMS}
each_form = pytest.mark.parametrize("form", FORMS, ids=repr)
needs_tshark = pytest.mark.skipif(not (TSHARK and MERGECAP), reason="tshark is not installed")


@cache
def messages(files: tuple[Path, ...]) -> list[Message]:
    """The heads of HTTP messages in a series of files, packet by packet: so also those that come twice or out of order."""
    whole = subprocess.run([MERGECAP or "", "-a", "-w", "-", *map(str, files)], capture_output=True, check=True)
    fields = ("frame.time_epoch", "ip.src", "tcp.payload")
    command = [TSHARK or "", "-r", "-", "-Y", "tcp.len > 0", "-T", "fields"]
    command += [word for name in fields for word in ("-e", name)]
    done = subprocess.run(command, input=whole.stdout, capture_output=True, check=True)
    return list(_heads(line.split("\t") for line in done.stdout.decode().splitlines()))


def _heads(rows: Iterable[list[str]]) -> Iterator[Message]:
    for moment, source, payload in rows:
        first = bytes.fromhex(payload).partition(b"\r\n")[0]
        second = first.decode("latin-1").partition(" ")[2].partition(" ")[0]
        if first.startswith((*METHODS, b"HTTP/1.1 ")):
            asks = first.startswith(METHODS)
            # Within a tunnel the outer address comes first.
            inner = source.rpartition(",")[2]
            yield Message(float(moment), inner, second if asks else "", "" if asks else second)


def seen_in(form: Captured, side: str) -> list[Message]:
    return messages(tuple(form.files(side)))


def times(path: Path) -> list[float]:
    """The time of each record of a classic pcap file."""
    heads = (struct.unpack_from("<II", record) for record in records(path.read_bytes()))
    return [whole + fraction / 1e6 for whole, fraction in heads]


def targets(form: Captured) -> tuple[Counter[str], Counter[str]]:
    """What was asked of the judged box, and what of it left on its other side."""
    truth = form.scenario.truth
    lines = [*truth["handshakes"], *truth["http"]]
    arrived = Counter(line["router_path"] for line in lines if line["router_saw_request"])
    if form.told["judged"] == "load balancer":
        return Counter(line["path"] for line in lines), arrived
    legs = form.told["handshakes"] | form.told["http"]
    return arrived, Counter(line["router_path"] for line in lines if legs[line["id"]]["router"])


def test_every_planned_form_is_there() -> None:
    planned = {f"{scenario.name}-{form.name}": form for scenario in PLANNED for form in scenario.forms}
    assert set(planned) == set(BY_NAME)
    for name, form in planned.items():
        told = BY_NAME[name].told
        assert (told["shows"], told["judged"], told["clock_shift"]) == (form.shows, form.judged, form.clock_shift)


@each_form
def test_the_files_are_there_and_small(form: Captured) -> None:
    assert form.sides in (["both"], ["front", "back"])
    assert ("lb" in form.told) >= (form.sides == ["both"])
    for side in form.sides:
        assert form.files(side)
        for path in form.files(side):
            assert 24 < path.stat().st_size <= LARGEST, path


def test_no_file_belongs_to_no_form() -> None:
    for scenario in {form.scenario.name: form.scenario for form in FORMS}.values():
        named = {
            path for form in FORMS if form.scenario == scenario for side in form.sides for path in form.files(side)
        }
        for form in (form for form in FORMS if form.scenario == scenario):
            # What others are merged of is named in how they were made.
            named |= {scenario.folder / word for line in form.told["made"] for word in line.replace(":", " ").split()}
        there = {path for path in (scenario.folder / "forms").rglob("*") if path.is_file()}
        assert there <= named


@needs_tshark
@each_form
def test_every_request_is_in_it(form: Captured) -> None:
    asked, went_on = targets(form)
    if form.sides == ["both"]:
        found = Counter(message.target for message in seen_in(form, "both") if message.target)
        assert not (asked + went_on) - found
        return
    for side, due in (("front", asked), ("back", went_on)):
        found = Counter(message.target for message in seen_in(form, side) if message.target)
        assert not due - found, side


@needs_tshark
@each_form
def test_every_101_is_in_it(form: Captured) -> None:
    accepted = sum(h["client_status"] == 101 for h in form.scenario.truth["handshakes"])
    for side in form.sides:
        found = sum(message.status == "101" for message in seen_in(form, side))
        assert found >= accepted * (2 if side == "both" else 1)


def test_series_are_in_the_order_in_which_they_were_written() -> None:
    for form in (BY_NAME["haproxy-forms-rotated-dumpcap"], BY_NAME["haproxy-forms-rotated-tcpdump"]):
        for side in ("front", "back"):
            names = [path.name for path in form.files(side)]
            assert len(names) >= 5
            if form.told["name"] == "rotated-dumpcap":
                assert names == sorted(names)
                assert all(name.startswith(f"{side}_{n:05}_") for n, name in enumerate(names, start=1))
            else:
                assert names == [f"{side}.pcap{number or ''}" for number in range(len(names))]
                moments = [moment for path in form.files(side) for moment in times(path)]
                assert moments == sorted(moments)
                assert len(names) > 10, "the names do not sort as text"


@needs_tshark
@pytest.mark.parametrize("name", ["rotated-dumpcap", "rotated-tcpdump"])
@pytest.mark.parametrize("side", ["front", "back"])
def test_a_series_is_cut_between_a_request_and_its_101(name: str, side: str) -> None:
    form = BY_NAME[f"haproxy-forms-{name}"]
    parts = [messages((path,)) for path in form.files(side)]
    asked = {m.target: number for number, part in enumerate(parts) for m in part if m.target}
    handshakes = [h for h in form.scenario.truth["handshakes"] if h["client_status"] == 101]
    answers = Counter(number for number, part in enumerate(parts) for m in part if m.status == "101")
    asking = Counter(asked[h["path"]] for h in handshakes)
    assert answers.total() == asking.total()
    assert answers != asking


def _apart(form: Captured) -> Iterator[float]:
    """By how much each record of the form's back differs from the clean pair's."""
    for before, after in zip(times(form.scenario.back), times(form.files("back")[0]), strict=True):
        yield round(after - before, 6)


@pytest.mark.parametrize("name", ["skew-seconds", "skew-microseconds"])
def test_a_skewed_clock_is_off_by_the_same_all_the_time(name: str) -> None:
    form = BY_NAME[f"haproxy-forms-{name}"]
    assert set(_apart(form)) == {form.told["clock_shift"]}


@pytest.mark.parametrize(("name", "seconds"), [("clock-jump", 5.0), ("clock-jump-back", -2.5)])
def test_a_clock_jumps_once_in_the_middle(name: str, seconds: float) -> None:
    apart = list(_apart(BY_NAME[f"haproxy-forms-{name}"]))
    middle = len(apart) // 2
    assert (set(apart[:middle]), set(apart[middle:])) == ({0.0}, {seconds})


@pytest.mark.parametrize("side", ["front", "back"])
def test_records_are_out_of_order_by_milliseconds(side: str) -> None:
    form = BY_NAME["haproxy-forms-out-of-order"]
    path, clean = form.files(side)[0], form.scenario.folder / f"{side}.pcap"
    assert Counter(records(path.read_bytes())) == Counter(records(clean.read_bytes()))
    moments = times(path)
    steps = [before - after for before, after in pairwise(moments) if after < before]
    assert len(steps) > 10
    assert max(steps) < 0.008


@needs_tshark
@pytest.mark.parametrize(
    ("name", "side", "field", "networks"),
    [
        ("vxlan-mirror", "front", "vxlan.vni", {"1001"}),
        ("vxlan-mirror", "back", "vxlan.vni", {"1002"}),
        ("geneve-mirror", "front", "geneve.vni", {"0x0003e9"}),
        ("geneve-mirror", "back", "geneve.vni", {"0x0003ea"}),
        ("mirror-both", "both", "vxlan.vni", {"1001", "1002"}),
        ("vxlan-overlay", "back", "vxlan.vni", {"42"}),
    ],
)
def test_tunnels_carry_every_packet(name: str, side: str, field: str, networks: set[str]) -> None:
    form = BY_NAME[f"haproxy-forms-{name}"]
    command = [TSHARK or "", "-r", str(form.files(side)[0]), "-T", "fields", "-e", field, "-e", "udp.dstport"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = {tuple(line.split("\t")) for line in done.stdout.splitlines()}
    assert {row[0] for row in rows} == networks
    assert {row[1] for row in rows} == {"6081" if "geneve" in name else "4789"}


@needs_tshark
@pytest.mark.parametrize("name", ["merged", "merged-pcapng", "appended"])
def test_what_two_boxes_recorded_is_there_twice_by_two_clocks(name: str) -> None:
    form = BY_NAME[f"gorouter-forms-{name}"]
    asked = {h["router_path"] for h in form.scenario.truth["handshakes"]}
    moments: dict[str, list[float]] = {}
    for message in seen_in(form, "both"):
        if message.target in asked and message.source == "10.244.0.1":
            moments.setdefault(message.target, []).append(message.moment)
    assert set(moments) == asked
    for first, second in moments.values():
        assert second - first == pytest.approx(form.told["clock_shift"], abs=0.01)


@needs_tshark
def test_merged_pcapng_holds_link_types_and_interfaces() -> None:
    path = BY_NAME["gorouter-forms-merged-pcapng"].files("both")[0]
    command = [TSHARK or "", "-r", str(path), "-T", "fields", "-e", "frame.interface_id", "-e", "frame.encap_type"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    encapsulations = dict(line.split("\t") for line in done.stdout.splitlines())
    ethernet, cooked = "1", "210"
    assert encapsulations == {"0": ethernet, "1": ethernet, "2": cooked}


def test_merged_is_in_time_order_and_appended_is_not() -> None:
    for name in ("merged", "appended"):
        moments = times(BY_NAME[f"gorouter-forms-{name}"].files("both")[0])
        assert (moments == sorted(moments)) == (name == "merged")


def test_the_gorouter_is_judged_by_its_own_two_legs() -> None:
    said = Counter(
        (h["expected"], h["expected_detail"], h["expected_mode"], h["outcome"], h["router_status"])
        for h in BY_NAME["gorouter-forms-gorouter-any"].told["handshakes"].values()
    )
    assert said == {
        ("passed-through", None, "http", "established", 101): 6,
        ("passed-through", None, "http", "refused", 403): 1,
        ("blocked", "by-policy", None, "refused", None): 1,
        ("blocked", "router-unreachable", None, "refused", None): 1,
    }
    judged = [form.told for form in FORMS if form.told["judged"] == "gorouter"]
    assert all(told["handshakes"] == judged[0]["handshakes"] for told in judged)


@needs_tshark
def test_the_gorouter_fills_in_what_the_load_balancer_left_out() -> None:
    form = BY_NAME["gorouter-forms-gorouter-pair"]
    lacking = {}
    for side in ("front", "back"):
        command = [TSHARK or "", "-r", str(form.files(side)[0]), "-d", "tcp.port==61001,http", "-Y"]
        command += ["http.request and not http.x_forwarded_for", "-T", "fields", "-e", "http.request.uri"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lacking[side] = set(done.stdout.split())
    assert not any(leg["expected_missing"] for leg in form.told["http"].values())
    due = {line["router_path"] for line in form.scenario.truth["http"] if line["expected_missing"]}
    assert due
    assert lacking == {"front": due, "back": set()}


@needs_tshark
def test_paths_cross() -> None:
    form = BY_NAME["crossed-forms-crossed"]
    lines = [*form.scenario.truth["handshakes"], *form.scenario.truth["http"]]
    paths = {(line["lb_front"], line["router"]) for line in lines}
    assert len(paths) == 4
    for side, names, key in (("front", form.told["front"], "lb_front"), ("back", form.told["back"], "router")):
        boxes = sorted({line[key] for line in lines})
        for name, box in zip(names, boxes, strict=True):
            found = Counter(m.target for m in messages((form.scenario.folder / name,)) if m.target)
            assert found == Counter(line["path"] for line in lines if line[key] == box), (side, name)


def test_the_boxes_have_clocks_of_their_own() -> None:
    form = BY_NAME["crossed-forms-crossed"]
    true = BY_NAME["crossed-forms-crossed-one-clock"]
    for side in ("front", "back"):
        for name, path, unshifted in zip(form.told[side], form.files(side), true.files(side), strict=True):
            ahead = {round(a - b, 6) for a, b in zip(times(path), times(unshifted), strict=True)}
            assert ahead == {form.told["clocks"].get(name, 0.0)}
