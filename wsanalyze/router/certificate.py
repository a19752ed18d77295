"""Takes the settings of a router, gives the TLS that it speaks: with its own certificate, or one that is made for it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY: Final = dt.timedelta(days=1)
_LIFE: Final = 30 * _DAY
"""Of a certificate that nobody means to keep."""
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


def made(names: tuple[str, ...]) -> tuple[bytes, bytes]:
    """A certificate for these names and those of this machine, which vouches for itself, and its key; both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wsanalyze test router")])
    now = dt.datetime.now(dt.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(_general(_LOCAL + names)), False)
        # Strict clients want these of what they are to trust (RFC 5280 4.2.1).
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(_key_usage(), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(identifier, False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False)
    )
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return certificate, key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _general(names: tuple[str, ...]) -> list[x509.GeneralName]:
    """Addresses and host names; what is neither is left out, for nobody can ask for it."""
    general: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            general.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            with suppress(ValueError):
                general.append(x509.DNSName(name))
    return general


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def context(certificate: Path | bytes, key: Path | bytes) -> ssl.SSLContext:
    """TLS with HTTP/2 and HTTP/1.1 to choose from. Raises OSError where the files are no certificate and its key."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.set_alpn_protocols(["h2", "http/1.1"])
    # An encrypted key is refused: nobody is asked for a password.
    with tempfile.TemporaryDirectory(prefix="wsanalyze-") as folder:
        place = Path(folder)
        server.load_cert_chain(_file(certificate, place / "cert.pem"), _file(key, place / "key.pem"), password=b"")
    return server


def _file(given: Path | bytes, place: Path) -> Path:
    """The `ssl` module takes files only; the folder is this user's alone."""
    if isinstance(given, Path):
        return given
    place.write_bytes(given)
    return place
