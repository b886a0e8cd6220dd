"""``autohealer hold``."""

from __future__ import annotations

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.where import Where

PATIENCE_S = 30.0


def run(where: Where, sense: str | None) -> int:
    """Keep workers that are found faulty from being replaced, in the whole pool."""
    with PoolAddress(where).asked("hold", sense or "") as pending:
        click.echo(settled(pending.wait(PATIENCE_S), "nobody answered").detail)
    return 0
