"""`wsanalyze router`: it says where it listens, logs on standard output, and ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from wsanalyze.router import BEHAVIOURS, ROUTER_ERRORS


@contextmanager
def started(
    wsanalyze: str, *arguments: str, stdout: int = subprocess.PIPE
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the URL at which it listens."""
    with subprocess.Popen(
        [wsanalyze, "router", "--port", "0", *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            line = process.stderr.readline()
            found = re.fullmatch(r"wsanalyze: listening at (https?://\S+)\n", line)
            assert found, line
            yield process, found[1]
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], how: signal.Signals) -> tuple[int, str, str]:
    """Exit status and what else was printed."""
    process.send_signal(how)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def refused(wsanalyze: str, *arguments: str) -> str:
    """The one line with which it ends at once."""
    done = subprocess.run([wsanalyze, "router", *arguments], capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize(("how", "status", "last"), [
    (signal.SIGTERM, 0, ""),
    (signal.SIGINT, 130, "wsanalyze: interrupted"),
])  # fmt: skip
def test_it_serves_until_it_is_ended(wsanalyze: str, how: signal.Signals, status: int, last: str) -> None:
    with started(wsanalyze) as (process, url):
        with urllib.request.urlopen(f"{url}/page?token=s3cret") as answered:  # noqa: S310
            assert answered.status == 200
        with connect(url.replace("http", "ws")) as client:
            client.send("hello")
            assert client.recv() == "hello"
            code, out, err = ended(process, how)
    assert (code, err.strip()) == (status, last)
    assert [re.search(r'"GET (\S+) HTTP/1.1" (\d+)', line)[0] for line in out.splitlines()] == [  # type: ignore[index]
        '"GET /page?token=*** HTTP/1.1" 200',
        '"GET / HTTP/1.1" 101',
    ]


def test_tls_and_the_certificate_for_clients(wsanalyze: str, tmp_path: Path) -> None:
    certificate = tmp_path / "router.pem"
    with started(wsanalyze, "--tls", "--write-cert", str(certificate)) as (_, url):
        context = ssl.create_default_context(cafile=certificate)
        with urllib.request.urlopen(url, context=context) as answered:  # noqa: S310
            assert b'"version": "TLSv1.3"' in answered.read()
    assert b"PRIVATE" not in certificate.read_bytes()


def test_orders(wsanalyze: str) -> None:
    with started(wsanalyze, "--router-error", "no_endpoints") as (_, url):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url)  # noqa: S310
        assert caught.value.headers["X-Cf-Routererror"] == "no_endpoints"
        caught.value.close()


def test_what_is_no_request_is_noted_without_tricks(wsanalyze: str) -> None:
    with started(wsanalyze) as (process, url):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as raw:
            raw.sendall(b"\x1b[2J\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400 ")
        _, out, err = ended(process, signal.SIGTERM)
    assert out == ""
    assert re.fullmatch(r"wsanalyze: 127\.0\.0\.1:\d+: not HTTP: illegal request line\n", err)


def test_a_log_that_nobody_reads(wsanalyze: str) -> None:
    with started(wsanalyze) as (process, url):
        assert process.stdout
        process.stdout.close()
        for _ in range(3):
            with urllib.request.urlopen(url) as answered:  # noqa: S310
                assert answered.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_notes_that_nobody_reads(wsanalyze: str) -> None:
    with started(wsanalyze) as (process, url):
        assert process.stderr
        process.stderr.close()
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as raw:
                raw.sendall(b"nonsense\r\n\r\n")
                assert raw.recv(100).startswith(b"HTTP/1.1 400 ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_log_that_cannot_be_written(wsanalyze: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with started(wsanalyze, stdout=full) as (process, url):
            with urllib.request.urlopen(url):  # noqa: S310
                pass
            _, err = process.communicate(timeout=20)
    finally:
        os.close(full)
    assert process.returncode == 2
    assert err == "wsanalyze: error: standard output cannot be written: No space left on device.\n"


def test_what_it_cannot_do(wsanalyze: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"cannot listen at 127.0.0.1, port {port}: " in refused(wsanalyze, "--port", port)
    assert "cannot listen at nowhere.invalid" in refused(wsanalyze, "--host", "nowhere.invalid")
    for host in ("münchen..", "x" * 300, ".", "1.2.3.4.5"):
        assert f"cannot listen at {host}, port 8080: " in refused(wsanalyze, "--host", host, "--tls")
    assert "refuse takes a status" in refused(wsanalyze, "--behave", "refuse=x")
    assert "there is no behaviour 'no'" in refused(wsanalyze, "--behave", "no")
    assert "--key needs --cert" in refused(wsanalyze, "--key", "x")
    assert "--write-cert needs --tls" in refused(wsanalyze, "--write-cert", "x")
    assert "no certificate with its key" in refused(wsanalyze, "--cert", str(tmp_path / "nowhere"))
    assert "cannot be written: No such file" in refused(wsanalyze, "--tls", "--write-cert", str(tmp_path / "no" / "x"))


def test_the_help_names_what_can_be_ordered(wsanalyze: str) -> None:
    page = subprocess.run([wsanalyze, "router", "--help"], capture_output=True, text=True, check=True).stdout
    for name in (*BEHAVIOURS, *ROUTER_ERRORS):
        assert re.search(rf"\b{name}\b", page), name
