"""Takes the arguments of `openssl s_server` or `s_client`, gives the running program: what is said to it goes out encrypted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from captures.lab.network import Namespace

_PATIENCE = 15.0


class Program:
    """One of the two, and all that it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed = bytearray()
        self.said = bytearray()
        """What was given to it to send."""
        self._more = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def say(self, data: bytes) -> None:
        """Have it sent."""
        self.said += data
        await self._write(data)

    async def command(self, letter: str) -> None:
        """One of the letters that are no data (openssl-s_client(1), connected commands)."""
        # It is one only where it stands at the beginning of what is read at once.
        await asyncio.sleep(0.1)
        await self._write(f"{letter}\n".encode())
        await asyncio.sleep(0.1)

    async def hear(self, wanted: bytes, since: int = 0) -> None:
        """Wait until it printed this behind the position `since`."""
        async with asyncio.timeout(_PATIENCE):
            while self.printed.find(wanted, since) < 0:
                if self._reading.done():
                    raise RuntimeError(f"ended before {wanted[:40]!r}: {bytes(self.printed[-800:])!r}")
                self._more.clear()
                await self._more.wait()

    async def end(self) -> None:
        """No more is said: a client closes the connection, and ends."""
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), 5)
        await self.stop()

    async def stop(self) -> None:
        """End it now."""
        if self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()
        await self._reading

    async def _write(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def _read(self) -> None:
        assert self.process.stdout
        while part := await self.process.stdout.read(65536):
            self.printed += part
            self._more.set()
        self._more.set()


@contextlib.asynccontextmanager
async def running(
    namespace: Namespace, arguments: tuple[str, ...], configuration: Path | None
) -> AsyncIterator[Program]:
    """`openssl` runs in the namespace meanwhile."""
    environment = dict(os.environ)
    if configuration:
        environment["OPENSSL_CONF"] = str(configuration)
    process = await asyncio.create_subprocess_exec(
        *namespace.command,
        "openssl",
        *arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    program = Program(process)
    try:
        yield program
    finally:
        await program.stop()
