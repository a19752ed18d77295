"""What a user names is each file once, in the capture that it belongs to, in the order in which it was written."""

from __future__ import annotations

import gzip
import os
import struct
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsanalyze import capture, files
from wsanalyze.failure import CaptureError
from wsanalyze.files import Capture, Found

SECOND = 1_000_000_000


def pcap(*moments: int) -> bytes:
    """A capture with a packet at each of these seconds."""
    header = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
    return header + b"".join(struct.pack("<IIII", moment, 0, 20, 20) + bytes(20) for moment in moments)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(captures: dict[str, Sequence[int]]) -> None:
    """Files with packets at these seconds."""
    for name, moments in captures.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(pcap(*moments))


def in_order(names: Sequence[str]) -> dict[str, Sequence[int]]:
    """Files of which each begins where the one before it ended."""
    return {name: (10 * index, 10 * index + 9) for index, name in enumerate(names)}


def found(*names: str) -> list[tuple[str, ...]]:
    """The files of each capture."""
    return [one.files for one in files.find(names).captures]


def read(*names: str) -> list[list[str]]:
    """The files of each capture, when their times have been looked at."""
    (side,) = capture.read([names])
    return [list(scan.files) for scan in side.scans]


RINGS = {
    "dumpcap": ["lb_00001_20261128003000.pcapng", "lb_00002_20261128003100.pcapng", "lb_00010_20261128003200.pcapng"],
    "dumpcap, the time first": ["lb_20261128003000_00001.pcapng", "lb_20261128003000_00002.pcapng", "lb_20261128003100_00003.pcapng"],
    "dumpcap, wrapped": ["lb_99999_20261128003000.pcapng", "lb_100000_20261128003000.pcapng", "lb_100001_20261128003000.pcapng"],
    "dumpcap, no extension": ["lb_00001_20261128003000", "lb_00002_20261128003000"],
    "dumpcap, compressed": ["lb_00001_20261128003000.pcapng.gz", "lb_00002_20261128003000.pcapng.gz"],
    "tcpdump -C": ["x.pcap", *(f"x.pcap{number}" for number in range(1, 12))],
    "tcpdump -C -z gzip": ["x.pcap.gz", "x.pcap1.gz", "x.pcap2"],
    "tcpdump -C, no extension": ["x", *(f"x{number}" for number in range(1, 12))],
    "tcpdump -C -W": [f"x.pcap{number:02}" for number in range(12)],
    "tcpdump -C -W, capitals": ["X.PCAP0", "X.PCAP1", "X.PCAP2"],
    "tcpdump -G": ["x-2026-11-28_23-59-00.pcap", "x-2026-11-29_00-00-00.pcap", "x-2026-11-29_00-01-00.pcap"],
    "tcpdump -G, a day each": ["20261128.cap", "20261129.cap", "20261130.cap"],
    "tcpdump -G, ISO 8601": ["x.20261128T235900Z.pcap", "x.20261129T000000Z.pcap"],
    "numbers": [f"router{number}.pcap" for number in range(1, 12)],
    "numbers, odd names": [f"a [1] *?\n'\";$\u202e ü {number}.dump" for number in range(9, 12)],
}  # fmt: skip


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("names", RINGS.values(), ids=RINGS)
def test_files_that_a_program_rotated_are_one_capture_in_the_order_of_writing(names: list[str]) -> None:
    write(in_order(names))
    assert found(*reversed(names)) == [tuple(names)]
    assert read(*sorted(names)) == [names]
    assert found(".") == [tuple(f"./{name}" for name in names)]


@pytest.mark.usefixtures("folder")
def test_the_plain_name_begins_a_series_only_beside_numbered_ones() -> None:
    write(in_order(["x.pcap", "x.pcap1", "y.pcap", "z.cap1"]))
    assert found("x.pcap", "x.pcap1") == [("x.pcap", "x.pcap1")]
    assert found("x.pcap", "y.pcap") == [("x.pcap",), ("y.pcap",)]
    assert found("x.pcap", "z.cap1") == [("x.pcap",), ("z.cap1",)]
    write(in_order(["a/x.pcap", "b/x.pcap1"]))
    assert found("a/x.pcap", "b/x.pcap1") == [("a/x.pcap",), ("b/x.pcap1",)]


@pytest.mark.usefixtures("folder")
def test_a_ring_that_was_written_over_begins_with_the_oldest_file() -> None:
    names = [f"x.pcap{number}" for number in range(4)]
    write(dict(zip(names, [(40, 49), (50,), (20, 29), (30, 39)], strict=True)))
    assert found(*names) == [tuple(names[2:] + names[:2])]
    # What was begun, and holds nothing yet, is the newest.
    write({"x.pcap2": (), "x.pcap3": (30, 39)})
    assert found(*names) == [("x.pcap3", "x.pcap0", "x.pcap1", "x.pcap2")]


@pytest.mark.usefixtures("folder")
def test_a_clock_that_was_set_meanwhile_does_not_change_the_order_of_a_ring() -> None:
    names = [f"x.pcap{number}" for number in range(4)]
    write(dict(zip(names, [(40, 49), (50,), (20, 29), (60,)], strict=True)))
    assert found(*names) == [tuple(names)]
    write({"y.pcap": (40, 49), "y.pcap1": (20, 29)})
    assert read("y.pcap", "y.pcap1") == [["y.pcap", "y.pcap1"]]


@pytest.mark.usefixtures("folder")
def test_times_tell_the_order_where_numbers_stand_twice() -> None:
    names = [f"lb_{number:05}_2026112{day}003000.pcapng" for day in (8, 9) for number in (1, 2)]
    write(in_order(names))
    assert read(*names) == [names]
    write({"x.pcap1": (10, 19), "x.pcap2": (20, 29)})
    Path("x.pcap1.gz").write_bytes(gzip.compress(pcap(10, 19)))
    assert sorted(read("x.pcap1", "x.pcap1.gz", "x.pcap2")) == [["x.pcap1"], ["x.pcap1.gz", "x.pcap2"]]


@pytest.mark.usefixtures("folder")
def test_times_tell_whether_numbered_files_follow_each_other() -> None:
    write({"router1.pcap": (10, 19), "router2.pcap": (20, 29), "router3.pcap": (0, 9)})
    assert read("router1.pcap", "router2.pcap", "router3.pcap") == [["router3.pcap", "router1.pcap", "router2.pcap"]]
    write({"router2.pcap": (15, 29)})
    assert read("router1.pcap", "router2.pcap") == [["router1.pcap"], ["router2.pcap"]]
    assert files.find(["router1.pcap", "router2.pcap"]).captures == (
        Capture(("router1.pcap", "router2.pcap"), (10 * SECOND, 15 * SECOND), frozenset({"router2.pcap"})),
    )


@pytest.mark.usefixtures("folder")
def test_series_are_told_apart_by_name_and_by_folder() -> None:
    names = [f"{name}{number}.pcap" for name in ("a/lb", "b/lb", "a/router-") for number in (1, 2)]
    write(in_order(names))
    assert found(*names) == [tuple(names[0:2]), tuple(names[2:4]), tuple(names[4:6])]


@pytest.mark.usefixtures("folder")
def test_compressed_files_are_captures_too() -> None:
    Path("x1.pcap.gz").write_bytes(gzip.compress(pcap(1, 2)))
    Path("x2.pcap.gz").write_bytes(gzip.compress(pcap(3, 4)))
    Path("y1.pcap.zst").write_bytes(pa.compress(pcap(5), codec="zstd", asbytes=True))
    Path("z.gz").write_bytes(gzip.compress(b"no capture"))
    one = files.find(["."])
    assert [one.files for one in one.captures] == [("./x1.pcap.gz", "./x2.pcap.gz"), ("./y1.pcap.zst",)]
    (note,) = one.notes
    assert note.startswith("./z.gz was left out: ")


@pytest.mark.usefixtures("folder")
def test_what_is_no_capture_in_a_folder_is_left_out_with_a_note() -> None:
    write({"in/x.pcap": (1,), "in/deeper/y.pcap": (2,)})
    Path("in/notes.txt").write_text("started at noon")
    Path("in/empty.pcap").write_bytes(b"")
    Path("in/gone").symlink_to("nowhere")
    Path("in/loop").symlink_to("loop")
    os.mkfifo("in/pipe")
    one = files.find(["in"])
    assert [one.files for one in one.captures] == [("in/x.pcap",)]
    assert sorted(note.split()[0] for note in one.notes) == [
        *("in/empty.pcap", "in/gone", "in/loop", "in/notes.txt", "in/pipe"),
    ]
    assert all(" was left out: " in note for note in one.notes)


@pytest.mark.usefixtures("folder")
def test_patterns_that_the_shell_left_alone() -> None:
    write(in_order(["a1.pcap", "a2.pcap", "b1.pcap", "deep/er/a3.pcap"]))
    Path("a.txt").write_text("no capture")
    assert found("a*.pcap") == [("a1.pcap", "a2.pcap")]
    assert found("[ab]1.pcap") == [("a1.pcap",), ("b1.pcap",)]
    assert found("**/a3.pcap") == [("deep/er/a3.pcap",)]
    assert [note.split()[0] for note in files.find(["a*"]).notes] == ["a.txt"]
    # A name is what is called so, first of all.
    write({"a[1].pcap": (3,)})
    assert found("a[1].pcap") == [("a[1].pcap",)]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none*.pcap", "no file is called like that"),
        ("none.pcap", "no such file"),
        ("t*.txt", "there is no capture in it"),
        ("f*", "there is no capture in it"),
        ("folder", "there is no capture in it"),
        ("empty", "the file is empty (0 bytes)"),
        ("gone", "no such file"),
        ("loop", "Too many levels of symbolic links"),
        ("text.txt/x.pcap", "Not a directory"),
        ("x" * 5000, "File name too long"),
        ("nul\0", "null"),
    ],
)
def test_names_that_stand_for_nothing_are_errors(name: str, told: str) -> None:
    Path("text.txt").write_text("no capture")
    Path("folder").mkdir()
    Path("empty").touch()
    Path("gone").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    with pytest.raises(CaptureError) as raised:
        files.find([name])
    assert raised.value.file == name
    assert told in raised.value.message
    assert raised.value.hint


@pytest.mark.usefixtures("folder")
def test_the_same_file_is_read_once_however_it_is_named() -> None:
    write({"x1.pcap": (1,)})
    Path("link.pcap").symlink_to("x1.pcap")
    Path("x2.pcap").hardlink_to("x1.pcap")
    one = files.find(["x1.pcap", "./x1.pcap", "link.pcap", "*.pcap", ".", "x1.pcap"])
    assert one.captures == (Capture(("x1.pcap",)),)
    assert set(one.notes) == {
        f"{name} is the same file as x1.pcap: it was read once."
        for name in ("./x1.pcap", "link.pcap", "x1.pcap", "x2.pcap", "./link.pcap", "./x2.pcap")
    }


@pytest.mark.usefixtures("folder")
def test_standard_input_is_a_capture_of_its_own() -> None:
    write({"x1.pcap": (1,), "x2.pcap": (2,)})
    assert found("x1.pcap", "-", "x2.pcap") == [("x1.pcap", "x2.pcap"), ("-",)]


def feed(pipe: str, content: bytes) -> threading.Thread:
    """Write into a pipe, once."""
    thread = threading.Thread(target=lambda: Path(pipe).write_bytes(content), daemon=True)
    thread.start()
    return thread


@pytest.mark.usefixtures("folder")
def test_a_pipe_is_opened_once() -> None:
    named = ("p1.pcap", "p2.pcap")
    for name in ("p1.pcap", "p2.pcap"):
        os.mkfifo(name)
    assert found(*named) == [("p1.pcap",), ("p2.pcap",)]
    writers = [feed("p1.pcap", pcap(1, 2)), feed("p2.pcap", pcap(3))]
    (side,) = capture.read([named])
    assert list(side.tables.captures["packets"]) == [2, 1]
    for writer in writers:
        writer.join(10)


@pytest.mark.usefixtures("folder")
def test_files_that_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    begins = files.begins

    def vanishing(before: str, after: str) -> None:
        def look(name: str) -> int | None:
            Path(before).unlink(missing_ok=True)
            first = begins(name)
            Path(after).unlink(missing_ok=True)
            return first

        monkeypatch.setattr(files, "begins", look)

    write({"in/x.pcap": (1,), "in/y.pcap": (1,)})
    vanishing("in/x.pcap", "none")
    one = files.find(["in"])
    assert (one.captures, one.notes) == ((Capture(("in/y.pcap",)),), ("in/x.pcap was left out: no such file.",))
    vanishing("none", "in/y.pcap")
    with pytest.raises(CaptureError, match=r"(?i)no such file"):
        capture.read([["in"]])


def _denied(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("module", "function", "name"), [(os, "scandir", "in"), (Path, "stat", "in/x.pcap")])
def test_what_may_not_be_read(monkeypatch: pytest.MonkeyPatch, module: object, function: str, name: str) -> None:
    write({"in/x.pcap": (1,)})
    with monkeypatch.context() as patched:
        # Root may read everything.
        patched.setattr(module, function, _denied)
        with pytest.raises(CaptureError, match="Permission denied") as raised:
            files.find([name])
    assert raised.value.hint == "Check the path and its permissions."


STEMS = st.sampled_from(["x", "router", "lb-", "lb_00001_2026", "20261128", "a\nb", "ü"])
NUMBERS = st.sampled_from(
    ["", "0", "1", "2", "10", "007", "_00001_20261128003000", "_20261128003000_00001", "20261128", "²", "٣"]
)
ENDS = st.sampled_from(["", ".pcap", ".pcap1", ".pcap2", ".pcap10", ".pcapng", ".pcap.gz", ".cap", "-front.pcap"])
NAMES = st.builds(lambda stem, number, end: stem + number + end, STEMS, NUMBERS, ENDS)
MOMENTS = st.lists(st.integers(0, 50), max_size=3)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(NAMES, MOMENTS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_every_file_is_in_one_capture_once(captures: dict[str, list[int]], random: object) -> None:
    with tempfile.TemporaryDirectory() as place:
        for name, moments in captures.items():
            Path(place, name).write_bytes(pcap(*moments))
        named = sorted(f"{place}/{name}" for name in captures)
        inside: Found = files.find([place])
        random.shuffle(named)  # type: ignore[attr-defined]
        for one in (inside, files.find(named)):
            assert sorted(file for capture in one.captures for file in capture.files) == sorted(named)
            assert not one.notes
        assert {one.files for one in inside.captures} == {one.files for one in files.find(named).captures}
        (side,) = capture.read([[place]])
        assert sorted(file for scan in side.scans for file in scan.files) == sorted(named)
