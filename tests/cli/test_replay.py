"""`wsanalyze replay` as users run it, against targets of all kinds."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

import wsanalyze as package
from tests.cases.wire import Story, answer, frame, handshake, request, switching
from tests.cli.test_command import BACK, FRONT, Run, run
from tests.scenarios import CAPTURES
from wsanalyze import capture

__all__ = ["run"]
CLEAN = str(CAPTURES / "nginx-upgrade-map" / "front.pcap")
FAST = ("--speed", "max", "--max-gap", "0.05", "--timeout", "1.5")


@contextmanager
def peer(speak: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that does something to each connection; gives its address, and what it was sent first on each."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(0.5)
                        with suppress(TimeoutError):
                            heard.append(connection.recv(65536))
                        connection.settimeout(5)
                        speak(connection)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}", heard
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def refusing(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def flows(text: str) -> dict[str, dict[str, Any]]:
    return {flow["id"]: flow for flow in json.loads(text)["flows"]}


def test_it_works_out_of_the_box(run: Run) -> None:
    done = run("replay", FRONT, BACK, *FAST)
    assert done.returncode == 0
    first = " ".join(done.stdout.split("\n\n")[0].split())
    assert "the test router accepts" in first
    assert "the LB is the cause" in first


def test_json_is_the_contract(run: Run) -> None:
    done = run("replay", CLEAN, "--only", "handshakes", "--format", "json", *FAST)
    told = json.loads(done.stdout)
    assert {"wsanalyze", "target", "flows", "conclusion"} <= set(told)
    found = flows(done.stdout)
    assert list(found) == [f"h{number}" for number in range(1, 13)]
    assert found["h1"]["captured"] | {"outcome": "established", "status": 101} == found["h1"]["captured"]
    replayed = found["h1"]["replayed"]
    assert replayed | {"outcome": "established", "status": 101, "accept_valid": True, "sent": 2, "received": 2,
                       "close_code": 1000, "error": None} == replayed  # fmt: skip
    assert (found["h1"]["result"], found["h1"]["target"][:4]) == ("same", "/ws/")
    assert {flow["result"] for flow in found.values()} <= {"same", "better", "worse", "different", "not-sent"}


def ids(run: Run, *arguments: str) -> set[str]:
    done = run("replay", *arguments, "--dry-run", "--only", "handshakes", "--format", "json")
    assert done.returncode == 0, done.stderr
    return {
        request["id"] for connection in json.loads(done.stdout)["connections"] for request in connection["requests"]
    }


def test_captures_may_be_named_as_for_pcap(run: Run, tmp_path: Path) -> None:
    forms = CAPTURES / "haproxy-forms" / "forms"
    rotated = sorted(str(path) for path in (forms / "rotated-dumpcap").glob("front*"))
    whole = ids(run, str(CAPTURES / "haproxy-forms" / "front.pcap"))
    assert len(rotated) > 2
    assert whole == ids(run, *rotated)
    assert whole == ids(run, str(forms / "lb-any.pcap")) == ids(run, str(forms / "lb-any.pcap"), "--lb", "203.0.113.1", "--lb", "10.244.0.1")  # fmt: skip
    folder = tmp_path / "front"
    folder.mkdir()
    for path in rotated:
        shutil.copy(path, folder)
    assert whole == ids(run, "front")
    assert whole == ids(run, "--front", *rotated, "--back", str(CAPTURES / "haproxy-forms" / "back.pcap"))


def test_what_was_named_has_to_be_there(run: Run) -> None:
    done = run("replay", CLEAN, "--id", "h1,h99", "--dry-run")
    assert done.returncode == 2
    assert "there is no h99" in done.stderr
    done = run("replay", str(CAPTURES / "haproxy-tls13" / "front.pcap"))
    assert done.returncode == 2
    assert "--keylog FILE" in done.stderr


def test_standard_input_is_a_capture_as_well(run: Run) -> None:
    done = run("replay", "-", "--id", "h1", "--format", "json", *FAST, stdin=Path(CLEAN).read_bytes())
    assert flows(done.stdout)["h1"]["result"] == "same"


def test_a_websocket_that_is_cut_is_worse(run: Run, wsanalyze: str, tmp_path: Path) -> None:
    with router(wsanalyze, "--behave", "terminate=1011", cwd=tmp_path) as port:
        done = run("replay", CLEAN, "--id", "h1", "--target", f"127.0.0.1:{port}", *FAST)
    assert done.returncode == 1
    assert "cut later on" in " ".join(done.stdout.split())


def test_a_dry_run_sends_nothing(run: Run) -> None:
    with peer(refusing) as (address, heard):
        done = run("replay", FRONT, BACK, "--target", address, "--dry-run")
        as_json = run("replay", FRONT, BACK, "--target", address, "--dry-run", "--format", "json")
    assert heard == []
    assert (done.returncode, as_json.returncode) == (0, 0)
    assert address in done.stdout
    assert "GET /ws/" in done.stdout
    assert "POST may change something" in done.stdout
    json.loads(as_json.stdout)


def test_a_target_that_was_captured_is_refused(run: Run, tmp_path: Path) -> None:
    with peer(refusing) as (address, heard):
        assert run("replay", CLEAN, "--id", "h1", "--target", address, "--write", "there.pcapng", *FAST).returncode == 1
        sent = len(heard)
        assert sent == 1
        done = run("replay", "there.pcapng", "--target", f"http://localhost:{address.split(':')[1]}", *FAST)
        assert done.returncode == 2
        assert "--allow-captured-target" in done.stderr
        assert len(heard) == sent
        run("replay", "there.pcapng", "--target", address, "--allow-captured-target", *FAST)
        assert len(heard) > sent
    assert (tmp_path / "there.pcapng").is_file()


def secret_capture(tmp_path: Path) -> str:
    story = Story()
    front = story.front()
    asked = handshake("/ws?access_token=s3cret", Authorization="Bearer s3cret-s3cret", Cookie="id=s3cret")
    front.ask(asked).reply(switching()).ask(frame(b'{"password": "s3cret"}', masked=True))
    story.front().ask(request(target="/?token=s3cret", Cookie="s3cret")).reply(answer(200))
    return str(story.files(tmp_path)[0])


def test_secrets_go_nowhere_unless_asked(run: Run, tmp_path: Path) -> None:
    path = secret_capture(tmp_path)
    with peer(refusing) as (address, heard):
        for options in ((), ("--format", "json"), ("--dry-run",), ("--dry-run", "--format", "json")):
            done = run("replay", path, "--target", address, "--write", "w.pcapng", *options, *FAST)
            assert "s3cret" not in done.stdout + done.stderr
        assert heard
        assert not any(b"s3cret" in one for one in heard)
        assert b"s3cret" not in (tmp_path / "w.pcapng").read_bytes()
        run("replay", path, "--target", address, "--send-credentials", *FAST)
        assert b"Authorization: Bearer s3cret-s3cret\r\n" in b"".join(heard)
    # The test router reports what it received.
    done = run("replay", path, "--format", "json", "--write", "w.pcapng", *FAST)
    assert done.returncode == 0
    assert b"s3cret" not in (tmp_path / "w.pcapng").read_bytes()


def nothing(connection: socket.socket) -> None:
    """It hangs until the other end has gone."""
    with suppress(TimeoutError):
        while connection.recv(65536):
            pass


def garbage(connection: socket.socket) -> None:
    connection.sendall(b"\x1b[31m\0SSH-2.0-what\r\n" * 20)


def closing(_: socket.socket) -> None:
    """It closes at once."""


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"x" * 8192 + b"\r\n")


@pytest.mark.parametrize("speak", [nothing, garbage, closing, endless])
def test_whatever_the_target_does_each_exchange_has_a_result(run: Run, speak: Callable[[socket.socket], None]) -> None:
    with peer(speak) as (address, _):
        done = run("replay", CLEAN, "--target", address, "--format", "json", "--concurrency", "20", "--id", "h1", "--id",
                   "h2", "--id", "r1", *FAST)  # fmt: skip
    assert done.returncode == 1
    assert set(flows(done.stdout)) == {"h1", "h2", "r1"}
    for flow in flows(done.stdout).values():
        assert flow["replayed"]["error"]
        assert flow["replayed"]["outcome"] in {"no-answer", "reset"}
        assert "\x1b" not in done.stdout


def test_a_target_that_is_down(run: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run("replay", CLEAN, "--target", f"127.0.0.1:{unused.getsockname()[1]}", *FAST)
    assert done.returncode == 1
    assert "could not be reached" in " ".join(done.stdout.split())


@contextmanager
def command(wsanalyze: str, *arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [wsanalyze, *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_ctrl_c_tells_what_was_done(wsanalyze: str, tmp_path: Path) -> None:
    options = (
        "--only",
        "handshakes",
        "--concurrency",
        "1",
        "--timeout",
        "30",
        "--format",
        "json",
        "--write",
        "w.pcapng",
    )
    with (
        peer(nothing) as (address, heard),
        command(wsanalyze, "replay", CLEAN, "--target", address, *options, cwd=tmp_path) as process,
    ):
        deadline = time.monotonic() + 30
        while not heard and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        told, noted = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in noted
    found = flows(told)
    assert len(found) == 12
    assert found["h1"]["replayed"]["error"]
    assert found["h12"]["result"] == "not-sent"
    package.analyze(FRONT, tmp_path / "w.pcapng")


def test_what_is_written_stands_beside_the_original_front(run: Run) -> None:
    assert run("replay", CLEAN, "--keep-key", "--as-lb", "--write", "back.pcapng", *FAST).returncode in {0, 1}
    done = run("pcap", CLEAN, "back.pcapng", "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    handshakes = {handshake["id"]: handshake for handshake in told["handshakes"]}
    assert len(handshakes) == 12
    # What a replay got is no evidence of what the load balancer did.
    assert {(one["verdict"], one["detail"]) for one in handshakes.values()} == {("undetermined", "back-not-captured")}
    first = handshakes["h1"]
    assert (first["front_status"], first["back_status"], first["pairing"]) == (101, 101, "sec-websocket-key")
    assert first["target"] == first["back_target"]
    assert {change["header"] for change in first["changes"]} == {"X-Forwarded-For", "X-Forwarded-Proto"}
    assert "The back is a replay" in run("pcap", CLEAN, "back.pcapng").stdout
    assert "got 101" in " ".join(run("show", CLEAN, "back.pcapng", "h1").stdout.split())


def test_a_replay_is_no_front_of_what_was_captured_at_another_time(run: Run) -> None:
    run("replay", CLEAN, "--only", "handshakes", "--write", "front.pcapng", *FAST)
    done = run("pcap", "front.pcapng", str(CAPTURES / "nginx-upgrade-map" / "back.pcap"), "--format", "json")
    told = json.loads(done.stdout)
    assert {one["verdict"] for one in told["handshakes"]} == {"undetermined"}
    blaming = {"upgrade-stripped", "websocket-terminated", "handshake-blocked", "x-forwarded-for-missing"}
    assert blaming.isdisjoint(finding["rule"] for finding in told["findings"])


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_finds_nothing_odd_in_what_is_written(run: Run, tmp_path: Path) -> None:
    run("replay", CLEAN, "--write", "back.pcapng", *FAST)
    odd = 'http.request.uri contains "/ws/" or tcp.analysis.flags or _ws.malformed or tcp.checksum.status == 0'
    tshark = ["tshark", "-r", str(tmp_path / "back.pcapng"), "-o", "tcp.check_checksum:TRUE", "-Y", odd, "-T", "fields", "-e", "http.request.uri"]  # fmt: skip
    lines = subprocess.run(tshark, capture_output=True, check=True, text=True).stdout.splitlines()
    assert len(lines) >= 4
    assert all(line.startswith("/ws/") for line in lines)


@contextmanager
def router(wsanalyze: str, *arguments: str, cwd: Path) -> Iterator[str]:
    """A test router in a process of its own; gives its port."""
    with command(wsanalyze, "router", "--port", "0", *arguments, cwd=cwd) as process:
        assert process.stderr is not None
        found = next(found for line in process.stderr if (found := re.search(r"127\.0\.0\.1:(\d+)", line)))
        yield found[1]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.fixture
def secure_router(wsanalyze: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A test router with TLS, by a certificate of a private authority."""
    authority = trustme.CA()
    issued = authority.issue_cert("router.test")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with router(wsanalyze, "--cert", "cert.pem", "--key", "cert.pem", cwd=tmp_path) as port:
        yield port, tmp_path / "ca.pem"


@pytest.mark.parametrize("folder", ["nginx-upgrade-map", "haproxy-h2"])
def test_tls(run: Run, secure_router: tuple[str, Path], tmp_path: Path, folder: str) -> None:
    port, authority = secure_router
    source = CAPTURES / folder
    keys = ("--keylog", str(source / "keylog.txt")) if (source / "keylog.txt").is_file() else ()
    asked = (str(source / "front.pcap"), *keys, "--only", "handshakes", "--format", "json", *FAST)
    reach = ("--target", f"wss://router.test:{port}", "--resolve", "router.test:127.0.0.1")
    done = run("replay", *asked, *reach, "--cafile", str(authority), "--write", "tls.pcapng")
    assert flows(done.stdout)["h1"]["replayed"]["outcome"] == "established"
    (read,) = capture.read([[str(tmp_path / "tls.pcapng")]])
    assert set(read.tables.connections["tls_decryption"]) == {"decrypted"}
    assert len(read.tables.websockets) > 4
    for options in ((), ("--cafile", str(authority), "--sni", "other.test")):
        done = run("replay", *asked, *reach, *options)
        assert done.returncode == 1
        assert "certificate" in flows(done.stdout)["h1"]["replayed"]["error"]
    done = run("replay", *asked, *reach, "--insecure")
    assert flows(done.stdout)["h1"]["replayed"]["outcome"] == "established"


MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=open("out.json", "w"))
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_a_thousand_handshakes_at_once(wsanalyze: str, tmp_path: Path) -> None:
    story = Story()
    for number in range(1000):
        front = story.front(port=80).ask(handshake(f"/ws/{number}")).reply(switching())
        front.ask(frame(b"hello", masked=True)).reply(frame(b"hello", masked=False))
    path = story.files(tmp_path)[0]
    arguments = ("replay", str(path), "--concurrency", "100", "--rate", "1000", "--speed", "max", "--format", "json")
    done = subprocess.run([sys.executable, "-c", MEASURED, wsanalyze, *arguments], cwd=tmp_path, check=True,
                          capture_output=True, text=True, env={**os.environ})  # fmt: skip
    status, kibibytes = map(int, done.stdout.split())
    found = flows((tmp_path / "out.json").read_text())
    assert len(found) == 1000
    assert {(flow["replayed"]["outcome"], flow["replayed"]["received"], flow["result"]) for flow in found.values()} == {
        ("established", 1, "same")
    }
    assert status == 0
    assert kibibytes * (1024 if sys.platform != "darwin" else 1) < 300e6
