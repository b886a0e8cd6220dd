"""``status`` for people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.printing import Printing
from autohealer.tui.past import past_events
from autohealer.views.crashing import last_words
from autohealer.views.listing import pool_lines, status_lines
from autohealer.views.status import SilentPool, Status
from autohealer.views.units import clock, unix

if TYPE_CHECKING:
    from autohealer.cli.support.pool import PoolAddress


def print_pools(found: list[tuple[PoolAddress, Status | SilentPool]]) -> None:
    """Print several, a line each."""
    said = {address.name: said_last(address, status) for address, status in found}
    Printing().print(pool_lines([status for _, status in found], said))


def print_status(address: PoolAddress, found: Status) -> None:
    """Print it, with a line before it where ZooKeeper does not answer."""
    if not found.connected:
        since = unix(address.away_since())
        away = "has not answered yet" if since is None else f"has been away since {clock(since, time.time())}"
        click.echo(f"ZooKeeper {away}: as the agent here has it")
    printing = Printing()
    printing.print(status_lines(found, time.time(), glyphs=printing.styled, said=said_last(address, found)))


def said_last(address: PoolAddress, found: Status | SilentPool) -> dict[int, str]:
    """What the workers here that are in a crash loop wrote last; nothing is read where none is."""
    if isinstance(found, SilentPool) or all(worker.state != "backoff" for worker in found.workers):
        return {}
    return last_words(past_events(address.state.events_path))
