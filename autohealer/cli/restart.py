"""``autohealer restart``."""

from __future__ import annotations

import time

import click

from autohealer.cli.status import pool_status
from autohealer.cli.support import pool
from autohealer.cli.support.file_tail import PAUSE_S
from autohealer.cli.support.options import no_wait
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.progress import Progress

EXPIRES_S = 3600.0


@click.command(short_help="Exchange all workers, one by one.")
@pool.address
@no_wait
def command(address: PoolAddress, no_wait: bool) -> int:
    r"""Exchange all workers for new ones, one by one, with never fewer than before, and wait until it is done.

    \b
      autohealer restart

    Each agent first starts one worker more; then it exchanges its own, each once the one before it has registered.
    """
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
