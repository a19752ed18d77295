"""Takes a load balancer's folder, gives the running program; and the recorders beside it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from captures.lab.network import Namespace

BALANCERS = Path(__file__).parent / "balancers"
_PLACE = "RUN"
_PYTHON = "PYTHON"
_SETTLED = 0.4
_START = 15.0
"""Seconds that a program may take to listen."""


@dataclass(frozen=True, slots=True)
class Balancer:
    """A load balancer with one configuration: a folder with its files and `balancer.toml`."""

    folder: Path
    product: str
    about: str
    command: tuple[str, ...]
    version: tuple[str, ...]
    listens: tuple[tuple[str, int], ...]
    certificate: bool
    apt: tuple[str, ...]
    pip: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def files(self) -> list[Path]:
        """The configuration, without `balancer.toml`."""
        return sorted(path for path in self.folder.iterdir() if path.name != "balancer.toml")

    def printed_version(self) -> str:
        """What the program says of its version, in one line."""
        done = subprocess.run(_words(self.version, Path()), capture_output=True, text=True, check=False)
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if any(c.isdigit() for c in line)]
        return lines[0][:100] if lines else "unknown"


def balancer(name: str) -> Balancer:
    """The load balancer of this name."""
    folder = BALANCERS / name
    told = tomllib.loads((folder / "balancer.toml").read_text(encoding="utf-8"))
    return Balancer(
        folder=folder,
        product=told["product"],
        about=told["about"],
        command=tuple(told["command"]),
        version=tuple(told["version"]),
        listens=tuple(_address(text) for text in told["listens"]),
        certificate=told.get("certificate", False),
        apt=tuple(told.get("apt", ())),
        pip=tuple(told.get("pip", ())),
    )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _words(command: tuple[str, ...], run: Path) -> list[str]:
    # A program that came as a wheel stands beside the interpreter.
    words = [word.replace(_PYTHON, sys.executable).replace(_PLACE, str(run)) for word in command]
    beside = Path(sys.executable).parent / words[0]
    return [str(beside) if beside.exists() else words[0], *words[1:]]


@contextlib.asynccontextmanager
async def running(chosen: Balancer, namespace: Namespace, run: Path, certificate: Path | None) -> AsyncIterator[None]:
    """The program runs in the namespace meanwhile, its files and logs in the folder `run`."""
    for path in chosen.files:
        text = path.read_text(encoding="utf-8")
        (run / path.name).write_text(text.replace(_PLACE, str(run)), encoding="utf-8")
    if chosen.certificate and certificate is not None:
        for name in ("lb.pem", "lb.crt", "lb.key"):
            shutil.copy(certificate / name, run / name)
    run.chmod(0o777)
    output = (run / "output.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *namespace.command,
        *_words(chosen.command, run),
        stdout=output,
        stderr=output,
        stdin=subprocess.DEVNULL,
        cwd=run,
    )
    try:
        await _listening(chosen, namespace, process, run)
        yield
    finally:
        await _stop(process, signal.SIGTERM)
        output.close()


async def _listening(chosen: Balancer, namespace: Namespace, process: asyncio.subprocess.Process, run: Path) -> None:
    deadline = asyncio.get_running_loop().time() + _START
    for host, port in chosen.listens:
        while not await _accepts(namespace, host, port):
            if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                said = (run / "output.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"{chosen.name} does not listen on {host}:{port}: {said}")
            await asyncio.sleep(0.1)
    # Some listen before they have read all of their configuration.
    await asyncio.sleep(_SETTLED)


async def _accepts(namespace: Namespace, host: str, port: int) -> bool:
    """Whether something listens there, as the kernel's table says: a connection would be seen by the program."""
    family = "-6" if ":" in host else "-4"
    command = (*namespace.command, "ss", "-Hltn", family, f"sport = :{port}")
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    printed, _ = await process.communicate()
    return bool(printed.strip())


async def _stop(process: asyncio.subprocess.Process, number: int) -> None:
    if process.returncode is not None:
        return
    process.send_signal(number)
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()


class Recorder:
    """tcpdump on one interface of a namespace; dumpcap where a new file is begun after so many packets."""

    def __init__(
        self,
        namespace: Namespace,
        interface: str,
        file: Path,
        *,
        snaplen: int = 0,
        only: str = "tcp",
        packets: int = 0,
    ) -> None:
        where = ("-i", interface, "-w", str(file))
        tcpdump = ("tcpdump", *where, "-s", str(snaplen), "-B", "16384", "-U", "-n", "-Z", "root", "--immediate-mode")
        dumpcap = ("dumpcap", *where, "-q", "-b", f"packets:{packets}", "-f")
        self.command = (*namespace.command, *(dumpcap if packets else tcpdump), only)
        self.ready = b"File:" if packets else b"listening on"
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Recorder:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin, and return when packets are being recorded."""
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            if self.ready in line:
                return
        raise RuntimeError(f"does not start: {' '.join(self.command)}")

    async def stop(self) -> None:
        """End, with all that went by until now."""
        if self.process is None:
            return
        await asyncio.sleep(0.2)
        await _stop(self.process, signal.SIGINT)
        self.process = None
