"""Records what OpenSSL's s_client and s_server say to each other: `python record.py`, here, with OpenSSL 3.0; `python record.py NAME…` some of them.

A recording is text: the key log, then one line for each piece as it went by, `C` or `S` and the bytes. Tests expect
the lines of REQUEST from clients and those of ANSWER from servers.
"""

import contextlib
import os
import pathlib
import select
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
REQUEST = ["GET /chat HTTP/1.1", "Upgrade: websocket", "the client's last line"]
ANSWER = ["HTTP/1.1 101 Switching Protocols", "the server's last line"]
CONFIGURATION = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = any
[any]
MinProtocol = TLSv1.1
CipherString = ALL:@SECLEVEL=0
[req]
distinguished_name = name
[name]
"""
PSK = ["-psk", "00112233445566778899aabbccddeeff"]


def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Recorder:
    def __init__(self, directory: str) -> None:
        self.directory = pathlib.Path(directory)
        for kind, new in {
            "rsa": ["rsa:1024"],
            "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "dsa": ["dsa:" + str(self.directory / "dsa.param")],
        }.items():
            if kind == "dsa":
                subprocess.run(["openssl", "dsaparam", "-out", self.directory / "dsa.param", "1024"], check=True)
            request = ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=a", "-days", "9999", "-newkey", *new]
            subprocess.run([*request, "-keyout", self.path(kind + ".key"), "-out", self.path(kind)], check=True)

    def path(self, name: str) -> str:
        return str(self.directory / name)

    @contextlib.contextmanager
    def server(self, options: list[str], key: str | None):
        listen = port()
        certificate = ["-cert", self.path(key), "-key", self.path(key + ".key")] if key else ["-nocert"]
        command = ["openssl", "s_server", "-accept", str(listen), *certificate, *options]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield server, listen
        finally:
            server.kill()
            server.wait()

    def talk(self, server, listen: int, options: list[str], script: list[tuple[str, str]]) -> tuple[str, list[str]]:
        """One connection: a script's lines are typed at the client (`C`) and at the server (`S`)."""
        keys = self.path("keys")
        pathlib.Path(keys).write_text("")
        relay = socket.create_server(("127.0.0.1", 0))
        at = f"127.0.0.1:{relay.getsockname()[1]}"
        command = [
            "openssl",
            "s_client",
            "-connect",
            at,
            "-servername",
            "app.example.org",
            "-keylogfile",
            keys,
            *options,
        ]
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        front = relay.accept()[0]
        for _ in range(50):
            with contextlib.suppress(ConnectionRefusedError):
                back = socket.create_connection(("127.0.0.1", listen))
                break
            time.sleep(0.1)
        said, quiet, script = [], 0, list(script)
        while True:
            ready = select.select([front, back], [], [], 0.05)[0]
            for end in ready:
                if part := end.recv(1 << 16):
                    said.append(("C " if end is front else "S ") + part.hex())
                    (back if end is front else front).sendall(part)
                else:
                    ready = script = []
                    quiet = 99
            quiet = 0 if ready else quiet + 1
            if quiet == 2 and script:
                who, line = script.pop(0)
                typed = client.stdin if who == "C" else server.stdin
                with contextlib.suppress(BrokenPipeError):
                    typed.write(line.encode() + b"\n")
                    typed.flush()
                quiet = 0
            if quiet > 4:
                break
        client.kill()
        client.wait()
        front.close()
        back.close()
        return pathlib.Path(keys).read_text(), said

    def record(
        self,
        name: str,
        client: list[str],
        server: list[str],
        key: str | None = "rsa",
        script: list[tuple[str, str]] | None = None,
        before: list[str] | None = None,
    ) -> None:
        """`before`: the options of a client whose session is resumed; it is recorded, too, as NAME.first."""
        if sys.argv[1:] and name not in sys.argv[1:]:
            return
        script = script or [*(("C", line) for line in REQUEST), *(("S", line) for line in ANSWER), ("C", "Q")]
        with self.server(server, key) as (process, listen):
            if before is not None:
                first = [*before, "-sess_out", self.path("session")]
                self.write(name + ".first", *self.talk(process, listen, first, script))
                client = [*client, "-sess_in", self.path("session")]
            self.write(name, *self.talk(process, listen, client, script))

    def write(self, name: str, keys: str, said: list[str]) -> None:
        (HERE / f"{name}.txt").write_text(keys + "\n".join(said) + "\n")


def suites() -> list[list[str]]:
    listed = ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    lines = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split() for line in lines if "AES" in line or "CHACHA20" in line]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        # Small keys and old versions are refused otherwise.
        configuration = pathlib.Path(directory) / "openssl.cnf"
        configuration.write_text(CONFIGURATION)
        os.environ["OPENSSL_CONF"] = str(configuration)
        recorder = Recorder(directory)
        pathlib.Path(recorder.path("early")).write_text("GET /early HTTP/1.1\n")
        for _, _, iana, _, name, *_ in suites():
            if "CCM" in name or "SRP" in name:
                continue
            key = "ec" if "ECDSA" in iana else "dsa" if "DSS" in iana else "rsa"
            key = None if "anon" in iana or ("PSK" in iana and "RSA_PSK" not in iana) else key
            if iana.startswith(("TLS_AES", "TLS_CHACHA")):
                recorder.record(iana, ["-tls1_3", "-ciphersuites", name, "-alpn", "h2,http/1.1"], ["-alpn", "http/1.1"])
                continue
            options = ["-tls1_2", "-cipher", f"{name}:@SECLEVEL=0", *(PSK if "PSK" in iana else [])]
            server = ["-cipher", f"{name}:@SECLEVEL=0", *(PSK if "PSK" in iana else []), "-no_tls1_3"]
            recorder.record(iana, options, server, key)
            if iana in (
                "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
                "TLS_RSA_WITH_AES_128_CBC_SHA256",
            ):
                no_etm = ["-no_etm"]
                recorder.record(iana + ".mac-then-encrypt", [*options, *no_etm], [*server, *no_etm], key)
        talk = [("C", REQUEST[0]), ("S", ANSWER[0])]
        last = [("C", REQUEST[1]), ("C", REQUEST[2]), ("S", ANSWER[1]), ("C", "Q")]
        tls12, tls13 = ["-tls1_2"], ["-tls1_3"]
        recorder.record("resumed-by-id", tls12, [], before=[*tls12, "-no_ticket"])
        recorder.record("resumed-by-ticket", tls12, [], before=tls12)
        recorder.record("renegotiated", tls12, [], script=[*talk, ("S", "r"), *last])
        recorder.record("key-update", tls13, [], script=[*talk, ("C", "K"), ("S", "k"), ("C", "k"), ("S", "K"), *last])
        recorder.record("resumed-13", tls13, [], before=tls13)
        recorder.record("padded", tls13, ["-record_padding", "64"])
        recorder.record("retry", [*tls13, "-groups", "X25519:P-256"], ["-groups", "P-256"])
        early = [*tls13, "-early_data", recorder.path("early")]
        recorder.record("early-data", early, ["-early_data", "-no_anti_replay"], before=tls13)
        groups = ["-groups", "X25519:P-256"]
        server = ["-early_data", "-no_anti_replay", "-groups", "P-256"]
        recorder.record("early-data-retry", [*early, *groups], server, before=[*tls13, "-groups", "P-256"])
        # RFC 8446 §4.2.10: another application protocol than the session's is chosen.
        recorder.record(
            "early-data-rejected",
            [*early, "-alpn", "h2,http/1.1"],
            ["-early_data", "-no_anti_replay", "-alpn", "h2,http/1.1"],
            before=[*tls13, "-alpn", "http/1.1"],
        )
        with recorder.server(["-early_data"], "rsa") as (process, listen):
            script = [*talk, *last]
            recorder.talk(process, listen, [*tls13, "-sess_out", recorder.path("session")], script)
            for _ in range(2):
                # RFC 8446 §8.1: a ticket that comes again is not accepted.
                resume = [*early, "-sess_in", recorder.path("session")]
                said = recorder.talk(process, listen, resume, script)
            recorder.write("early-data-replayed", *said)
        recorder.record(
            "client-certificate",
            [*tls13, "-cert", recorder.path("ec"), "-key", recorder.path("ec.key")],
            ["-verify", "1"],
        )
        recorder.record("version-1.1", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-cipher", "ALL:@SECLEVEL=0"])
        recorder.record("ccm", ["-tls1_2", "-cipher", "AES128-CCM"], [])
        recorder.record("alert", ["-tls1_2", "-cipher", "AES128-SHA"], ["-cipher", "AES256-SHA"])


if __name__ == "__main__":
    main()
