"""Replays through real load balancers that stand before the test router: what the captures tell of them comes out again."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.replay.test_captured import NAMED, of_both
from tests.replay.test_run import FAST, is_valid
from wsanalyze import router
from wsanalyze.replay.conclusion import conclude
from wsanalyze.replay.edits import Edits
from wsanalyze.replay.plan import Bounds, plan
from wsanalyze.replay.run import Ran, replay
from wsanalyze.replay.sending import Target
from wsanalyze.router import Router

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr warn;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{router}; {upgrade} }}
  }}
}}
"""
UPGRADE = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
HAPROXY = """
global
    log stderr local0
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind 127.0.0.1:{port}
    option forwardfor
    default_backend routers
backend routers
    server one 127.0.0.1:{router}
"""
TRAEFIK = """
http:
  routers: {{all: {{rule: "PathPrefix(`/`)", service: router}}}}
  services: {{router: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{router}"}}]}}}}}}
"""


def nginx(folder: Path, port: int, router: int, upgrade: str = "") -> list[str]:
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, router=router, upgrade=upgrade))
    return ["nginx", "-c", str(config), "-p", str(folder), "-e", "stderr"]


def nginx_upgrading(folder: Path, port: int, router: int) -> list[str]:
    return nginx(folder, port, router, UPGRADE)


def haproxy(folder: Path, port: int, router: int) -> list[str]:
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, router=router))
    return ["haproxy", "-db", "-f", str(config)]


def traefik(folder: Path, port: int, router: int) -> list[str]:
    routes = folder / "routes.yml"
    routes.write_text(TRAEFIK.format(router=router))
    return ["traefik", f"--entryPoints.web.address=127.0.0.1:{port}", f"--providers.file.filename={routes}",
            "--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"]  # fmt: skip


Balancer = Callable[[Path, int, int], list[str]]


def is_ready(port: int) -> bool:
    """Whether it answers, and not with 404 as long as it has read no routes."""
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    with contextlib.suppress(OSError, HTTPException), contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().status != 404
    return False


@contextlib.contextmanager
def standing(balancer: Balancer, folder: Path, router_port: int, path: str) -> Iterator[Target]:
    """A load balancer before a router."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = balancer(folder, port, router_port)
    program = shutil.which(command[0], path=path)
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    with subprocess.Popen([program, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < deadline and not is_ready(port):
                time.sleep(0.05)
            assert process.poll() is None, f"{command[0]} did not start"
            yield Target("http", "127.0.0.1", port)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def router_port() -> Iterator[int]:
    """The port of a router that accepts."""
    with start_blocking_portal() as portal:
        serving = Router(router.Settings()).serve()
        with portal.wrap_async_context_manager(serving) as (_, port):
            yield port


def replayed(scenario: str, target: Target) -> Ran:
    found = [one for one in of_both(NAMED[scenario]) if one.handshake]
    return replay(plan(found, Edits(), Bounds()), target, FAST)


@pytest.mark.parametrize("balancer", [nginx_upgrading, haproxy, traefik])
def test_through_a_load_balancer_that_passes_upgrades(
    balancer: Balancer, router_port: int, tmp_path: Path, scripts_path: str
) -> None:
    with standing(balancer, tmp_path, router_port, scripts_path) as target:
        for one in replayed("nginx-default", target).compared:
            assert one.replayed is not None
            assert one.replayed.error is None
            assert (one.replayed.outcome == "established") == is_valid(one.captured)
            assert one.replayed.accept_valid in ({True} if one.works else {None})
            assert one.result == ("better" if one.works else one.result)


def test_through_a_load_balancer_that_strips(router_port: int, tmp_path: Path, scripts_path: str) -> None:
    direct = replayed("nginx-default", Target("http", "127.0.0.1", router_port))
    assert {one.works for one in direct.compared if is_valid(one.captured)} == {True}
    assert "the LB is the cause" in conclude(direct.compared)
    with standing(nginx, tmp_path, router_port, scripts_path) as target:
        again = replayed("nginx-default", target)
    assert {one.replayed.outcome for one in again.compared if one.replayed} == {"refused"}
    assert not {"better"} & {one.result for one in again.compared}
    assert "refused" in conclude(again.compared)
    assert "the LB is the cause" not in conclude(again.compared)


def test_what_was_passed_through_is_worse_through_one_that_strips(
    router_port: int, tmp_path: Path, scripts_path: str
) -> None:
    with standing(nginx, tmp_path, router_port, scripts_path) as target:
        ran = replayed("nginx-upgrade-map", target)
    results = {one.result for one in ran.compared if one.captured.outcome == "established"}
    assert results == {"worse"}
