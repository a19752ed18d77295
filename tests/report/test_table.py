"""The first screen, exactly."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest
from rich.cells import cell_len

from tests.report import stories
from tests.report.stories import SECRET
from wsanalyze.report import table
from wsanalyze.rules.finding import Evidence, Finding

SCREEN = """\
The load balancer (203.0.113.1:80 in front, 10.244.0.1 behind) strips the
upgrade from the only WebSocket handshake.

id  verdict                        outcome  status   front  back  target
h1  stripped (upgrade+connection)  refused  400→400  4,6    4,6   /chat?tok…=***

error  upgrade-stripped  1 x  The load balancer removed the upgrade from
  WebSocket handshakes
  back frame 4,6  GET app.test/chat?token=***  [upgrade+connection]
  Let the load balancer pass the Upgrade and Connection headers through to the
  router. If it cannot, forward TCP instead: on a port of its own such as 8443
  (set the Loggregator port to it), or on a second load balancer in TCP mode on
  ports 80 and 443 with a DNS name of its own.

1 of 1 ordinary request was looked at on the back leg: it has X-Forwarded-For
and X-Forwarded-Proto.
"""
LAST = """\

Wireshark, h1 on the front: frame.number in {4, 6}
Wireshark, h1 on the back: frame.number in {4, 6}
More: wsanalyze show D/front.pcap D/back.pcap h1
      wsanalyze explain stripped
"""


def test_the_screen_of_eighty_columns(tmp_path: Path) -> None:
    again = [str(tmp_path / f"{side}.pcap") for side in ("front", "back")]
    text = table.render(stories.stripped().analyze(tmp_path), width=80, again=(again, [])).replace(str(tmp_path), "D")
    assert text.startswith(SCREEN)
    assert text.endswith(LAST)
    assert "clocks  back minus front is -0.001000 to 0.000400 s, by 2 pairs\n" in text


def test_two_hundred_columns_have_room_for_everything(tmp_path: Path) -> None:
    text = table.render(stories.passed().analyze(tmp_path), width=200)
    first, _, head, row, *_ = text.splitlines()
    assert first.endswith("passes WebSocket through: 1 reached the router as it was (1 established).")
    assert head.split() == ["id", "time", "(UTC)", "verdict", "outcome", "router→client", "front", "back", "target"]
    assert row.split() == ["h1", "11:06:40.001", "passed-through", "established", "101→101", "4,6", "4,8", "/chat"]


def test_secrets_are_shown_when_asked_for(tmp_path: Path) -> None:
    analysis = stories.stripped().analyze(tmp_path)
    assert SECRET not in table.render(analysis, width=200)
    assert SECRET in table.render(analysis, width=200, show_secrets=True)


def test_commands_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder; with a name that is longer than any line of a terminal has room for"
    folder.mkdir()
    again = [str(folder / f"{side}.pcap") for side in ("front", "back")]
    text = table.render(stories.stripped().analyze(folder), width=80, again=(again, []))
    (command,) = [line for line in text.splitlines() if line.startswith("More: ")]
    quoted = str(folder).replace("'", "'\"'\"'")
    assert command == f"More: wsanalyze show '{quoted}/front.pcap' '{quoted}/back.pcap' h1"


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ((7,), "frame.number == 7"),
        ((7, 8), "frame.number in {7, 8}"),
        ((9, 4, 5, 6, 9), "frame.number in {4..6, 9}"),
        ((1, 2, 4, 5), "frame.number in {1, 2, 4, 5}"),
    ],
)
def test_display_filters(frames: tuple[int, ...], told: str) -> None:
    assert table.display_filter(frames) == told


def test_many_findings_are_summed_up(tmp_path: Path) -> None:
    evidence = tuple(Evidence("back", "b", (number,), "GET", "h", f"/{number}") for number in range(9))
    many = tuple(Finding(f"f{n}", "router-error", "warning", "certain", f"T{n}", "Do.", evidence) for n in range(400))
    analysis = dataclasses.replace(stories.stripped().analyze(tmp_path), findings=many)
    text = table.render(analysis, width=80)
    assert text.count("router-error") == table.MAX_FINDINGS
    left = 400 - table.MAX_FINDINGS
    assert f"… and {left} more findings ({left} warning); --format json lists all" in text
    assert "  … and 8 more on the back" in text


def test_many_handshakes_are_summed_up(tmp_path: Path) -> None:
    analysis = stories.stripped().analyze(tmp_path)
    rows = pd.concat([analysis.handshakes] * 30, ignore_index=True)
    text = table.render(dataclasses.replace(analysis, handshakes=rows), width=100)
    assert len(re.findall(r"^h1 ", text, re.MULTILINE)) == table.MAX_HANDSHAKES
    assert "… and 18 more (18 stripped (upgrade+connection)); --format json lists all" in text
    assert "strips the upgrade from all 30 WebSocket handshakes." in " ".join(text.split())


def test_wide_letters_stay_in_their_column(tmp_path: Path) -> None:
    analysis = stories.stripped().analyze(tmp_path)
    rows = analysis.handshakes.assign(target="/" + "日本" * 200)
    text = table.render(dataclasses.replace(analysis, handshakes=rows), width=80)
    (row,) = [line for line in text.splitlines() if line.startswith("h1 ")]
    assert "…" in row
    assert cell_len(row) <= 80


HOSTILE = "\x1b]52;c;cm0=\x07\x1b[2J\r\n\u202e\ud800\u2028\0\x9b1m"


def _with(frame: pd.DataFrame, **values: str) -> pd.DataFrame:
    """The table with these values, which Arrow would not take, in all rows."""
    changed = {name: pd.Series([value] * len(frame), dtype=object) for name, value in values.items()}
    return frame.assign(**changed)


def test_hostile_values_in_every_place(tmp_path: Path) -> None:
    analysis = stories.stripped().analyze(tmp_path)
    rows = _with(analysis.handshakes, target=HOSTILE * 5000, host=HOSTILE, back_target=HOSTILE)
    evidence = Evidence("back", HOSTILE, (1,), HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    finding = Finding("f1", "router-error", "error", "certain", HOSTILE, HOSTILE, (evidence,))
    front = dataclasses.replace(analysis.front, captures=_with(analysis.front.captures, file=HOSTILE))
    hostile = dataclasses.replace(
        analysis, handshakes=rows, findings=(finding,), front=front, problems=(("front", HOSTILE),)
    )
    for width in (80, 200):
        text = table.render(hostile, width=width)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800]", text)
        assert "\\x1b]52;c" in text
        assert all(len(line) <= width or re.match(r"More:|Wireshark", line) for line in text.splitlines())
