"""``autohealer events``."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from autohealer.cli import pool
from autohealer.cli.follow import Growing, pause
from autohealer.cli.options import as_json
from autohealer.cli.pool import PoolAddress


@click.command(short_help="Show what happened.")
@pool.address
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens from now on.")
@click.option("-n", "--lines", type=click.IntRange(0), help="Only the last so many.")
@as_json("Print events as JSON, one object a line.")
def command(address: PoolAddress, follow: bool, lines: int | None, as_json: bool) -> int:
    r"""Show what happened to the pool on this host.

    \b
      autohealer events -f
      autohealer events --json | jq 'select(.event == "worker.exited")'
    """
    from autohealer.runtime.eventlog import older  # noqa: PLC0415 - not for --help

    growing = Growing(address.state.events_path)
    past = [*Growing(older(address.state.events_path)).lines(), *growing.lines()]
    _print(past if lines is None else past[len(past) - lines :], as_json)
    if not address.runs_here:
        raise address.nobody()
    while follow:
        pause()
        _print(growing.lines(), as_json)
    return 0


def _print(lines: Iterable[str], as_json: bool) -> None:
    from autohealer.views.text import event_line  # noqa: PLC0415

    for line in lines:
        if as_json:
            click.echo(line)
            continue
        try:
            event = json.loads(line)
        except ValueError:
            continue  # cut off when the disk was full
        click.echo(event_line(event))
