"""Takes a scenario, sets it up in the lab, records both sides, writes its folder: captures, configuration, truth."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from captures.lab import forms, proxies
from captures.lab.behind import Behind
from captures.lab.client import Client
from captures.lab.legs import legs
from captures.lab.making import rewrite
from captures.lab.mirror import GENEVE, VXLAN, Mirror
from captures.lab.network import LB_FRONT, LB_FRONT6, MIRRORED, ROUTERS, Network
from captures.lab.plan import Visit
from captures.lab.programs import Balancer, Recorder, balancer, running
from captures.lab.proxies import OWN, Proxy
from captures.lab.scenario import Scenario
from captures.lab.telling import Logs, truth
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
        self.taps: list[Recorder] = []

    async def run(self) -> None:
        """Record the scenario."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder / forms.FOLDER, ignore_errors=True)
        with (
            Network(impaired=self.scenario.impaired, around=self.scenario.around) as network,
            tempfile.TemporaryDirectory(prefix="wsanalyze-lab-") as run,
        ):
            self.network = network
            wire = Wire(network.wire, self.scenario.impairment, self.chance) if self.scenario.impaired else None
            mirror = self._mirror() if self.scenario.around.mirrored else None
            self.behind = Behind(self.scenario, network)
            keylog, back_keylog = Path(run, "keylog.txt"), Path(run, "keylog-back.txt")
            if self.scenario.router_up:
                # What is only carried has the front's secrets.
                await self.behind.open(self.certificate / "lb.pem", None if self.scenario.carried else back_keylog)
            self.client = Client(network.client, self.chance, self.certificate / "authority.pem", keylog)
            front, back = self._recorders()
            async with contextlib.AsyncExitStack() as recording:
                if self.scenario.recording.from_start:
                    await self._begin(recording, front, back)
                async with self._program(Path(run)):
                    await self._traffic(recording, front, back)
            await self.behind.close()
            for carrier in (wire, mirror):
                if carrier:
                    carrier.close()
            for secrets in (keylog, back_keylog):
                (self.folder / secrets.name).unlink(missing_ok=True)
                if secrets.exists():
                    shutil.copy(secrets, self.folder / secrets.name)
        self._write()

    @contextlib.asynccontextmanager
    async def _program(self, run: Path) -> AsyncIterator[None]:
        if self.program is not None:
            boxes = ("lb", "lb2") if self.scenario.around.twins else ("lb",)
            async with contextlib.AsyncExitStack() as programs:
                for box in boxes:
                    (run / box).mkdir()
                    namespace = self.network.spaces[box]
                    await programs.enter_async_context(running(self.program, namespace, run / box, self.certificate))
                yield
            return
        proxy = Proxy(self.network.lb, OWN[self.scenario.program])
        await proxy.open()
        yield
        await proxy.close()

    def _mirror(self) -> Mirror:
        return Mirror(self.network.lb, self.network.spaces["mirror"], MIRRORED, (VXLAN, GENEVE))

    async def _begin(self, recording: contextlib.AsyncExitStack, front: Recorder, back: Recorder) -> None:
        """The back is recorded first and longest, as the README advises."""
        for tap in forms.taps_of(self.scenario.forms):
            file = self.folder / tap.file
            file.parent.mkdir(parents=True, exist_ok=True)
            namespace = self.network.spaces[tap.at]
            recorder = Recorder(namespace, tap.interface, file, only=tap.only, packets=tap.packets)
            self.taps.append(await recording.enter_async_context(recorder))
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
        await asyncio.gather(*(tap.stop() for tap in self.taps))
        await self.client.leave()

    def _start(self, visits: Sequence[Visit]) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.client.visit(visit)) for visit in visits]

    def _recorders(self) -> tuple[Recorder, Recorder]:
        how = self.scenario.recording
        # A switch has seen what goes by on either of two boxes.
        at = self.network.spaces["switch" if self.scenario.around.twins else "lb"]
        interfaces, filters = ("front", "back"), ("tcp", "tcp")
        if how.any_interface:
            interfaces = ("any", "any")
            filters = (
                f"tcp and (host {LB_FRONT} or host {LB_FRONT6})",
                f"tcp and ({' or '.join(f'host {address}' for address in ROUTERS)})",
            )
        return tuple(  # type: ignore[return-value]
            Recorder(at, interface, self.folder / f"{side}.pcap", snaplen=how.snaplen, only=only)
            for side, interface, only in zip(("front", "back"), interfaces, filters, strict=True)
        )

    def _write(self) -> None:
        """What the recording does to the files, the configuration, and the truth."""
        how = self.scenario.recording
        for side, loses in (("front", True), ("back", how.back_lost)):
            rewrite(
                self.folder / f"{side}.pcap",
                seconds=how.clock_shift if side == "back" else 0.0,
                loss=how.loss if loses else 0.0,
                chance=self.chance,
            )
        self._write_configuration()
        logs = Logs(
            self.client.log,
            self.behind.log,
            self.behind.raw,
            self.unrecorded,
            self.begun_before,
            self.back_missing,
        )
        told = truth(self.scenario, self.program, logs)
        if self.scenario.forms:
            told["forms"] = self._forms()
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

    def _forms(self) -> list[dict[str, Any]]:
        """What else was recorded of the traffic, and what is made of the recordings."""
        place = self.folder / forms.FOLDER
        place.mkdir(exist_ok=True)
        for path in place.rglob("*.pcapng"):
            # dumpcap keeps its files to itself.
            path.chmod(0o644)
        made = forms.make(self.scenario.forms, self.folder)
        told = [forms.told(form, self.folder, made[form.name]) for form in self.scenario.forms]
        if gorouter := self.behind.gorouter:
            judged = legs(gorouter, self.behind.answering.log, self.client.log, self.scenario)
            told = [one | judged if one["judged"] == forms.GOROUTER else one for one in told]
        return told
