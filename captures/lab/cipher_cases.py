"""Takes nothing, gives the cases of `captures/tls`: a TLS version and suite each, and what else is special about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Again:
    """A further connection, which offers the session of the first."""

    early: str | None = None
    """What becomes of its early data, `accepted` or `rejected`; None: it sends none."""
    restarted: bool = False
    """The server was started anew meanwhile, and knows no sessions."""


@dataclass(frozen=True, slots=True)
class Case:
    """One capture."""

    name: str
    shows: str
    both: tuple[str, ...] = ()
    """Arguments of server and client."""
    server: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    certificate: str = "rsa"
    extended_master_secret: bool = True
    again: tuple[Again, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    """`client` or `server`, and the letter that is given to it; messages go both ways after each."""
    size: int = 0
    """Bytes of a message that goes each way."""
    fails: bool = False
    """The handshake does."""
    keep: tuple[str, ...] = ()
    """Labels of the key log that are kept; empty: all."""
    keep_first: bool = False
    """Only the first connection's secrets are kept."""


_CBC = ("AES128-SHA", "AES256-SHA", "AES128-SHA256", "AES256-SHA256", "AES256-SHA384")
_AEAD = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
_EXCHANGES = {
    "ECDHE-RSA-": (*_AEAD, *_CBC[:3], _CBC[4]),
    "ECDHE-ECDSA-": (*_AEAD, *_CBC[:3], _CBC[4]),
    "DHE-RSA-": (*_AEAD, *_CBC[:4]),
    "": (*_AEAD[:2], *_CBC[:4]),
}
"""What each key exchange of TLS 1.2 is combined with; without a prefix: static RSA."""


def _tls12(cipher: str) -> Case:
    kind = "ecdsa" if "ECDSA" in cipher else "rsa"
    weak = ("-cipher", f"{cipher}:@SECLEVEL=0")
    return Case(f"tls12-{cipher.lower()}", f"TLS 1.2, {cipher}", ("-tls1_2", *weak), certificate=kind)


def _suites() -> Iterator[Case]:
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        name = suite.removeprefix("TLS_").lower().replace("_", "-")
        yield Case(f"tls13-{name}", f"TLS 1.3, {suite}", ("-tls1_3", "-ciphersuites", suite))
    for exchange, ciphers in _EXCHANGES.items():
        for cipher in ciphers:
            case = _tls12(exchange + cipher)
            yield case
            if cipher in _CBC:
                yield replace(
                    case,
                    name=f"{case.name}-no-etm",
                    shows=f"{case.shows}, MAC then encrypt",
                    both=(*case.both, "-no_etm"),
                )
            if cipher in {"AES128-GCM-SHA256", "AES256-SHA", "CHACHA20-POLY1305"}:
                yield replace(
                    case,
                    name=f"{case.name}-no-ems",
                    shows=f"{case.shows}, without extended master secret",
                    extended_master_secret=False,
                )


_MODERN = ("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256")
_TICKET = _tls12("ECDHE-RSA-AES128-GCM-SHA256").both
_BY_ID = (*_TICKET, "-no_ticket")
_HELD = _tls12("AES128-GCM-SHA256").both
_SECRETS_OF_CLIENT = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0")
_SECRETS_OF_SERVER = ("SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0")

_SPECIAL = (
    Case("tls12-resumed-by-ticket", "TLS 1.2, a session resumed by ticket", _TICKET, again=(Again(),)),
    Case("tls12-resumed-by-id", "TLS 1.2, a session resumed by its id", _BY_ID, again=(Again(),)),
    Case(
        "tls12-resumed-by-ticket-first-secret",
        "the same by ticket, the key log knows the first connection alone",
        _TICKET,
        again=(Again(),),
        keep_first=True,
    ),
    Case(
        "tls12-resumed-by-id-first-secret",
        "the same by id, the key log knows the first connection alone",
        _BY_ID,
        again=(Again(),),
        keep_first=True,
    ),
    Case("tls12-rsa-premaster", "TLS 1.2, static RSA, `RSA` lines alone in the key log", _HELD, keep=("RSA",)),
    Case(
        "tls12-rsa-premaster-no-ems",
        "the same without extended master secret",
        _HELD,
        extended_master_secret=False,
        keep=("RSA",),
    ),
    Case(
        "tls12-renegotiated",
        "TLS 1.2, a second handshake inside the first",
        _TICKET,
        server=("-client_renegotiation",),
        commands=(("client", "R"),),
    ),
    Case(
        "tls12-large-records-of-512",
        "TLS 1.2, 100 kB each way in records of 512 bytes",
        _TICKET,
        server=("-max_send_frag", "512"),
        client=("-max_send_frag", "512"),
        size=100_000,
    ),
    Case("tls12-large-cbc", "TLS 1.2, 100 kB each way under CBC", _tls12("ECDHE-RSA-AES128-SHA256").both, size=100_000),
    Case("tls13-resumed", "TLS 1.3, a session resumed by its pre-shared key", _MODERN, again=(Again(),)),
    Case(
        "tls13-early-data-accepted",
        "TLS 1.3, the handshake is 0-RTT data, accepted",
        _MODERN,
        server=("-early_data",),
        again=(Again(early="accepted"),),
    ),
    Case(
        "tls13-early-data-rejected",
        "TLS 1.3, the handshake is 0-RTT data, rejected by a server that knows no such session, and sent again",
        _MODERN,
        server=("-early_data",),
        again=(Again(early="rejected", restarted=True),),
    ),
    Case(
        "tls13-early-data-replayed",
        "TLS 1.3, the same 0-RTT data twice: accepted, then rejected as a replay",
        _MODERN,
        server=("-early_data",),
        again=(Again(early="accepted"), Again(early="rejected")),
    ),
    Case(
        "tls13-hello-retry",
        "TLS 1.3, HelloRetryRequest",
        _MODERN,
        server=("-groups", "P-256"),
        client=("-groups", "X25519:P-256"),
    ),
    Case(
        "tls13-key-update",
        "TLS 1.3, keys changed by the client, by the server, and by both",
        _MODERN,
        commands=(("client", "k"), ("server", "k"), ("client", "K"), ("server", "K")),
    ),
    Case("tls13-large", "TLS 1.3, 100 kB each way", _MODERN, size=100_000),
    Case(
        "tls13-large-records-of-600",
        "TLS 1.3, 100 kB each way in records of 600 bytes",
        _MODERN,
        server=("-max_send_frag", "600"),
        client=("-max_send_frag", "600"),
        size=100_000,
    ),
    Case("tls13-no-compatibility", "TLS 1.3 without ChangeCipherSpec", _MODERN, client=("-no_middlebox",)),
    Case("tls13-client-secrets", "the key log holds the client's secrets alone", _MODERN, keep=_SECRETS_OF_CLIENT),
    Case("tls13-server-secrets", "the key log holds the server's secrets alone", _MODERN, keep=_SECRETS_OF_SERVER),
    Case(
        "tls12-unsupported-ccm",
        "TLS 1.2, ECDHE-ECDSA-AES128-CCM, which few programs speak",
        _tls12("ECDHE-ECDSA-AES128-CCM").both,
        certificate="ecdsa",
    ),
    Case(
        "tls12-unsupported-aria",
        "TLS 1.2, ECDHE-ARIA128-GCM-SHA256, which few programs speak",
        _tls12("ECDHE-ARIA128-GCM-SHA256").both,
    ),
    Case("tls11", "TLS 1.1, ECDHE-RSA-AES128-SHA", ("-tls1_1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0")),
    Case("tls10", "TLS 1.0, ECDHE-RSA-AES128-SHA", ("-tls1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0")),
    Case(
        "tls12-no-shared-cipher",
        "a fatal alert: no cipher that both know",
        ("-tls1_2",),
        client=("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        fails=True,
    ),
    Case(
        "tls13-unknown-authority",
        "a fatal alert, encrypted: the client knows not who signed the certificate",
        _MODERN,
        client=("-verify_return_error", "-verify", "2"),
        fails=True,
    ),
)

CASES = (*_suites(), *_SPECIAL)
