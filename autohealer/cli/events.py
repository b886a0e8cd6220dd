"""``autohealer events``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from autohealer.cli.support import pool
from autohealer.cli.support.file_tail import FileTail, pause
from autohealer.cli.support.options import as_json
from autohealer.cli.support.pool import PoolAddress

if TYPE_CHECKING:
    from autohealer.cli.support.printing import Printing


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
    from autohealer.cli.support.printing import Printing  # noqa: PLC0415 - not for --help
    from autohealer.runtime.event_log import older  # noqa: PLC0415

    printing = None if as_json else Printing()
    growing = FileTail(address.state.events_path)
    past = [*FileTail(older(address.state.events_path)).lines(), *growing.lines()]
    _print(past if lines is None else past[len(past) - min(lines, len(past)) :], printing, past=not follow)
    if not address.runs_here:
        raise address.nobody()
    while follow:
        pause()
        _print(growing.lines(), printing, past=False)
    return 0


def _print(lines: Iterable[str], printing: Printing | None, *, past: bool) -> None:
    """As they are (``printing`` is None), or in words."""
    from autohealer.views.listing import event_lines  # noqa: PLC0415

    for line in lines:
        if printing is None:
            click.echo(line)
            continue
        with suppress(ValueError):  # cut off when the disk was full
            event = json.loads(line)
            # How long ago is for those who look now: a file or a pipe is read later.
            now = time.time() if past and printing.styled else None
            printing.print(event_lines(event, now, glyphs=printing.styled))
