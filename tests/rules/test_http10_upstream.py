"""A handshake that was lowered to HTTP/1.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.wire import CLIENT, handshake, told
from tests.rules.exchanges import found, instances, went_by

RULE = "http10-upstream"


def lowered(head: bytes, version: bytes = b"1.0") -> bytes:
    return head.replace(b"HTTP/1.1", b"HTTP/" + version)


def test_lowered_by_the_load_balancer(tmp_path: Path) -> None:
    analysis = went_by(tmp_path, handshake(), lowered(handshake(X_Forwarded_For=CLIENT)))
    assert told(analysis) == ("passed-through", "http/1.0", "established")
    (instance,) = instances(analysis, RULE)
    assert (instance.side, instance.note, instance.handshake) == ("back", "HTTP/1.1 → HTTP/1.0", "h1")
    assert found(analysis, RULE)[0].severity == "warning"


def test_lowered_and_stripped(tmp_path: Path) -> None:
    got = lowered(handshake(X_Forwarded_For=CLIENT, Upgrade=None, Connection="close"))
    assert len(instances(went_by(tmp_path, handshake(), got), RULE)) == 1


@pytest.mark.parametrize(("sent", "got"), [(b"1.1", b"1.1"), (b"1.0", b"1.0"), (b"1.0", b"1.1"), (b"1.1", b"9.9")])
def test_not_lowered(tmp_path: Path, sent: bytes, got: bytes) -> None:
    analysis = went_by(tmp_path, lowered(handshake(), sent), lowered(handshake(X_Forwarded_For=CLIENT), got))
    assert len(analysis.handshakes) == 1
    assert not found(analysis, RULE)
