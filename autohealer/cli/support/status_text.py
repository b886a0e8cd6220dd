"""``status`` for people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from autohealer.cli.support.printing import Printing
from autohealer.views.listing import pool_lines, status_lines

if TYPE_CHECKING:
    from autohealer.cli.support.pool import PoolAddress


def print_pools(found: list[dict[str, Any]]) -> None:
    """Print several, a line each."""
    Printing().print(pool_lines(found))


def print_status(address: PoolAddress, found: dict[str, Any]) -> None:
    """Print it, with a line before it where ZooKeeper does not answer."""
    if not found["connected"]:
        since = address.ask("away_since")
        click.echo(
            f"ZooKeeper {f'is away since {since}' if since else 'has not answered yet'}: as the agent here has it"
        )
    printing = Printing()
    printing.print(status_lines(found, time.time(), glyphs=printing.styled))
