"""Takes the words of a command line that name captures, gives what each side is: FRONT BACK, one capture of both, or many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

MANY = ("--front", "--back")
"""Options that take several values, as far as the next option, so that the shell may expand patterns."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What was named."""

    sides: tuple[tuple[str, ...], ...]
    """Front and back, or one for both."""
    lb: tuple[str, ...]
    """Addresses of the box that is judged."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that was named."""
        return tuple(name for side in self.sides for name in side)

    def again(self, *options: str) -> tuple[list[str], list[str]]:
        """The words that name the same once more, with these options: those before an id, and those after it."""
        named = [*(word for address in self.lb for word in ("--lb", address)), *options]
        sides = [[f"./{name}" if _is_option(name) else name for name in side] for side in self.sides]
        if len(sides) == 1 or all(len(side) == 1 for side in sides):
            return [name for side in sides for name in side], named
        front, back = sides
        return [], ["--front", *front, "--back", *back, *named]


class Command(click.Command):
    """A command whose `--front` and `--back` take several values each."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each of its values."""
        return super().parse_args(ctx, list(_repeated(args, ctx)))


def _repeated(arguments: Sequence[str], context: click.Context) -> Iterator[str]:
    option = None
    for index, word in enumerate(arguments):
        if word == "--":
            yield from arguments[index:]
            return
        if word in MANY:
            option = word
            # click would take the next option for the value.
            if index + 1 == len(arguments) or _is_option(arguments[index + 1]):
                raise click.UsageError(f"{word} names no capture.", context)
        elif _is_option(word):
            option = None
            yield word
        elif option is not None:
            yield from (option, word)
        else:
            yield word


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _addresses(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    from wsanalyze.pairing.legs import normal  # noqa: PLC0415

    found = []
    for value in (part for given in values for part in given.split(",")):
        try:
            found.append(normal(value))
        except ValueError:
            raise click.BadParameter(f"expected an IP address, such as 10.0.0.1; got {value!r}") from None
    return tuple(found)


def captures(*, last: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The arguments and options that name captures; `last` is what a command takes after them."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        metavar = f"[FRONT BACK | BOTH]{f' {last}' if last else ''}"
        for option in (
            click.option("--lb", "lb", multiple=True, metavar="ADDRESS", callback=_addresses,
                         help="Address of the box that is judged, where captures hold both of its legs; once for each."),
            click.option("--back", "backs", multiple=True, metavar="BACK…", type=click.Path(),
                         help="Captures between the load balancers and the routers."),
            click.option("--front", "fronts", multiple=True, metavar="FRONT…", type=click.Path(),
                         help="Captures between the clients and the load balancers."),
            click.argument("words", nargs=-1, metavar=metavar, type=click.Path()),
        ):  # fmt: skip
            command = option(command)
        return command

    return decorate


def named(words: Sequence[str], fronts: Sequence[str], backs: Sequence[str], lb: Sequence[str]) -> Sources:
    """What the words name. Raises UsageError where that cannot be told."""
    if fronts or backs:
        if words:
            raise click.UsageError(
                f"{words[0]!r} is of no side: name captures either by place, or by --front and --back."
            )
        if not fronts or not backs:
            raise click.UsageError(
                f"--{'front' if fronts else 'back'} needs --{'back' if fronts else 'front'} as well."
            )
        return Sources((tuple(fronts), tuple(backs)), tuple(lb))
    if not words:
        raise click.UsageError("no capture is named: FRONT BACK, or one that holds both.")
    if len(words) > 2 and not lb:
        raise click.UsageError("more than two captures: name those of each side by --front … --back ….")
    sides = ((words[0],), (words[1],)) if len(words) == 2 else (tuple(words),)
    return Sources(sides, tuple(lb))
