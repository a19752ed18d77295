"""Takes a scenario, sets it up in the lab, records both sides, writes its folder: captures, configuration, truth."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import struct
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from captures.lab import proxies
from captures.lab.asked import Asked
from captures.lab.client import Client
from captures.lab.findings import findings
from captures.lab.network import LB_FRONT, LB_FRONT6, ROUTERS, Network
from captures.lab.plan import Visit
from captures.lab.programs import Balancer, Recorder, balancer, running
from captures.lab.proxies import OWN, Proxy
from captures.lab.router import Router
from captures.lab.scenario import Scenario
from captures.lab.seen import Raw, Seen
from captures.lab.truth import Journey, describe, expected, is_handshake, journeys, undecided
from captures.lab.wire import Wire

_SETTLE = 0.4
"""Seconds in which what has been sent arrives everywhere."""


class Session:
    """One scenario while it runs."""

    def __init__(self, scenario: Scenario, folder: Path, certificate: Path) -> None:
        self.scenario, self.folder, self.certificate = scenario, folder, certificate
        self.chance = random.Random(scenario.name)
        self.own = scenario.program in OWN
        self.program: Balancer | None = None if self.own else balancer(scenario.program)
        self.unrecorded: set[str] = set()
        """Ids of what was asked before the recording began."""
        self.begun_before: set[str] = set()
        """Connections whose beginning, and with it what is needed to read them, was not recorded: TLS and HTTP/2."""
        self.back_missing: set[str] = set()
        """Ids of what was asked after the back's recording had ended."""

    async def run(self) -> None:
        """Record the scenario."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            Network(impaired=self.scenario.impaired) as network,
            tempfile.TemporaryDirectory(prefix="wsanalyze-lab-") as run,
        ):
            self.network = network
            wire = Wire(network.wire, self.scenario.impairment, self.chance) if self.scenario.impaired else None
            self.router = Router(
                network.router, proxy=self.scenario.router_speaks, connect=self.scenario.router_connect
            )
            keylog, back_keylog = Path(run, "keylog.txt"), Path(run, "keylog-back.txt")
            if self.scenario.router_up:
                await self.router.open(
                    tls=self.scenario.router_tls,
                    certificate=self.certificate / "lb.pem",
                    # What is only carried has the front's secrets.
                    keylog=None if self.scenario.carried else back_keylog,
                )
            self.client = Client(network.client, self.chance, self.certificate / "authority.pem", keylog)
            front, back = self._recorders()
            async with contextlib.AsyncExitStack() as recording:
                if self.scenario.recording.from_start:
                    await self._begin(recording, front, back)
                async with self._program(Path(run)):
                    await self._traffic(recording, front, back)
            await self.router.close()
            if wire:
                wire.close()
            for secrets in (keylog, back_keylog):
                (self.folder / secrets.name).unlink(missing_ok=True)
                if secrets.exists():
                    shutil.copy(secrets, self.folder / secrets.name)
        self._write()

    @contextlib.asynccontextmanager
    async def _program(self, run: Path) -> AsyncIterator[None]:
        if self.program is not None:
            async with running(self.program, self.network.lb, run, self.certificate):
                yield
            return
        proxy = Proxy(self.network.lb, OWN[self.scenario.program])
        await proxy.open()
        yield
        await proxy.close()

    @staticmethod
    async def _begin(recording: contextlib.AsyncExitStack, front: Recorder, back: Recorder) -> None:
        """The back is recorded first and longest, as the README advises."""
        await recording.enter_async_context(back)
        await recording.enter_async_context(front)

    async def _traffic(self, recording: contextlib.AsyncExitStack, front: Recorder, back: Recorder) -> None:
        traffic = self.scenario.traffic
        waiting = self._start(traffic.before)
        if waiting:
            await asyncio.sleep(_SETTLE)
            self.unrecorded = {asked.id for asked in self.client.log}
            self.begun_before = {asked.client for asked in self.client.log if asked.tls or asked.version == "2"}
        if not self.scenario.recording.from_start:
            await self._begin(recording, front, back)
        await asyncio.gather(*waiting, *self._start(traffic.visits))
        if traffic.after:
            await asyncio.sleep(_SETTLE)
            await back.stop()
            known = {asked.id for asked in self.client.log}
            await asyncio.gather(*self._start(traffic.after))
            self.back_missing = {asked.id for asked in self.client.log} - known
        await asyncio.sleep(_SETTLE)
        await front.stop()
        await back.stop()
        await self.client.leave()

    def _start(self, visits: Sequence[Visit]) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.client.visit(visit)) for visit in visits]

    def _recorders(self) -> tuple[Recorder, Recorder]:
        how, lb = self.scenario.recording, self.network.lb
        interfaces, filters = ("front", "back"), ("tcp", "tcp")
        if how.any_interface:
            interfaces = ("any", "any")
            filters = (
                f"tcp and (host {LB_FRONT} or host {LB_FRONT6})",
                f"tcp and ({' or '.join(f'host {address}' for address in ROUTERS)})",
            )
        return tuple(  # type: ignore[return-value]
            Recorder(lb, interface, self.folder / f"{side}.pcap", snaplen=how.snaplen, only=only)
            for side, interface, only in zip(("front", "back"), interfaces, filters, strict=True)
        )

    def _write(self) -> None:
        """What the recording does to the files, the configuration, and the truth."""
        how = self.scenario.recording
        for side, loses in (("front", True), ("back", how.back_lost)):
            _rewrite(
                self.folder / f"{side}.pcap",
                seconds=how.clock_shift if side == "back" else 0.0,
                loss=how.loss if loses else 0.0,
                chance=self.chance,
            )
        self._write_configuration()
        told = self._told()
        text = json.dumps(told, indent=1, ensure_ascii=False)
        (self.folder / "truth.json").write_text(text + "\n", encoding="utf-8")

    def _write_configuration(self) -> None:
        place = self.folder / "config"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        if self.program is None:
            source = Path(proxies.__file__)
            (place / "COMMAND").write_text(
                f"captures/lab/{source.name}: {OWN[self.scenario.program].__name__}\n", encoding="utf-8"
            )
            return
        for path in self.program.files:
            shutil.copy(path, place / path.name)
        (place / "COMMAND").write_text(" ".join(self.program.command) + "\n", encoding="utf-8")

    def _told(self) -> dict[str, Any]:
        scenario = self.scenario
        known: list[Asked] = [asked for asked in self.client.log if asked.id not in self.unrecorded]
        all_journeys = journeys(known, self.router.log)
        judged = [
            (journey, expected(journey, scenario, self.router.raw) if is_handshake(journey.asked) else None)
            for journey in all_journeys
        ]
        mine = {seen_id(seen) for journey in journeys(self.client.log, self.router.log) for seen in journey.arrivals}
        strangers = [seen for seen in self.router.log if seen_id(seen) not in mine]
        described = [(journey, describe(journey, verdict), verdict) for journey, verdict in judged]
        for journey, line, verdict in described:
            line["back_recorded"] = journey.asked.id not in self.back_missing
            line["start_recorded"] = journey.asked.client not in self.begun_before
            if verdict is not None:
                self._doubt(journey, line)
        return {
            "scenario": scenario.name,
            "shows": scenario.shows,
            "lb": self._lb(),
            "recording": _said_of(scenario),
            "handshakes": [line for _, line, verdict in described if verdict is not None],
            "http": [line for _, line, verdict in described if verdict is None],
            "findings": findings(scenario, judged, strangers),
            "router_requests_not_from_client": [
                {"method": seen.method, "target": seen.target, "headers": seen.headers} for seen in strangers
            ],
            "not_http": [_raw_line(one) for one in self.router.raw],
        }

    def _doubt(self, journey: Journey, line: dict[str, Any]) -> None:
        """Which verdicts are right for what was recorded of a handshake."""
        asked, told = journey.asked, line["expected"]
        line["acceptable"], line["decidable"] = [told], told != "undetermined"
        if asked.id in self.back_missing:
            line["expected"], line["expected_detail"], line["expected_mode"] = "undetermined", "back-not-captured", None
            line["acceptable"], line["decidable"] = ["undetermined"], False
        elif undecided(self.scenario) or asked.id not in asked.path or asked.client in self.begun_before:
            line["acceptable"], line["decidable"] = sorted({told, "undetermined"}), None
        elif asked.gave_up and journey.first and (journey.first.answered or 0) > (asked.ended or 0):
            # What the router answers to a connection that was given up may not leave it.
            line["decidable"] = None

    def _lb(self) -> dict[str, str]:
        if self.program is None:
            return {
                "product": "own proxy",
                "version": "",
                "about": (OWN[self.scenario.program].__doc__ or "").strip(". "),
            }
        return {
            "product": self.program.product,
            "version": self.program.printed_version(),
            "about": self.program.about,
        }


def seen_id(seen: Seen) -> tuple[int, int]:
    """What tells one arrival from another."""
    return seen.connection, seen.position


def _raw_line(one: Raw) -> dict[str, str]:
    return {"peer": one.peer, "first": one.first.decode("latin-1")}


def _said_of(scenario: Scenario) -> dict[str, Any]:
    how = scenario.recording
    said: dict[str, Any] = {"tool": _first_line(("tcpdump", "--version"))}
    if scenario.router_tls:
        said["router_tls" if scenario.carried else "back_tls"] = True
    if how.snaplen:
        said["snaplen"] = how.snaplen
    if how.any_interface:
        said["interface"] = "any"
    if how.clock_shift:
        said["back_clock_ahead_s"] = how.clock_shift
    if how.loss:
        said["packets_lost_by_the_recording"] = how.loss
    if scenario.impaired:
        said["impaired"] = {
            "link": scenario.impaired,
            **{n: getattr(scenario.impairment, n) for n in ("loss", "duplication", "reordering")},
        }
    return said


def _first_line(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0]


def _rewrite(path: Path, *, seconds: float, loss: float, chance: random.Random) -> None:
    """The capture with its clock shifted and without the packets that the recording loses."""
    data = path.read_bytes()
    if not seconds and not loss:
        return
    parts, at = [data[:24]], 24
    while at + 16 <= len(data):
        whole, fraction, captured, original = struct.unpack_from("<IIII", data, at)
        moment = whole * 1_000_000 + fraction + round(seconds * 1_000_000)
        if chance.random() >= loss:
            parts.append(struct.pack("<IIII", *divmod(moment, 1_000_000), captured, original))
            parts.append(data[at + 16 : at + 16 + captured])
        at += 16 + captured
    path.write_bytes(b"".join(parts))
