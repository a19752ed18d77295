"""Takes the results of a replay, gives what follows from them for the case, in a few sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from wsanalyze import redaction
from wsanalyze.replay.fields import listed, parsed, value
from wsanalyze.replay.model import NO_ANSWER, RESET
from wsanalyze.replay.results import Compared, Result
from wsanalyze.replay.sayings import SAYINGS
from wsanalyze.replay.why import router_error, told_error

MAX_REASONS: Final = 2
"""Reasons, statuses and errors that are named, the most frequent ones."""
MAX_ERROR: Final = 120
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
"""16 bytes in base64."""


def conclude(compared: Sequence[Compared], *, embedded: bool = False) -> str:
    """What the replay shows; `embedded`: to the test router, which accepts every valid handshake."""
    told = _told(compared)
    if not embedded or not any(one.works and one.captured.handshake for one in compared):
        return told
    caveat = "The test router accepts every valid handshake: --target URL asks yours."
    return f"{told.replace('the router accepts', 'the test router accepts')} {caveat}"


def _told(compared: Sequence[Compared]) -> str:
    sent = [one for one in compared if one.sent]
    if not compared:
        return "There is nothing to replay in this capture."
    if not sent:
        return _nothing_sent(compared)
    sentences = [_handshakes([one for one in sent if one.captured.handshake])]
    sentences.append(_requests([one for one in sent if not one.captured.handshake]))
    sentences.append(_not_sent([one for one in compared if not one.sent]))
    return " ".join(filter(None, sentences))


def _nothing_sent(compared: Sequence[Compared]) -> str:
    failed, ended, kept = _unsent(compared)
    if failed:
        reached = any(one.replayed.reached for one in failed if one.replayed)
        what = "Nothing could be sent" if reached else "The target could not be reached"
        return f"{what} ({_errors(failed)}): nothing can be told of {_things(failed)}."
    if ended:
        return "Nothing can be told: the replay ended before any answer came."
    return f"Nothing was sent: {_reasons(kept)}."


def _unsent(left: Sequence[Compared]) -> tuple[list[Compared], list[Compared], list[Compared]]:
    """Those that failed, those that the end of the replay came before, and those that were not to be sent."""
    kept = [one for one in left if one.replayed is None]
    tried = [(one, one.replayed) for one in left if one.replayed is not None]
    failed = [one for one, replayed in tried if replayed.error and not replayed.interrupted]
    return failed, [one for one, replayed in tried if replayed.interrupted or not replayed.error], kept


def _handshakes(sent: Sequence[Compared]) -> str:
    groups: dict[str, list[Compared]] = {}
    for one in sent:
        groups.setdefault(_group(one), []).append(one)
    if not groups:
        return ""
    named = [name for name in SAYINGS if name in groups]
    if len(named) == 1:
        count = len(sent)
        subject = "this handshake" if count == 1 else f"all {count} handshakes"
        return _sentence(_said(named[0], subject, sent))
    told = "; ".join(_said(name, str(len(groups[name])), groups[name]) for name in named)
    return f"Of {len(sent)} handshakes, {told}."


def _said(name: str, subject: str, group: Sequence[Compared]) -> str:
    text = SAYINGS[name][len(group) > 1].format(subject)
    if name.startswith("established"):
        unlike = sum(one.result == "different" for one in group)
        told = f"{'' if unlike == len(group) else f'{unlike} '}with differences" if unlike else ""
    elif name in {"worse-later", "broken"}:
        told = _errors(group) or _closes(group)
    else:
        told = _answers(group) if name.startswith(("refused", "worse", "unanswered")) else ""
    return f"{text} ({told})" if told else text


def _group(one: Compared) -> str:
    verdict = one.captured.verdict
    if one.unsteady:
        return "unsteady"
    if one.works:
        if one.worked is None:
            return "accepted-unknown"
        if one.worked:
            if one.result == "worse":
                return "worse-later"
            return "established-terminated" if verdict == "terminated" else "established"
        return "broken" if one.result == "different" else _accepted(verdict, one.captured.detail)
    return _failing(one)


def _failing(one: Compared) -> str:
    assert one.replayed is not None  # noqa: S101 (says to mypy what holds of one that was sent)
    verdict, unanswered = one.captured.verdict, one.replayed.outcome in {NO_ANSWER, RESET}
    if one.replayed.accept_valid is False:
        return "accept-wrong"
    if one.withheld:
        return "refused-credentials"
    if one.worked is None:
        return "unanswered-unknown" if unanswered else "refused-unknown"
    if one.worked:
        return "worse-terminated" if verdict == "terminated" else "worse"
    if unanswered:
        return "unanswered"
    return "refused-far" if _lost_on_the_way(one) else "refused-stripped" if verdict == "stripped" else "refused"


def _accepted(verdict: str | None, detail: str | None) -> str:
    by_detail = {"answer-withheld": "accepted-withheld", "router-unreachable": "accepted-unreachable"}
    by_verdict = {
        "stripped": "accepted-response" if detail == "response" else "accepted-stripped",
        "blocked": by_detail.get(detail or "", "accepted-blocked"),
        "terminated": "accepted-terminated",
        "passed-through": "accepted-lowered" if detail == "http/1.0" else "accepted-passed",
    }
    return by_verdict.get(verdict or "", "accepted")


def _lost_on_the_way(one: Compared) -> bool:
    """Whether the answer to a valid handshake is one to a handshake without Upgrade: it names the version that was asked for."""
    assert one.replayed is not None  # noqa: S101 (says to mypy what holds of one that was sent)
    headers = one.replayed.headers
    if one.replayed.status not in {400, 426} or router_error(one.replayed) or not _is_valid(one.captured.head):
        return False
    # RFC 6455 4.4: the versions that the server knows; RFC 9110 15.5.22: what the client should upgrade to.
    return "13" in (value(headers, "sec-websocket-version") or "") or "websocket" in listed(headers, "upgrade")


def _is_valid(head: bytes) -> bool:
    """Whether a server has to understand the handshake (RFC 6455 4.1)."""
    read = parsed(head)
    key = (value(read.fields, "sec-websocket-key") or "").encode("latin-1")
    return (
        read.start.startswith("GET ")
        and read.start.endswith("HTTP/1.1")
        and "websocket" in listed(read.fields, "upgrade")
        and "upgrade" in listed(read.fields, "connection")
        and value(read.fields, "sec-websocket-version") == "13"
        and _KEY.fullmatch(key) is not None
    )


def _requests(sent: Sequence[Compared]) -> str:
    if not sent:
        return ""
    counts = Counter(one.result for one in sent)
    total = len(sent)
    if counts["same"] == total:
        all_ = "The only request gets its" if total == 1 else f"All {total} requests get their"
        return f"{all_} captured answer{'s' if total > 1 else ''} without the LB too."
    words: dict[Result, str] = {
        "worse": "answered worse than through the LB",
        "different": "answered otherwise, or had no answer to compare with",
        "better": "answered better than through the LB",
        "same": "answered as captured",
    }
    if total == 1:
        return f"The only request is {words[sent[0].result]}."
    if len(counts) == 1:
        return f"All {total} requests are {words[sent[0].result]}."
    parts = [f"{counts[result]} {_are(counts[result])} {told}" for result, told in words.items() if counts[result]]
    return f"Of {total} requests, {'; '.join(parts)}."


def _not_sent(left: Sequence[Compared]) -> str:
    failed, ended, kept = _unsent(left)
    parts = [f"{_things(failed)} could not be sent ({_errors(failed)})"] if failed else []
    parts += [f"the replay ended before {_things(ended)} {_were(len(ended))} done"] if ended else []
    parts += [f"{_things(kept)} {_were(len(kept))} not to be sent ({_reasons(kept)})"] if kept else []
    return _sentence("; ".join(parts)) if parts else ""


def _answers(group: Sequence[Compared]) -> str:
    """The most frequent answers, with what the router says of itself."""
    counts: Counter[str] = Counter()
    for one in group:
        if one.replayed is not None:
            said = router_error(one.replayed)
            status = one.replayed.status
            told = str(status) if status is not None else str(one.replayed.outcome)
            counts[f"{told} {_short(said)}" if said else told] += 1
    return _most(counts)


def _closes(group: Sequence[Compared]) -> str:
    """The codes with which WebSockets ended."""
    return _most(Counter(f"close code {one.replayed.close_code}" for one in group if one.replayed))


def _errors(group: Sequence[Compared]) -> str:
    return _most(Counter(_short(told_error(one.replayed)) for one in group if one.replayed and one.replayed.error))


def _reasons(group: Sequence[Compared]) -> str:
    return _most(Counter(_short(one.why) for one in group))


def _most(counts: Counter[str]) -> str:
    told = [text if len(counts) == 1 else f"{count} x {text}" for text, count in counts.most_common(MAX_REASONS)]
    return ", ".join([*told, "…"] if len(counts) > MAX_REASONS else told)


def _short(text: str) -> str:
    line = " ".join(redaction.target(text).split()).rstrip(".")
    return line if len(line) <= MAX_ERROR else f"{line[: MAX_ERROR - 1]}…"


def _things(group: Sequence[Compared]) -> str:
    count, handshakes = len(group), sum(one.captured.handshake for one in group)
    name = "handshake" if handshakes == count else "exchange" if handshakes else "request"
    return f"{count} {name}{'s' if count != 1 else ''}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
