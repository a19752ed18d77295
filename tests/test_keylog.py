"""Key logs: what is one, what is not, and when another look at a capture would help."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from wsanalyze import keylog
from wsanalyze.failure import CaptureError

RANDOM = "52340c85b9a17dd2b4d2b4d2f2bb3a3b9a17dd2b4d2b4d2f2bb3a3b9a17dd2b4"
LINE = f"CLIENT_RANDOM {RANDOM} {'94' * 48}\n"


def connections(**changes: object) -> pd.DataFrame:
    row = {"tls_decryption": "no-key", "tls_client_random": bytes.fromhex(RANDOM)}
    return pd.DataFrame([{**row, **changes}])


@pytest.mark.parametrize(
    "text", [LINE, f"# made by a test\r\n{LINE}", LINE.replace("CLIENT_RANDOM", "RSA"), LINE.rstrip()]
)
def test_a_key_log_is_loaded(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text)
    loaded = keylog.load(str(tmp_path / "keys"))
    assert loaded.endswith(b"\n")
    assert RANDOM.encode() in loaded


def test_what_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("-----BEGIN PRIVATE KEY-----\n")
    for name, message in (("keys", "no TLS secrets"), ("absent", "no such file"), (".", "directory")):
        with pytest.raises(CaptureError, match=message) as raised:
            keylog.load(str(tmp_path / name))
        assert raised.value.hint


def test_one_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keylog, "MAX_SIZE", 10)
    (tmp_path / "keys").write_text(LINE)
    with pytest.raises(CaptureError, match="larger"):
        keylog.load(str(tmp_path / "keys"))


def test_when_it_would_help() -> None:
    assert keylog.would_help(LINE.encode(), connections())
    assert keylog.would_help(LINE.upper().encode(), connections())
    assert not keylog.would_help(b"", connections())
    assert not keylog.would_help(LINE.replace("52340c85", "52340c86").encode(), connections())
    assert not keylog.would_help(LINE.encode(), connections(tls_decryption="decrypted"))
    assert not keylog.would_help(LINE.encode(), connections(tls_client_random=None))
