"""``autohealer events``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.file_tail import FileTail, pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.printing import Printing
from autohealer.cli.support.where import Where
from autohealer.runtime.event_log import older
from autohealer.views.listing import event_lines

if TYPE_CHECKING:
    from autohealer.cli.support.printing import Printing


def run(where: Where, *, follow: bool, lines: int | None, as_json: bool) -> int:
    """Show what happened to the pool on this host."""
    address = PoolAddress(where)
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
    for line in lines:
        if printing is None:
            click.echo(line)
            continue
        with suppress(ValueError):  # cut off when the disk was full
            event = json.loads(line)
            # How long ago is for those who look now: a file or a pipe is read later.
            now = time.time() if past and printing.styled else None
            printing.print(event_lines(event, now, glyphs=printing.styled))
