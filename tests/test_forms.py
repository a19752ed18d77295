"""However operators captured it, the verdicts are those of the clean pair of files that was recorded at the same time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import wsanalyze
from tests import mutate
from tests.scenarios import SCENARIOS, Scenario, analysis_of
from wsanalyze.analysis import Analysis
from wsanalyze.failure import CaptureError


@dataclass(frozen=True)
class Form:
    """A scenario, as it was captured in another way."""

    scenario: Scenario
    name: str

    @property
    def told(self) -> dict[str, Any]:
        """What truth.json says of it."""
        forms: list[dict[str, Any]] = self.scenario.truth["forms"]
        return next(form for form in forms if form["name"] == self.name)

    def files(self, side: str) -> list[Path]:
        """The files of a side, or of both."""
        return [self.scenario.folder / name for name in self.told.get(side, ())]

    def __repr__(self) -> str:
        return f"{self.scenario.name}: {self.name}"


FORMS = [Form(scenario, form["name"]) for scenario in SCENARIOS for form in scenario.truth.get("forms", ())]
OF_BALANCERS = [form for form in FORMS if form.told["judged"] == "load balancer"]
OF_GOROUTERS = [form for form in FORMS if form.told["judged"] == "gorouter"]
COMPARED = [
    *("target", "back_target", "verdict", "detail", "mode", "confidence", "outcome", "ended_by", "pairing"),
    *("front_status", "back_status", "key", "client", "lb_front", "lb_back", "router", "close_code", "closed_by"),
    *("messages_client", "messages_server", "stream", "tries"),
]


@cache
def judged(form: Form) -> Analysis:
    """What is said of a form."""
    lb = form.told.get("lb", ())
    keys = form.scenario.key_logs
    if "both" in form.told:
        return wsanalyze.analyze(form.files("both"), lb=lb, key_logs=keys)
    return wsanalyze.analyze(form.files("front"), form.files("back"), lb=lb, key_logs=keys)


def compared(analysis: Analysis) -> pd.DataFrame:
    """What is the same, however it was captured."""
    rows = analysis.handshakes.sort_values(["target", "client", "lb_front", "back_target"])
    return rows[COMPARED].reset_index(drop=True).astype("str")


def findings(analysis: Analysis) -> Counter[tuple[str, str, str | None]]:
    """Each instance of a finding by its rule, and the target that it names."""
    return Counter(
        (finding.rule, finding.severity, evidence.target)
        for finding in analysis.findings
        for evidence in finding.evidence
    )


@pytest.mark.parametrize("form", OF_BALANCERS, ids=repr)
def test_verdicts_are_those_of_the_clean_pair(form: Form) -> None:
    clean, analysis = analysis_of(form.scenario), judged(form)
    assert compared(analysis).equals(compared(clean)), compared(analysis).compare(compared(clean))
    assert analysis.requests == clean.requests
    assert findings(analysis) == findings(clean)
    assert analysis.unpaired == clean.unpaired
    assert analysis.box == "load-balancer"


@pytest.mark.parametrize("form", OF_GOROUTERS, ids=repr)
def test_a_gorouter_is_judged_as_its_truth_says(form: Form) -> None:
    analysis = judged(form)
    assert analysis.box == "gorouter"
    truth = form.told["handshakes"]
    seen = set()
    for row in analysis.handshakes.astype(object).where(analysis.handshakes.notna(), None).to_dict("records"):
        identity = form.scenario.id_in(row["target"], row["back_target"]) or ""
        seen.add(identity)
        told = truth[identity]
        assert (row["verdict"], row["detail"]) == (told["expected"], told["expected_detail"]), row["reason"]
        assert (row["mode"], row["outcome"]) == (told["expected_mode"], told["outcome"]), row["reason"]
        assert (row["client"], row["lb_front"]) == (told["client"], told["lb_front"])
        assert (row["lb_back"], row["router"]) == (told["router_peer"], told["router"])
        assert (row["front_status"], row["back_status"]) == (told["client_status"], told["router_status"])
        assert "load balancer" not in row["reason"]
    assert seen == set(truth)


@pytest.mark.parametrize("form", OF_GOROUTERS, ids=repr)
def test_x_forwarded_rules_of_a_gorouter_are_of_what_it_got(form: Form) -> None:
    analysis = judged(form)
    clean = analysis_of(form.scenario)
    for rule in ("x-forwarded-for-missing", "x-forwarded-proto-missing"):
        found, of_balancer = (
            {e.target for f in one.findings if f.rule == rule for e in f.evidence} for one in (analysis, clean)
        )
        assert found == of_balancer
        assert all(e.side == "front" for f in analysis.findings if f.rule == rule for e in f.evidence)
    assert analysis.requests.judged == len(form.told["http"])


@pytest.mark.parametrize("form", [form for form in FORMS if "lb" in form.told], ids=repr)
def test_whose_legs_they_are_is_found_where_one_box_is_there(form: Form) -> None:
    files = form.files("both")
    boxes = {tuple(sorted(other.told["lb"])) for other in FORMS if "lb" in other.told and other.files("both") == files}
    # Who recorded two machines has two boxes in it, one behind the other.
    if form.scenario.name == "gorouter-forms" and len(boxes) > 1:
        with pytest.raises(CaptureError, match="several boxes") as raised:
            wsanalyze.analyze(files)
        for addresses in boxes:
            assert all(f"--lb {address}" in raised.value.hint for address in addresses)
        return
    analysis = wsanalyze.analyze(files)
    assert compared(analysis).equals(compared(judged(form)))
    assert any("--lb" in note for note in analysis.notes)


@pytest.mark.parametrize("form", [form for form in FORMS if form.name.startswith(("merged", "appended"))], ids=repr)
def test_a_merge_of_two_machines_is_told(form: Form) -> None:
    notes = judged(form).notes
    assert any("in the capture twice, packet by packet" in note for note in notes)
    # The Gorouter's own two legs are by both clocks.
    assert any("not by one clock" in note for note in notes) == (form.told["judged"] == "gorouter")


@pytest.mark.parametrize("name", ["clock-jump", "clock-jump-back"])
def test_a_clock_that_was_set_is_told(name: str) -> None:
    form = next(form for form in FORMS if form.name == name)
    assert any("The clock of the back was set" in note for note in judged(form).notes)


def test_the_wrong_order_is_told_and_turned_around() -> None:
    scenario = next(one for one in SCENARIOS if one.name == "haproxy-http-fwd")
    clean = analysis_of(scenario)
    turned = wsanalyze.analyze(scenario.back, scenario.front)
    assert compared(turned).equals(compared(clean))
    assert any("in the wrong order" in note for note in turned.notes)


def test_the_same_file_for_both_sides_and_twice_for_one() -> None:
    form = next(form for form in FORMS if form.name == "lb-any")
    (file,) = form.files("both")
    assert compared(wsanalyze.analyze(file, file)).equals(compared(judged(form)))
    scenario = form.scenario
    twice = wsanalyze.analyze([scenario.front, scenario.front], [scenario.back, scenario.back])
    assert compared(twice).equals(compared(analysis_of(scenario)))
    assert any("is the same file as" in note for note in twice.notes)


def test_what_holds_no_leg_of_its_own_is_asked_about() -> None:
    gorouter = next(form for form in FORMS if form.scenario.name == "gorouter-forms" and form.name == "lb-any")
    folder = gorouter.scenario.folder
    with pytest.raises(CaptureError, match="several boxes"):
        wsanalyze.analyze(folder / "forms/lb-any.pcap", folder / "forms/app.pcap")
    with pytest.raises(CaptureError, match="which leg is which cannot be told"):
        wsanalyze.analyze(folder / "front.pcap", folder / "front.pcap")
    # What lies between the client and the app is no Gorouter, though one is in it.
    assert wsanalyze.analyze(folder / "front.pcap", folder / "forms/app.pcap").box == "load-balancer"


@pytest.mark.parametrize(
    ("lb", "message", "hint"),
    [
        ("203.0.113.1", "only what was opened to 203.0.113.1", "--lb 10.244.0.1 --lb 203.0.113.1"),
        ("203.0.113.10", "only what 203.0.113.10 opened", "Servers in it are: 10.244.0.10, 203.0.113.1"),
        ("192.0.2.1", "no connection to or from 192.0.2.1", "Servers in it are: 10.244.0.10, 203.0.113.1"),
    ],
)
def test_addresses_that_are_not_those_of_the_box(lb: str, message: str, hint: str) -> None:
    form = next(form for form in FORMS if form.name == "lb-any")
    with pytest.raises(CaptureError, match=message) as raised:
        wsanalyze.analyze(form.files("both"), lb=[lb])
    assert hint in raised.value.hint


def test_the_same_leg_twice_is_not_taken_for_having_been_passed_on(tmp_path: Path) -> None:
    scenario = next(one for one in SCENARIOS if one.name == "haproxy-http-fwd")
    header, records = mutate.read(scenario.front)
    later = [(seconds, fraction + 1, data, length) for seconds, fraction, data, length in records]
    again = mutate.write(tmp_path / "again.pcap", header, later)
    for one, other in ((scenario.front, again), (again, scenario.front), (scenario.front, scenario.front)):
        with pytest.raises(CaptureError, match="front and back hold the same connections"):
            wsanalyze.analyze(one, other)


@pytest.mark.parametrize("name", ["haproxy-tcp-tls", "haproxy-tcp-tls-proxy-v2", "nginx-stream-tls"])
def test_whose_legs_they_are_is_found_in_tls_that_nobody_can_read(name: str) -> None:
    scenario = next(one for one in SCENARIOS if one.name == name)
    pair = wsanalyze.analyze(scenario.front, scenario.back)
    pooled = wsanalyze.analyze([scenario.front, scenario.back])
    assert len(pair.handshakes)
    assert set(pair.handshakes["mode"]) == {"tcp"}
    assert compared(pooled).equals(compared(pair))
