"""``autohealer scale``."""

from __future__ import annotations

import click

from autohealer.cli import pool
from autohealer.cli.follow import pause
from autohealer.cli.options import no_wait
from autohealer.cli.pool import PoolAddress
from autohealer.cli.run import MOST_WORKERS
from autohealer.cli.status import pool_status


@click.command(short_help="Change how many workers the pool has.")
@pool.address
@click.argument("workers", metavar="N", type=click.IntRange(0, MOST_WORKERS))
@no_wait
def command(address: PoolAddress, workers: int, no_wait: bool) -> int:
    r"""Change how many workers the pool has, over all its agents, and wait until so many run.

    \b
      autohealer scale 20
    """
    with address.console() as console:
        console.scale(workers)
    while not no_wait:
        status = pool_status(address)
        wanted = max(0, workers - (status["foreign"] or 0))
        if status["target"] != workers:
            click.echo(f"the target is now {status['target']}: somebody else has changed it", err=True)
            return 1
        present = sum(worker["pid"] is not None for worker in status["workers"])  # the stopping ones among them
        if status["running"] == wanted == present:
            foreign = f" ({status['foreign']} foreign)" if status["foreign"] else ""
            click.echo(f"{status['running']} workers run{foreign}")
            return 0
        pause()
    return 0
