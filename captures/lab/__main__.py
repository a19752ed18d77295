"""Takes the names of scenarios, records them: `python -m captures.lab [SCENARIO…]`. Needs root, and the programs."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import click

from captures.lab.certificates import make
from captures.lab.forms import FOLDER
from captures.lab.record import Session
from captures.lab.scenarios import SCENARIOS

CORPUS = Path(__file__).resolve().parent.parent
LARGEST = 300_000
"""Bytes that a scenario's capture may have, so that the corpus stays small enough to be cloned."""


@click.command()
@click.argument("names", nargs=-1)
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=CORPUS, help="Folder of the corpus.")
@click.option("--list", "only_list", is_flag=True, help="List the scenarios.")
def main(names: tuple[str, ...], into: Path, *, only_list: bool) -> None:
    """Record the scenarios NAMES, or all."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if only_list:
        for scenario in SCENARIOS:
            click.echo(f"{scenario.name:32} {scenario.shows}")
        return
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"no such scenario: {', '.join(unknown)}")
    if os.geteuid() != 0:
        raise click.UsageError("network namespaces need root")
    chosen = [known[name] for name in names] or list(SCENARIOS)
    failed = []
    with tempfile.TemporaryDirectory(prefix="wsanalyze-ca-") as place:
        make(Path(place))
        for number, scenario in enumerate(chosen, start=1):
            click.echo(f"[{number}/{len(chosen)}] {scenario.name}: {scenario.shows}", err=True)
            session = Session(scenario, into / scenario.name, Path(place))
            try:
                asyncio.run(session.run())
            except (OSError, RuntimeError) as error:
                failed.append(scenario.name)
                click.echo(f"    failed: {error}", err=True)
                continue
            folder = into / scenario.name
            for path in (*folder.glob("*.pcap"), *folder.glob(f"{FOLDER}/**/*.pcap*")):
                if (size := path.stat().st_size) > LARGEST:
                    click.echo(f"    {path.relative_to(folder)} has {size} bytes, more than {LARGEST}", err=True)
    if failed:
        click.echo(f"{len(failed)} failed: {', '.join(failed)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
