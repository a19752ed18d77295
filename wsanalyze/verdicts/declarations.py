"""What each verdict is: a condition over the columns of `facts`, and the sentence that gives the reason. The first that holds counts.

Takes nothing, gives `CASES`. In the sentences, `{f}` and `{b}` stand for the requests' frames, `{fa}` and `{ba}` for the
answers', `{fs}` and `{bs}` for their status codes, `{f101}` and `{b101}` for those that accept a WebSocket, `{lost}` for the
headers that were lost, `{lack}` for what is missing.
"""

from __future__ import annotations

from wsanalyze.verdicts.case import Case
from wsanalyze.verdicts.partnered import NOT_SWITCHED, SWITCHED
from wsanalyze.verdicts.unpartnered import ONLY_BACK, WITHOUT_PARTNER

CASES: tuple[Case, ...] = (*WITHOUT_PARTNER, *SWITCHED, *NOT_SWITCHED, *ONLY_BACK)
