"""What was recorded is what tshark, dpkt, scapy and the engine read; the file is whole or not there."""

from __future__ import annotations

import errno
import os
import shutil
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import dpkt
import pytest
import trustme
from scapy.layers.inet import TCP
from scapy.utils import PcapNgReader

from tests.cases.wire import close, frame, handshake, request, switching
from tests.engine.tables import scan
from wsanalyze.failure import CaptureError
from wsanalyze.replay.recording import Conversation, Recording

TSHARK = shutil.which("tshark")
NOW = 1_790_000_000.25
CLIENT, SERVER = ("203.0.113.10", 50122), ("10.244.0.10", 80)
CLIENT6, SERVER6 = ("2001:db8::1", 50123), ("2001:db8::2", 80)
LONG = b"x" * 120


def talk(flow: Conversation) -> None:
    """A handshake, messages, a close handshake."""
    flow.sent(handshake("/chat"), NOW + 0.1)
    flow.received(switching(), NOW + 0.2)
    flow.sent(frame(b"hello", masked=True), NOW + 0.3)
    flow.received(frame(LONG, masked=False) * 40, NOW + 0.4)
    flow.sent(close(masked=True), NOW + 0.5)
    flow.received(close(masked=False), NOW + 0.6)
    flow.ended("client", reset=False, time=NOW + 0.7)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Three connections: two that talk, of IPv4 and IPv6, and one that is reset."""
    path = tmp_path / "replay.pcapng"
    with Recording(str(path)) as recording:
        talk(recording.opened(CLIENT, SERVER, NOW))
        talk(recording.opened(CLIENT6, SERVER6, NOW))
        flow = recording.opened(CLIENT, SERVER, NOW + 2)
        flow.sent(request(target="/page"), NOW + 2.1)
        flow.ended("server", reset=True, time=NOW + 2.2)
        recording.finish()
    return path


def test_the_engine_reads_it(written: Path) -> None:
    tables = scan(written)
    exchanges, connections = tables["exchanges"], tables["connections"]
    assert list(exchanges["target"]) == ["/chat", "/chat", "/page"]
    assert list(exchanges["status"][:2]) == [101, 101]
    assert list(connections["client_address"]) == [CLIENT[0], CLIENT6[0], CLIENT[0]]
    assert not len(tables["defects"])
    websockets = tables["websockets"]
    assert list(websockets["client_messages"]) == [1, 1]
    assert list(websockets["server_messages"]) == [40, 40]
    assert list(websockets["close_code"]) == [1000, 1000]
    first = tables["captures"]["first"].iloc[0]
    assert first.value == int(NOW * 1_000_000_000)


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_tshark_finds_nothing_odd(written: Path) -> None:
    lines = tshark(written, "tcp.stream", "tcp.checksum.status", "ip.checksum.status", "_ws.malformed")
    assert {(checksum, malformed) for _, checksum, _, malformed in lines} == {("1", "")}
    assert {ip for _, _, ip, _ in lines} == {"1", ""}
    assert {stream for stream, *_ in lines} == {"0", "1", "2"}
    # The third connection has the first one's ports, which tshark notes.
    odd = tshark(written, "tcp.analysis.flags", "tcp.analysis.reused_ports")
    assert [line for line in odd if line[0]] == [["1", "1"]]
    codes = [code for (code,) in tshark(written, "websocket.opcode") if code]
    assert ",".join(codes).split(",").count("1") == 2 * 41


def tshark(path: Path, *fields: str) -> list[list[str]]:
    options = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=\t"]
    named = [word for field in fields for word in ("-e", field)]
    command = [TSHARK or "", "-r", str(path), *options, *named]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("\t") for line in told.stdout.splitlines()]


def test_dpkt_and_scapy_read_it(written: Path) -> None:
    with written.open("rb") as file:
        reader = dpkt.pcapng.Reader(file)
        assert reader.datalink() == 101
        packets = [data for _, data in reader]
    with PcapNgReader(str(written)) as found:
        assert [bytes(packet) for packet in found] == packets
    with PcapNgReader(str(written)) as found:
        assert all(TCP in packet for packet in found)


def in_tls(flow: Conversation, folder: Path) -> bytes:
    """A handshake and its answer over TLS; gives the keys."""
    authority = trustme.CA()
    contexts = [ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)]
    authority.configure_trust(contexts[0])
    authority.issue_cert("app.test").configure_cert(contexts[1])
    keys = folder / "keys"
    contexts[0].keylog_filename = str(keys)
    pipes = [ssl.MemoryBIO(), ssl.MemoryBIO()]
    client = contexts[0].wrap_bio(pipes[0], pipes[1], server_hostname="app.test")
    server = contexts[1].wrap_bio(pipes[1], pipes[0], server_side=True)

    class Wire:
        """Says what one end wrote before the other end reads it."""

        def __init__(self) -> None:
            self.at = NOW

        def carry(self, call: Any, *arguments: Any, by_client: bool) -> Any:
            self.at += 0.01
            pipe = pipes[1] if by_client else pipes[0]
            try:
                return call(*arguments)
            except ssl.SSLWantReadError:
                return None
            finally:
                data = pipe.read()
                if data:
                    (flow.sent if by_client else flow.received)(data, self.at)
                    pipe.write(data)

    wire = Wire()
    for _ in range(3):
        wire.carry(client.do_handshake, by_client=True)
        wire.carry(server.do_handshake, by_client=False)
    wire.carry(client.write, handshake("/sealed"), by_client=True)
    server.read(4096)
    wire.carry(server.write, switching(), by_client=False)
    client.read(4096)
    return keys.read_bytes()


@pytest.mark.parametrize("with_keys", [True, False])
def test_keys_come_before_the_packets(tmp_path: Path, *, with_keys: bool) -> None:
    path = tmp_path / "tls.pcapng"
    with Recording(str(path)) as recording:
        keys = in_tls(recording.opened(CLIENT, SERVER, NOW), tmp_path)
        if with_keys:
            for line in keys.splitlines():
                recording.keys(line)
        recording.finish()
    exchanges = scan(path)["exchanges"]
    assert list(exchanges["target"]) == (["/sealed"] if with_keys else [])
    if TSHARK is not None:
        found = [uri for (uri,) in tshark_tls(path) if uri]
        assert found == (["/sealed"] if with_keys else [])


def tshark_tls(path: Path) -> list[list[str]]:
    command = [TSHARK or "", "-r", str(path), "-d", "tcp.port==80,tls", "-T", "fields", "-e", "http.request.uri"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("\t") for line in told.stdout.splitlines()]


def test_a_clock_that_is_set_back(tmp_path: Path) -> None:
    path = tmp_path / "replay.pcapng"
    recording = Recording(str(path))
    flow = recording.opened(CLIENT, SERVER, NOW)
    flow.sent(handshake(), NOW + 1)
    flow.received(switching(), NOW - 100)
    recording.finish()
    with path.open("rb") as file:
        times = [at for at, _ in dpkt.pcapng.Reader(file)]
    assert times == sorted(times)


def test_the_inputs_are_never_overwritten(tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcap"
    capture.write_bytes(b"evidence")
    link, hard = tmp_path / "link", tmp_path / "hard"
    link.symlink_to(capture)
    hard.hardlink_to(capture)
    for path in (capture, link, hard, tmp_path / "." / "capture.pcap"):
        with pytest.raises(CaptureError, match="one of the captures"):
            Recording(str(path), [str(capture)])
    recording = Recording(str(tmp_path / "new"), [str(capture), "-", "not there"])
    (tmp_path / "new").symlink_to(capture)
    with pytest.raises(CaptureError, match="one of the captures"):
        recording.finish()
    assert capture.read_bytes() == b"evidence"


@pytest.mark.parametrize(
    ("path", "told"), [("none/file", "no such folder"), (".", "is a folder"), ("x" * 300, "written")]
)
def test_places_that_cannot_be_written(path: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=told):
        Recording(str(tmp_path / path))
    assert not list(tmp_path.iterdir())


def test_another_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "replay.pcapng"
    path.write_bytes(b"before")
    with Recording(str(path)) as recording:
        talk(recording.opened(CLIENT, SERVER, NOW))
        assert path.read_bytes() == b"before"
        recording.finish()
    assert path.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    recording = Recording(str(tmp_path / "replay.pcapng"))
    with recording:
        talk(recording.opened(CLIENT, SERVER, NOW))
    talk(recording.opened(CLIENT, SERVER, NOW))
    assert not list(tmp_path.iterdir())


def test_a_failure_at_the_end_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording(str(tmp_path / "replay.pcapng"))
    talk(recording.opened(CLIENT, SERVER, NOW))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(CaptureError, match="No space left"):
        recording.finish()
    assert not list(tmp_path.iterdir())


class Full:
    """A file on a disk that is full."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def write(self, _: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        self.file.close()


def test_a_full_disk_ends_the_recording_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording(str(tmp_path / "replay.pcapng"))
    monkeypatch.setattr(recording, "_packets", Full(recording._packets))
    talk(recording.opened(CLIENT, SERVER, NOW))
    with pytest.raises(CaptureError, match="No space left"):
        recording.finish()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Path, list[bytes]]]:
    """A named pipe and what is read from it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(path.read_bytes()), daemon=True)
    thread.start()
    yield path, read
    thread.join(10)


def test_a_pipe_is_written_to(pipe: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    path, read = pipe
    with Recording(str(path)) as recording:
        talk(recording.opened(CLIENT, SERVER, NOW))
        recording.finish()
    deadline = time.monotonic() + 10
    while not read and time.monotonic() < deadline:
        time.sleep(0.01)
    copy = tmp_path / "copy.pcapng"
    copy.write_bytes(read[0])
    assert list(scan(copy)["exchanges"]["status"]) == [101]


def test_a_thousand_handshakes_take_seconds(tmp_path: Path) -> None:
    path = tmp_path / "replay.pcapng"
    began = time.process_time()
    with Recording(str(path)) as recording:
        for number in range(1000):
            flow = recording.opened((CLIENT[0], 1024 + number), SERVER, NOW + number)
            flow.sent(handshake(), NOW + number)
            flow.received(switching(), NOW + number)
            for _ in range(5):
                flow.sent(frame(b"hello", masked=True), NOW + number)
                flow.received(frame(LONG, masked=False) * 5, NOW + number)
            flow.ended("server", reset=False, time=NOW + number)
        recording.finish()
    assert time.process_time() - began < 20
    tables = scan(path)
    assert len(tables["exchanges"]) == 1000
    assert tables["captures"]["packets"].iloc[0] == 30_000
