"""Takes the cases of TLS, records each with `openssl s_server` and `s_client`: `python -m captures.lab.ciphers --into FOLDER`.

Each gives `NAME.pcap` and `NAME.keylog`, and a line in `cases.json`: what was agreed on, and what went through it each way.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import click

from captures.lab.answers import accept_of
from captures.lab.certificates import make
from captures.lab.cipher_cases import CASES, Again, Case
from captures.lab.network import LB_FRONT, Network
from captures.lab.openssl import Program, running
from captures.lab.programs import Recorder
from captures.lab.stream import BINARY, CLOSE, TEXT, write_frame

CORPUS = Path(__file__).resolve().parent.parent / "tls"
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_REQUEST = (
    "GET /ws/{name}/{number} HTTP/1.1\r\nHost: app.apps.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_ANSWER = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {accept_of(_KEY)}\r\n\r\n"
)
_MASK = b"\x81\x92\xa3\xb4"
"""Makes every character something that is no command of s_client's."""
_WITHOUT_EXTENSION = """openssl_conf = all
[all]
ssl_conf = configurations
[configurations]
system_default = plain
[plain]
Options = -ExtendedMasterSecret
"""
_AGREED = re.compile(rb"(New|Reused), [^,]+, Cipher is (\S+)")
_VERSION = re.compile(rb"Protocol +: (TLSv[\d.]+)")
_MODERN = re.compile(rb"(?:New|Reused), (TLSv1\.3)")
_EARLY = re.compile(rb"Early data was (accepted|rejected)")


class Session:
    """Where the cases are recorded, one after the other."""

    def __init__(self, network: Network, run: Path, into: Path) -> None:
        self.network, self.run, self.into = network, run, into

    async def record(self, case: Case) -> dict[str, Any]:
        """Record one; what it proves."""
        secrets, session = self.run / f"{case.name}.keylog", self.run / f"{case.name}.session"
        recorder = Recorder(self.network.lb, "front", self.into / f"{case.name}.pcap", only="tcp port 443")
        told: list[dict[str, Any]] = []
        async with recorder:
            connections: tuple[Again | None, ...] = (None, *case.again)
            while connections:
                # As far as the server lives.
                until = next((n for n, a in enumerate(connections) if n and a and a.restarted), len(connections))
                async with running(self.network.lb, self._server(case), self._configuration(case)) as server:
                    await server.hear(b"ACCEPT")
                    for again in connections[:until]:
                        told.append(await self._connection(case, len(told), again, server, session, secrets))
                connections = connections[until:]
        self._keep(case, secrets)
        return {"name": case.name, "shows": case.shows, "key_log": _said_of(case), "connections": told}

    def _server(self, case: Case) -> tuple[str, ...]:
        stem = self.run / ("lb" if case.certificate == "rsa" else "lb-ecdsa")
        return (
            *("s_server", "-accept", f"{LB_FRONT}:443", "-cert", f"{stem}.crt", "-key", f"{stem}.key"),
            *case.both,
            *case.server,
        )

    def _client(self, case: Case, again: Again | None, session: Path, secrets: Path) -> tuple[str, ...]:
        resumes = ("-sess_in" if again else "-sess_out", str(session)) if case.again else ()
        early = ("-early_data", str(self.run / "early")) if again and again.early else ()
        return (
            *("s_client", "-connect", f"{LB_FRONT}:443", "-servername", "app.apps.test", "-keylogfile", str(secrets)),
            *case.both,
            *case.client,
            *resumes,
            *early,
        )

    def _configuration(self, case: Case) -> Path | None:
        if case.extended_master_secret:
            return None
        path = self.run / "no-extended-master-secret.cnf"
        path.write_text(_WITHOUT_EXTENSION, encoding="ascii")
        return path

    async def _connection(
        self, case: Case, number: int, again: Again | None, server: Program, session: Path, secrets: Path
    ) -> dict[str, Any]:
        request = _REQUEST.format(name=case.name, number=number).encode()
        (self.run / "early").write_bytes(request)
        heard, said = len(server.printed), len(server.said)
        arguments = self._client(case, again, session, secrets)
        async with running(self.network.client, arguments, self._configuration(case)) as client:
            if case.fails:
                await client.end()
                return {"established": False}
            await client.hear(b"Cipher is")
            early = again.early if again else None
            if early != "accepted":
                await client.say(request)
            await server.hear(request[-60:], heard)
            await self._talk(case, client, server)
            if case.again and not session.exists():
                await asyncio.sleep(0.3)
            await client.end()
            # Its end is told by the next word of the server's.
            await asyncio.sleep(0.1)
            sent = (request if early == "accepted" else b"") + bytes(client.said)
            agreed = _agreed(case, bytes(client.printed))
            if agreed["early_data"] != early:
                raise RuntimeError(f"{case.name}: early data was {agreed['early_data']}, not {early}")
            return agreed | {
                "client_sent": _digest(sent),
                "server_sent": _digest(bytes(server.said[said:])),
            }

    async def _talk(self, case: Case, client: Program, server: Program) -> None:
        await self._say(server, client, _ANSWER.encode() + write_frame(TEXT, b"welcome", mask=False))
        await self._say(client, server, _masked(TEXT, b"hello"))
        ends = {"client": client, "server": server}
        for number, (who, letter) in enumerate(case.commands):
            await ends[who].command(letter)
            await self._say(client, server, _masked(TEXT, f"from the client {number}".encode()))
            await self._say(server, client, write_frame(TEXT, f"from the server {number}".encode(), mask=False))
        if case.size:
            await self._say(client, server, _masked(BINARY, b"0123456789" * (case.size // 10)))
            await self._say(server, client, write_frame(BINARY, b"9876543210" * (case.size // 10), mask=False))
        await self._say(client, server, _masked(CLOSE, b"\x03\xe8"))
        await self._say(server, client, write_frame(CLOSE, b"\x03\xe8", mask=False))

    @staticmethod
    async def _say(speaker: Program, listener: Program, data: bytes) -> None:
        heard = len(listener.printed)
        await speaker.say(data)
        await listener.hear(data[-8:], heard)
        # Where both ends speak at once, programs may read them in one.
        await asyncio.sleep(0.02)

    def _keep(self, case: Case, secrets: Path) -> None:
        lines = [line for line in secrets.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
        if case.keep_first:
            lines = lines[: len(lines) // (1 + len(case.again))]
        if case.keep:
            lines = [line for line in lines if line.split(" ")[0] in case.keep]
        (self.into / f"{case.name}.keylog").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def _masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame whose mask is known, so that nothing in it is a command."""
    frame = bytearray(write_frame(opcode, payload, mask=True))
    at = len(frame) - len(payload)
    frame[at - 4 : at] = _MASK
    frame[at:] = bytes(byte ^ _MASK[n % 4] for n, byte in enumerate(payload))
    return bytes(frame)


def _digest(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _agreed(case: Case, printed: bytes) -> dict[str, Any]:
    """What the client says that was agreed on."""
    agreed = _AGREED.search(printed)
    version = _MODERN.search(printed) or _VERSION.search(printed)
    if agreed is None or version is None:
        raise RuntimeError(f"{case.name}: nothing agreed on: {printed[-300:]!r}")
    cipher = agreed[2].decode()
    return {
        "established": True,
        "version": version[1].decode(),
        "cipher": cipher,
        "resumed": agreed[1] == b"Reused",
        "extended_master_secret": b"Extended master secret: yes" in printed,
        "encrypt_then_mac": not any(word in cipher for word in ("GCM", "CHACHA", "CCM")) and "-no_etm" not in case.both,
        "early_data": early[1].decode() if (early := _EARLY.search(printed)) else None,
    }


def _said_of(case: Case) -> str:
    if case.keep:
        return " ".join(case.keep)
    return "first connection" if case.keep_first else "all"


_ABOUT = """# TLS, case by case

`openssl s_server` and `openssl s_client` talk to each other; in each connection the client sends a WebSocket handshake, the
server answers 101, and some messages go both ways. `NAME.pcap` is what went over the wire, `NAME.keylog` the secrets that the
client wrote (where "key log" says so, only some of them were kept), and `cases.json` tells for each connection what was agreed on,
and of what the programs were given to send each way the number of bytes and the SHA-256: what decryption has to bring to light.

This page is written with them: `sudo captures/lab/run` makes the environment, then, as root,
`.venv-lab/bin/python -m captures.lab.ciphers [NAME…]`.

| case | agreed on | key log | shows |
|---|---|---|---|
"""


def _readme(cases: list[dict[str, Any]]) -> str:
    lines = []
    for case in sorted(cases, key=lambda case: str(case["name"])):
        agreed = dict.fromkeys(
            f"{one['version']} {one['cipher']}" if one["established"] else "nothing" for one in case["connections"]
        )
        count = len(case["connections"])
        connections = f"; {count} connections" if count > 1 else ""
        lines.append(f"| `{case['name']}` | {', '.join(agreed)}{connections} | {case['key_log']} | {case['shows']} |\n")
    return _ABOUT + "".join(lines)


async def _record(into: Path, chosen: list[Case]) -> dict[str, dict[str, Any]]:
    told = {}
    with Network() as network, tempfile.TemporaryDirectory(prefix="wsanalyze-tls-") as run:
        make(Path(run))
        session = Session(network, Path(run), into)
        for number, case in enumerate(chosen, start=1):
            click.echo(f"[{number}/{len(chosen)}] {case.name}: {case.shows}", err=True)
            told[case.name] = await session.record(case)
    return told


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=CORPUS, help="Folder of the captures."
)
def main(names: tuple[str, ...], into: Path) -> None:
    """Record the cases NAMES, or all."""
    known = {case.name: case for case in CASES}
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"no such case: {', '.join(unknown)}")
    if os.geteuid() != 0:
        raise click.UsageError("network namespaces need root")
    into.mkdir(parents=True, exist_ok=True)
    index = into / "cases.json"
    kept = {case["name"]: case for case in json.loads(index.read_text())["cases"]} if index.exists() else {}
    told = kept | asyncio.run(_record(into, [known[name] for name in names] or list(CASES)))
    version = subprocess.run(("openssl", "version"), capture_output=True, text=True, check=True).stdout.strip()
    text = json.dumps(
        {"program": version, "cases": [told[case.name] for case in CASES if case.name in told]},
        indent=1,
    )
    index.write_text(text + "\n", encoding="utf-8")
    (into / "README.md").write_text(_readme(list(told.values())), encoding="utf-8")


if __name__ == "__main__":
    main()
