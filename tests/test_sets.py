"""Many files of one side: what may be missing between them proves nothing; what recorded at the same time keeps apart."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

import wsanalyze
from tests.cases.wire import CLIENT, ROUTER, Story, answer, handshake, request, told
from wsanalyze import capture, files

OTHER_ROUTER = "10.244.0.11"
NAMES = {
    "ring": ("x_00001_20261128003000.pcap", "x_00002_20261128003100.pcap", "x_00003_20261128003200.pcap"),
    "by size": ("x.pcap", "x.pcap1", "x.pcap2"),
    "by time": ("x-20261128-003000.pcap", "x-20261128-003100.pcap", "x-20261128-003200.pcap"),
}

Records = list[tuple[float, bytes]]


def write(path: Path, records: Records) -> None:
    """A capture of these packets."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for time, data in records:
        nanoseconds = round(time * 1e6) * 1000
        parts += [struct.pack("<IIII", nanoseconds // 10**9, nanoseconds % 10**9, len(data), len(data)), data]
    path.write_bytes(b"".join(parts))


def refused_between_pages() -> tuple[Story, list[Records]]:
    """A handshake that the router refuses, a minute after some pages and a minute before others; the back in three parts."""
    story, cuts = Story(), [0]
    for part in range(3):
        if part == 1:
            front, back = story.front(), story.back()
            front.ask(handshake())
            back.ask(handshake(X_Forwarded_For=CLIENT)).reply(answer(404, b"no")).end()
            front.reply(answer(404, b"no")).end()
        else:
            for number in range(3):
                story.page(f"/{part}/{number}")
        story.wait(60)
        cuts.append(len(story.records["back"]))
    return story, [story.records["back"][cuts[part] : cuts[part + 1]] for part in range(3)]


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("middle", ["whole", "gone", "empty", "damaged", "cut"])
def test_a_missing_file_proves_nothing(tmp_path: Path, names: tuple[str, ...], middle: str) -> None:
    story, parts = refused_between_pages()
    front, _ = story.files(tmp_path)
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, records in zip(names, parts, strict=True):
        write(folder / name, records)
    second = folder / names[1]
    match middle:
        case "gone":
            second.unlink()
        case "empty":
            second.write_bytes(b"")
        case "damaged":
            second.write_bytes(b"this is no capture at all")
        case "cut":
            second.write_bytes(second.read_bytes()[:60])
    verdict = told(wsanalyze.analyze(front, folder))
    if middle == "whole":
        assert verdict == ("passed-through", None, "refused")
    else:
        assert verdict == ("undetermined", "packets-missing", "refused")


def test_a_router_whose_capture_ended_early_proves_nothing(tmp_path: Path) -> None:
    story = Story()
    for router in (ROUTER, OTHER_ROUTER, ROUTER, OTHER_ROUTER):
        front, back = story.front(), story.back(router)
        path = f"/{story.ports}"
        front.ask(request(target=path))
        back.ask(request(target=path, X_Forwarded_For=CLIENT)).reply(answer(200)).end()
        front.reply(answer(200)).end()
        story.wait(5)
    first = list(story.records["back"])
    front, back = story.front(), story.back()
    front.ask(handshake())
    back.ask(handshake(X_Forwarded_For=CLIENT)).reply(answer(404, b"no")).end()
    front.reply(answer(404, b"no")).end()
    begun = len(story.records["back"])
    story.wait(60)
    back = story.back(OTHER_ROUTER).ask(request()).reply(answer(200)).end()
    records = {ROUTER: first, OTHER_ROUTER: first + story.records["back"][begun:]}
    fronts, _ = story.files(tmp_path)
    for number, (router, packets) in enumerate(records.items()):
        address = bytes(map(int, router.split(".")))
        write(tmp_path / f"router{number}.pcap", [packet for packet in packets if address in packet[1][26:34]])
    verdict = told(wsanalyze.analyze(fronts, tmp_path / "router*.pcap"))
    assert verdict == ("undetermined", "back-not-captured", "refused")


def test_what_is_no_file_or_has_no_name_in_unicode_is_left_out(tmp_path: Path) -> None:
    story = Story()
    story.page()
    _, back = story.files(tmp_path)
    folder = tmp_path / "captures"
    folder.mkdir()
    back.rename(folder / "back.pcap")
    (folder / "loop.pcap").symlink_to("loop.pcap")
    os.mkfifo(folder / "pipe.pcap")
    unnamed = os.fsencode(folder) + b"/\xff.pcap"
    try:
        Path(os.fsdecode(unnamed)).write_bytes((folder / "back.pcap").read_bytes())
    except OSError:
        pytest.skip("this file system knows no such names")
    for name in (folder, folder / "*.pcap"):
        found = files.find([str(name)])
        assert [one.files for one in found.captures] == [(str(folder / "back.pcap"),)]
        assert len(found.notes) == 3
        assert all(note.isascii() for note in found.notes)


def test_a_file_that_vanishes_is_a_problem_in_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, parts = refused_between_pages()
    for name, records in zip(NAMES["ring"], parts, strict=True):
        write(tmp_path / name, records)
    found = files.find([str(tmp_path)])
    (tmp_path / NAMES["ring"][1]).unlink()
    monkeypatch.setattr(files, "find", lambda _: found)
    tables = capture.read([[str(tmp_path)]])[0].tables
    assert ["cannot be read" in str(problems) for problems in tables.captures["problems"]] == [False, True, False]


def test_short_captures_of_the_same_time_are_not_taken_for_one_after_the_other(tmp_path: Path) -> None:
    story = Story()
    story.page()
    for number in (1, 2):
        write(tmp_path / f"router{number}.pcap", story.records["back"])
    assert len(capture.read([[str(tmp_path)]])[0].tables.origins) == 2
