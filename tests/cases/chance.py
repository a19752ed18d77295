"""Takes a seed, gives a story of many clients and a load balancer that treats each in its own way, and what is true of each.

The clients overlap in time, share targets and keys, reuse connections; each handshake is carried, refused, stripped,
answered or lost in one of the ways that load balancers have.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.cases.wire import ACK, RST, SYN, Story, Tcp, answer, close, frame, handshake, request, switching

Meaning = tuple[str, str | None]
"""Verdict and detail."""

REFUSALS = (
    answer(404, b"no", X_Cf_Routererror="unknown_route"),
    answer(503, b"no", X_Cf_Routererror="no_endpoints"),
    answer(403, b"no"),
    answer(200, b"page"),
)


@dataclass
class Truth:
    """What happened to one handshake."""

    how: str
    means: set[Meaning]
    """The verdicts that are right."""
    outcome: str
    status: int | None
    backs: set[str] = field(default_factory=set)
    """What carried it: the load balancer's address and port on the back."""


@dataclass
class Call:
    """One handshake under way: who asks for what, and by which connections."""

    chance: random.Random
    story: Story
    client: str
    front: Tcp
    target: str
    key: str
    style: Callable[[Call], dict[str, Any]]
    pool: list[tuple[Tcp, float]]
    used: list[Tcp] = field(default_factory=list)

    def pause(self, most: float = 0.02) -> None:
        """Something takes its time."""
        self.story.wait(self.chance.uniform(0.0003, most))

    def back(self, router: str = "10.244.0.10") -> Tcp:
        """A connection to the router: one of the pool that is free, or a new one."""
        free = [at for at, (leg, since) in enumerate(self.pool) if since < self.story.now and leg.server[0] == router]
        leg = self.pool.pop(free[0])[0] if free and self.chance.random() < 0.5 else self.story.back(router)
        self.used.append(leg)
        return leg

    def done(self, leg: Tcp) -> None:
        """The connection is free again, or closed."""
        if self.chance.random() < 0.5:
            self.pool.append((leg, self.story.now))
        else:
            leg.end()

    def ask(self, **changes: Any) -> Tcp:
        """The handshake goes to the router."""
        self.pause()
        leg = self.back()
        leg.ask(handshake(self.target, **{"key": self.key, **self.style(self), **changes}))
        self.pause(0.3)
        return leg

    def talk(self, *legs: Tcp) -> None:
        """A WebSocket lives for a while."""
        for number in range(self.chance.randrange(4)):
            self.pause(0.2)
            up = self.chance.random() < 0.5
            for leg in legs if up else reversed(legs):
                (leg.ask if up else leg.reply)(frame(f"{self.target} {number}".encode(), masked=up))
        match self.chance.randrange(3):
            case 0:
                for leg in legs:
                    leg.ask(close(masked=True))
                for leg in reversed(legs):
                    leg.reply(close(masked=False)).end(by_client=False)
            case 1:
                for leg in reversed(legs):
                    leg.reset(by_client=False)

    def give(self, reply: bytes) -> None:
        """The client gets an answer, and stays or goes."""
        self.pause()
        self.front.reply(reply)
        if self.chance.random() < 0.5:
            self.front.end(by_client=self.chance.random() < 0.5)


def passed(call: Call) -> Truth:
    back = call.ask()
    back.reply(switching(call.key))
    call.front.reply(switching(call.key))
    call.talk(call.front, back)
    return Truth("passed", {("passed-through", None)}, "established", 101)


def refused(call: Call) -> Truth:
    back = call.ask()
    reply = call.chance.choice(REFUSALS)
    back.reply(reply)
    given = reply if call.chance.random() < 0.8 else answer(500, b"sorry")
    call.give(given)
    call.done(back)
    return Truth("refused", {("passed-through", None)}, "refused", int(given[9:12]))


def never_answered(call: Call) -> Truth:
    back = call.ask()
    call.story.wait(3)
    says = call.chance.choice([502, 504, None])
    if says:
        call.give(answer(says, b"late"))
    else:
        call.front.end(by_client=False)
    back.end() if call.chance.random() < 0.5 else back.reset()
    return Truth("never answered", {("passed-through", None)}, "refused" if says else "reset", says)


def gave_up(call: Call) -> Truth:
    back = call.ask()
    call.front.reset() if call.chance.random() < 0.5 else call.front.end()
    call.story.wait(2)
    if call.chance.random() < 0.5:
        back.reply(switching(call.key))
    back.end()
    return Truth("gave up", {("passed-through", None)}, "reset", None)


def retried(call: Call) -> Truth:
    first = call.ask()
    first.reset(by_client=False) if call.chance.random() < 0.5 else first.reply(answer(502, b"")).end()
    call.used.append(second := call.story.back("10.244.0.11"))
    second.ask(handshake(call.target, **{"key": call.key, **call.style(call)}))
    call.pause()
    second.reply(switching(call.key))
    call.front.reply(switching(call.key))
    call.talk(call.front, second)
    return Truth("retried", {("passed-through", None)}, "established", 101)


def retried_without(call: Call) -> Truth:
    first = call.ask()
    first.reset(by_client=False)
    second = call.ask(Upgrade=None, Connection="close")
    second.reply(answer(400, b"no"))
    call.give(answer(400, b"no"))
    second.end(by_client=False)
    return Truth("retried without", {("passed-through", None)}, "refused", 400)


def stripped(call: Call) -> Truth:
    changes, detail = call.chance.choice(
        [
            ({"Upgrade": None}, "upgrade"),
            ({"Connection": "close"}, "connection"),
            ({"Upgrade": None, "Connection": "close"}, "upgrade+connection"),
            (
                dict.fromkeys(("Upgrade", "Connection", "key", "Sec_WebSocket_Version"), None),
                "upgrade+connection",
            ),
        ]
    )
    back = call.ask(**changes)
    reply = call.chance.choice([answer(400, b"no"), answer(200, b"page"), answer(426, b"", Sec_WebSocket_Version="13")])
    back.reply(reply)
    call.give(reply)
    call.done(back)
    return Truth("stripped", {("stripped", detail)}, "refused", int(reply[9:12]))


def stripped_answer(call: Call) -> Truth:
    back = call.ask()
    back.reply(switching(call.key))
    call.front.reply(switching(call.key, Upgrade=None, Connection=None))
    call.talk(call.front, back)
    return Truth("stripped answer", {("stripped", "response")}, "established", 101)


def local(call: Call) -> Truth:
    call.pause()
    call.front.reply(switching(call.key))
    call.talk(call.front)
    return Truth("local", {("terminated", "local")}, "established", 101)


def re_originated(call: Call) -> Truth:
    other = a_key(call.chance)
    back = call.ask(key=other)
    if call.chance.random() < 0.6:
        back.reply(switching(other))
        call.front.reply(switching(call.key))
        call.talk(call.front, back)
        return Truth("re-originated", {("terminated", "re-originated")}, "established", 101)
    back.reply(answer(503, b"", X_Cf_Routererror="no_endpoints"))
    call.give(answer(503, b""))
    call.done(back)
    return Truth("re-originated, refused", {("terminated", "re-originated")}, "refused", 503)


def bridged(call: Call) -> Truth:
    call.pause()
    call.front.reply(switching(call.key))
    back = call.ask(**dict.fromkeys(("Upgrade", "Connection", "key", "Sec_WebSocket_Version"), None))
    back.reply(answer(200, b"page"))
    call.done(back)
    call.talk(call.front)
    return Truth("bridged", {("terminated", "bridged")}, "established", 101)


def early(call: Call) -> Truth:
    call.pause()
    call.front.reply(switching(call.key))
    call.pause()
    back = call.ask()
    match call.chance.randrange(3):
        case 0:
            back.reply(switching(call.key))
            call.talk(call.front, back)
        case 1:
            back.reply(answer(503, b"", X_Cf_Routererror="no_endpoints"))
            call.done(back)
        case 2:
            call.story.wait(2)
            back.end()
    return Truth("early", {("terminated", "early")}, "established", 101)


def forbidden(call: Call) -> Truth:
    status = call.chance.choice([403, 404, 426, 301, 502])
    call.give(answer(status, b"no"))
    return Truth("forbidden", {("blocked", "by-policy")}, "refused", status)


def unreachable(call: Call) -> Truth:
    back = call.story.tcp("back", "10.244.0.1", "10.244.0.99", 80)
    back.packet(True, SYN)
    if call.chance.random() < 0.5:
        back.packet(False, RST | ACK)
    call.story.wait(1)
    call.give(answer(503, b""))
    return Truth("unreachable", {("blocked", "router-unreachable")}, "refused", 503)


def silent(call: Call) -> Truth:
    call.story.wait(3)
    call.front.end(by_client=call.chance.random() < 0.5)
    return Truth("silent", {("blocked", "silent")}, "reset", None)


def withheld(call: Call) -> Truth:
    back = call.ask()
    back.reply(switching(call.key))
    call.pause()
    back.end()
    call.give(answer(502, b"bad"))
    return Truth("withheld", {("blocked", "answer-withheld")}, "refused", 502)


WAYS = (
    passed,
    refused,
    never_answered,
    gave_up,
    retried,
    retried_without,
    stripped,
    stripped_answer,
    local,
    re_originated,
    bridged,
    early,
    forbidden,
    unreachable,
    silent,
    withheld,
)


def a_key(chance: random.Random) -> str:
    """A key nobody else has."""
    return f"{chance.randrange(10**21):021}A=="


STYLES: tuple[Callable[[Call], dict[str, Any]], ...] = (
    lambda call: {"X_Forwarded_For": call.client, "X_Forwarded_Proto": "http"},
    lambda _: {"Via": "1.1 lb", "Host": "10.244.0.10"},
    lambda call: {"X_Forwarded_For": f"{call.client}:{call.front.client[1]}", "Connection": "keep-alive, Upgrade"},
    lambda _: {},
)


def tell(seed: int, clients: int = 12) -> tuple[Story, dict[tuple[str, str], Truth]]:
    """The story of this seed; and for each client and target what is true."""
    chance = random.Random(seed)
    story = Story(chance.choice([0.0, 0.0, 3.7, -3600.5, 0.05]))
    begin = story.now
    style = chance.choice(STYLES)
    shares_keys, shares_targets = chance.random() < 0.3, chance.random() < 0.4
    spread = chance.choice([0.3, 5.0, 60.0])
    ways = chance.sample(WAYS, chance.choice([1, 2, 4, len(WAYS)]))
    starts = sorted(chance.uniform(0, spread) for _ in range(clients))
    pool: list[tuple[Tcp, float]] = []
    truths: dict[tuple[str, str], Truth] = {}
    story.page()
    for number, start in enumerate(starts):
        story.now = begin + 0.2 + start
        client = f"203.0.113.{chance.choice([10, 11, 12, number + 20])}"
        front = story.front(client)
        target = "/ws" if shares_targets and chance.random() < 0.7 else f"/ws/{number}"
        key = "dGhlIHNhbXBsZSBub25jZQ==" if shares_keys and chance.random() < 0.7 else a_key(chance)
        call = Call(chance, story, client, front, target, key, style, pool)
        for _ in range(chance.choice([0, 0, 0, 1, 2])):
            ordinary(call)
        front.ask(handshake(target, key=key))
        truth = chance.choice(ways)(call)
        truth.backs = {f"{leg.client[0]}:{leg.client[1]}" for leg in call.used}
        truths[f"{client}:{front.client[1]}", target] = truth
    story.now = max(time for records in story.records.values() for time, _ in records) + abs(story.offset) + 5
    story.page()
    for records in story.records.values():
        records.sort(key=lambda record: record[0])
    return story, truths


def ordinary(call: Call) -> None:
    """A request that is no handshake, on the same connection before it."""
    target = call.chance.choice(["/", "/ws", f"/page/{call.chance.randrange(100)}"])
    call.front.ask(request(target=target))
    call.pause()
    back = call.story.back()
    back.ask(request(target=target, X_Forwarded_For=call.client, X_Forwarded_Proto="http"))
    call.pause()
    back.reply(answer(200, b"ok")).end()
    call.front.reply(answer(200, b"ok"))
    call.pause()
