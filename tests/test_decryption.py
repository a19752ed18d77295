"""Keys, wherever they come from, give the verdicts of plain captures; missing and wrong ones never give a wrong verdict."""

from __future__ import annotations

import os
import random
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import wsanalyze
from tests import mutate, pcapng
from tests.scenarios import CAPTURES, SCENARIOS, Scenario, analysis_of, keyless_analysis_of
from wsanalyze import _engine
from wsanalyze.analysis import Analysis
from wsanalyze.evidence.heads import heads
from wsanalyze.tables import frame

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
KEYED = [scenario for scenario in SCENARIOS if scenario.key_logs]
EACH = int(os.environ.get("WSANALYZE_KEY_LOGS", "3"))
"""Spoilt key logs that each scenario is tried with, of nine; which ones is the same in every run."""
COLUMNS = ["verdict", "detail", "mode", "outcome", "ended_by", "front_status", "back_status", "reason"]


def said(analysis: Analysis) -> pd.DataFrame:
    """What there is to compare."""
    return analysis.handshakes[["target", "back_target", *COLUMNS]].astype("str")


def key_log_of(scenario: Scenario) -> bytes:
    """All secrets of a scenario."""
    return b"".join(path.read_bytes() for path in scenario.key_logs)


@pytest.mark.parametrize(
    "where", ["before all", "in the middle", "after all", "in the back's capture", "in both, halved"]
)
@pytest.mark.parametrize("name", ["haproxy-tls13", "haproxy-h2", "haproxy-reencrypt", "haproxy-tcp-tls"])
def test_secrets_that_captures_carry(name: str, where: str, tmp_path: Path) -> None:
    scenario = BY_NAME[name]
    keys = key_log_of(scenario)
    lines = keys.splitlines(keepends=True)
    half = len(lines) // 2
    front, back = {
        "before all": ((keys, 0), (b"", 0)),
        "in the middle": ((keys, 60), (b"", 0)),
        "after all": ((keys, 10**9), (b"", 0)),
        "in the back's capture": ((b"", 0), (keys, 0)),
        "in both, halved": ((b"".join(lines[:half]), 0), (b"".join(lines[half:]), 40)),
    }[where]
    files = [
        pcapng.write(tmp_path / f"{side}.pcapng", path, secrets, after=after)
        for side, path, (secrets, after) in (("front", scenario.front, front), ("back", scenario.back, back))
    ]
    analysis = wsanalyze.analyze(*files)
    pd.testing.assert_frame_equal(said(analysis), said(analysis_of(scenario)))


def test_heads_are_found_again_with_the_keys(tmp_path: Path) -> None:
    """What goes back to the file needs the keys again, also where they were the other side's."""
    scenario = BY_NAME["haproxy-tcp-tls"]
    front = pcapng.write(tmp_path / "front.pcapng", scenario.front, b"")
    back = pcapng.write(tmp_path / "back.pcapng", scenario.back, key_log_of(scenario))
    analysis = wsanalyze.analyze(front, back)
    for table in (analysis.front.exchanges, analysis.back.exchanges):
        table["request_head"] = None
    row = next(row for row in analysis.handshakes.to_dict("records") if row["front_exchange"] is not pd.NA)
    found = heads(analysis, row)
    assert found.front_request is not None
    assert found.front_request == found.back_request
    assert found.front_request.startswith(b"GET ")


def allowed(scenario: Scenario, analysis: Analysis) -> list[Any]:
    """Rows whose verdict is neither right nor `undetermined`."""
    wrong = []
    for row in analysis.handshakes.astype(object).where(analysis.handshakes.notna(), None).to_dict("records"):
        identity = scenario.id_of({str(key): value for key, value in row.items()}, analysis)
        known = scenario.handshakes.get(identity or "")
        # What only the back shows of paths that are all the same may be any of them.
        told = [known] if known else list(scenario.handshakes.values())
        right = {"undetermined", *(verdict for handshake in told for verdict in handshake["acceptable"])}
        # A connection that is carried unread has no target; so has a request whose head is not there.
        if row["verdict"] not in right and not (scenario.carried_unread and row["target"] is None):
            wrong.append((row["verdict"], row["detail"], row["target"] or row["back_target"], row["reason"]))
    return wrong


def partial(keys: bytes, chance: random.Random) -> list[bytes]:
    """Key logs that lack something: connections, kinds of secrets, single lines, all but the beginnings of lines."""
    lines = keys.splitlines(keepends=True)
    randoms = sorted({line.split()[1] for line in lines if len(line.split()) == 3})
    kept = set(chance.sample(randoms, len(randoms) // 2))
    return [
        b"".join(line for line in lines if line.split()[1:2] and line.split()[1] in kept),
        b"".join(line for line in lines if not line.startswith(b"SERVER")),
        b"".join(line for line in lines if not line.startswith(b"CLIENT_T")),
        b"".join(line for line in lines if b"HANDSHAKE" not in line),
        b"".join(line for line in lines if chance.random() < 0.5),
        b"".join(line[: chance.randrange(len(line))] + b"\n" for line in lines),
    ]


def wrong(keys: bytes, chance: random.Random) -> list[bytes]:
    """Key logs whose secrets are not those of the connections: others, exchanged, with a bit flipped."""
    lines = [line.split() for line in keys.splitlines() if len(line.split()) == 3]
    secrets = [line[2] for line in lines]
    shuffled = chance.sample(secrets, len(secrets))
    flipped = [secret[:-1] + (b"0" if secret[-1:] != b"0" else b"1") for secret in secrets]
    return [
        b"".join(b" ".join((line[0], line[1], secret)) + b"\n" for line, secret in zip(lines, chosen, strict=True))
        for chosen in ([b"ab" * (len(secret) // 2) for secret in secrets], shuffled, flipped)
    ]


def judged(scenario: Scenario, key_logs: Sequence[bytes], folder: Path) -> list[Any]:
    """What is wrong with each of the key logs."""
    found = []
    for number, text in enumerate(key_logs):
        path = folder / f"{number}.keys"
        # A file without any line is refused.
        path.write_bytes(text + b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"00" * 48 + b"\n")
        analysis = wsanalyze.analyze(scenario.front, scenario.back, key_logs=[path])
        found += [(number, *one) for one in allowed(scenario, analysis)]
    return found


@pytest.mark.parametrize("scenario", KEYED, ids=lambda scenario: scenario.name)
def test_missing_and_wrong_keys_never_give_a_wrong_verdict(scenario: Scenario, tmp_path: Path) -> None:
    chance = random.Random(zlib.crc32(scenario.name.encode()))
    keys = key_log_of(scenario)
    tried = [*partial(keys, chance), *wrong(keys, chance)]
    assert not allowed(scenario, keyless_analysis_of(scenario))
    assert not judged(scenario, chance.sample(tried, EACH), tmp_path)


@pytest.mark.parametrize("kept", [1, 3, 4, 6, 8, 10, 14, 20])
@pytest.mark.parametrize("name", ["haproxy-h2-delete-upgrade", "haproxy-tls12"])
def test_a_capture_that_ends_early(name: str, kept: int, tmp_path: Path) -> None:
    """Decrypted or not, there may be nothing inside yet."""
    scenario = BY_NAME[name]
    header, records = mutate.read(scenario.front)
    front = mutate.write(tmp_path / "front.pcap", header, records[:kept])
    analysis = wsanalyze.analyze(front, scenario.back, key_logs=scenario.key_logs)
    assert not allowed(scenario, analysis)


def test_wrong_keys_are_told_as_such(tmp_path: Path) -> None:
    scenario = BY_NAME["haproxy-tls13"]
    path = tmp_path / "keys"
    path.write_bytes(wrong(key_log_of(scenario), random.Random(1))[0])
    analysis = wsanalyze.analyze(scenario.front, scenario.back, key_logs=[path])
    assert set(analysis.front.connections["tls_decryption"]) == {"wrong-key"}
    assert any("not theirs" in note for note in analysis.notes)


@pytest.mark.parametrize("early", [True, False])
def test_early_data_without_its_key_is_told_as_unread(early: bool) -> None:
    """The rest of the connection is decrypted; what is not may hold a request (RFC 8446 4.2.10)."""
    capture = CAPTURES / "tls" / "tls13-early-data-accepted.pcap"
    lines = capture.with_suffix(".keylog").read_bytes().splitlines(keepends=True)
    keys = b"".join(line for line in lines if early or b"EARLY" not in line)
    tables = {name: frame(pa.table(table)) for name, table in _engine.scan([str(capture)], None, keys)[0].items()}
    assert set(tables["connections"]["tls_decryption"]) == {"decrypted"}
    assert ("undecrypted" in set(tables["defects"]["name"])) is not early


def stories(analysis: Analysis) -> list[tuple[str, ...]]:
    """The handshakes without what differs from recording to recording: ids and places."""
    rows = analysis.handshakes.sort_values("time")
    kept = ["target", "verdict", "detail", "outcome", "front_status", "back_status", "close_code", "messages_client"]
    plain = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", str(target)) for target in rows["target"]]
    values = rows.assign(target=plain)[kept].astype("str").to_numpy()
    return sorted(tuple(str(value) for value in row) for row in values)


@pytest.mark.parametrize(
    ("plain", "encrypted"),
    [("haproxy-http-fwd", "haproxy-tls13"), ("nginx-upgrade-map", "nginx-tls13"), ("nginx-default", "nginx-tls13-default"),
     ("haproxy-http-fwd", "haproxy-reencrypt"), ("haproxy-delete-both", "haproxy-tls13-delete-both"),
     ("haproxy-delete-upgrade", "haproxy-tls12-delete-upgrade"), ("caddy", "caddy-tls"), ("traefik", "traefik-tls")],
)  # fmt: skip
def test_decrypted_and_plain_captures_tell_the_same(plain: str, encrypted: str) -> None:
    """The same load balancer with the same traffic, once in the clear and once in TLS."""
    ours, theirs = (stories(analysis_of(BY_NAME[name])) for name in (encrypted, plain))
    assert set(ours) <= set(theirs)


@pytest.mark.parametrize("name", ["haproxy-reencrypt", "haproxy-reencrypt-strip", "nginx-reencrypt"])
def test_keys_of_one_leg_alone(name: str) -> None:
    scenario = BY_NAME[name]
    front, back = scenario.key_logs
    with_front = wsanalyze.analyze(scenario.front, scenario.back, key_logs=[front])
    assert set(with_front.handshakes["verdict"]) == {"undetermined"}
    # After the last there is no more traffic on the back.
    assert set(with_front.handshakes["detail"]) <= {"encrypted", "back-not-captured"}
    assert with_front.handshakes["target"].notna().all()
    with_back = wsanalyze.analyze(scenario.front, scenario.back, key_logs=[back])
    expected = {handshake["expected"] for handshake in scenario.handshakes.values()}
    assert set(with_back.handshakes["verdict"]) == expected
    assert set(with_back.handshakes["confidence"]) == {"likely"}
