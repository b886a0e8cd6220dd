"""``autohealer restart``."""

from __future__ import annotations

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.file_tail import PAUSE_S
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.progress import Progress
from autohealer.cli.support.where import Where


def run(where: Where, *, no_wait: bool) -> int:
    """Exchange all workers for new ones, one by one, with never fewer than before, and wait until it is done."""
    address = PoolAddress(where)
    old = _workers(address)
    with address.asked("restart") as pending, Progress("exchanged") as progress:
        while not no_wait and (answer := pending.wait(PAUSE_S)) is None:
            if progress.is_due:
                progress(len(old - _workers(address)), len(old))
    if not no_wait:
        click.echo(settled(answer, "").detail or "all workers are new")
    return 0


def _workers(address: PoolAddress) -> set[str]:
    return {worker["worker"] for worker in pool_status(address)["workers"] if worker["worker"] is not None}
