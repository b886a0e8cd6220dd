"""``autohealer restart``."""

from __future__ import annotations

import time

import click

from autohealer.cli.support.file_tail import PAUSE_S
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.progress import Progress
from autohealer.cli.support.where import Where

EXPIRES_S = 3600.0


def run(where: Where, *, no_wait: bool) -> int:
    """Exchange all workers for new ones, one by one, with never fewer than before, and wait until it is done."""
    address = PoolAddress(where)
    with address.console() as console, Progress("exchanged") as progress:
        old = _workers(address)
        expires = time.time() + EXPIRES_S
        waiting = {agent: console.request("restart", agent, expires) for agent in console.agents()}
        agents = len(waiting)
        while waiting and not no_wait:
            present = console.agents()
            done = [
                agent
                for agent, request in waiting.items()
                if agent not in present or console.wait_answered(request, PAUSE_S)
            ]
            for agent in done:
                del waiting[agent]
            if progress.is_due:
                progress(len(old - _workers(address)), len(old))
    if not no_wait:
        click.echo(f"all workers of {agents} {'agent' if agents == 1 else 'agents'} are new")
    return 0


def _workers(address: PoolAddress) -> set[str]:
    return {worker["worker"] for worker in pool_status(address)["workers"] if worker["worker"] is not None}
