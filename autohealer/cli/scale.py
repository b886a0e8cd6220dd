"""``autohealer scale``."""

from __future__ import annotations

from typing import Any

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.progress import Progress
from autohealer.cli.support.where import Where

PATIENCE_S = 30.0


def run(where: Where, workers: int, *, no_wait: bool) -> int:
    """Change how many workers the pool has, over all its agents, and wait until so many run."""
    address = PoolAddress(where)
    with address.asked("scale", str(workers)) as pending, Progress("running") as progress:
        settled(pending.wait(PATIENCE_S), "nobody answered")
        while not no_wait:
            status = pool_status(address)
            if status["target"] != workers:
                click.echo(f"the target is now {status['target']}: somebody else has changed it", err=True)
                return 1
            if _is_done(status):
                foreign = f" ({status['foreign']} foreign)" if status["foreign"] else ""
                click.echo(f"{status['running']} workers run{foreign}")
                return 0
            progress(status["running"], workers)
            pause()
    return 0


def _is_done(status: dict[str, Any]) -> bool:
    """Whether as many run as should, and none is about to end."""
    wanted = max(0, status["target"] - (status["foreign"] or 0))
    return bool(status["running"] == wanted) and all(worker["state"] != "stopping" for worker in status["workers"])
