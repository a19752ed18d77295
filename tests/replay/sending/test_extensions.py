"""What is taken of what was offered (RFC 7692 7.1)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.replay.sending.extensions import NotNegotiatedError, agreed

OFFER = "permessage-deflate; client_max_window_bits"


@pytest.mark.parametrize(
    ("offered", "taken", "parameters"),
    [
        (OFFER, "permessage-deflate", (False, False, 15, 15)),
        (OFFER, "permessage-deflate; client_max_window_bits=10", (False, False, 15, 10)),
        (OFFER, 'Permessage-Deflate; server_max_window_bits="9"'.lower(), (False, False, 9, 15)),
        (OFFER, "permessage-deflate; server_no_context_takeover; client_no_context_takeover", (True, True, 15, 15)),
        ("permessage-deflate; client_no_context_takeover", "permessage-deflate", (False, True, 15, 15)),
        (f"permessage-deflate; server_max_window_bits=10, {OFFER}", "permessage-deflate", (False, False, 15, 15)),
        (f"x-webkit-deflate-frame, {OFFER}", "permessage-deflate", (False, False, 15, 15)),
    ],
)
def test_what_was_agreed(offered: str, taken: str, parameters: tuple[bool, bool, int, int]) -> None:
    deflate = agreed(offered, taken)
    assert deflate is not None
    assert parameters == (
        deflate.remote_no_context_takeover,
        deflate.local_no_context_takeover,
        deflate.remote_max_window_bits,
        deflate.local_max_window_bits,
    )


@pytest.mark.parametrize("taken", [None, "", "  "])
def test_nothing_was_taken(taken: str | None) -> None:
    assert agreed(OFFER, taken) is None


@pytest.mark.parametrize(
    ("offered", "taken", "why"),
    [
        (None, "permessage-deflate", "it was not offered"),
        ("permessage-deflate", "permessage-deflate; client_max_window_bits=10", "unexpected client_max_window_bits"),
        ("permessage-deflate; server_no_context_takeover", "permessage-deflate", "expected server_no_context_takeover"),
        (OFFER, "permessage-deflate; client_max_window_bits=8", "unsupported client_max_window_bits = 8"),
        (OFFER, "permessage-deflate; server_max_window_bits=99", "invalid value for parameter"),
        (OFFER, "permessage-deflate; x", "invalid parameter name"),
        (OFFER, "permessage-deflate, permessage-deflate", "extensions that are not known here"),
        (OFFER, "x-webkit-deflate-frame", "extensions that are not known here: x-webkit-deflate-frame"),
        (OFFER, "\x1b[2J", "cannot be read:  [2J"),
        ("permessage-deflate; client_max_window_bits=8", "permessage-deflate", "it was not offered"),
    ],
)
def test_what_cannot_be(offered: str | None, taken: str, why: str) -> None:
    with pytest.raises(NotNegotiatedError) as caught:
        agreed(offered, taken)
    assert why in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.none() | st.text(), st.none() | st.text())
def test_any_text_is_agreed_or_not(offered: str | None, taken: str | None) -> None:
    with suppress(NotNegotiatedError):
        agreed(offered, taken)
