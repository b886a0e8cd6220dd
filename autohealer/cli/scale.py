"""``autohealer scale``."""

from __future__ import annotations

import time

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.progress import ProgressLine
from autohealer.cli.support.saying import ASKED, Saying
from autohealer.cli.support.where import Where
from autohealer.errors import AutohealerError
from autohealer.views.status import Status

PATIENCE_S = 30.0
# A plan for a new target comes within a moment.
FULL_S = 3.0


def run(where: Where, workers: int, *, no_wait: bool, as_json: bool) -> int:
    """Change how many workers the pool has, over all its agents, and wait until so many run."""
    address = PoolAddress(where)
    saying = Saying(address.name, "scale", str(workers), as_json)
    with address.asked("scale", str(workers)) as pending, ProgressLine("running") as progress:
        settled(pending.wait(PATIENCE_S), "nobody answered")
        full_since: float | None = None
        while not no_wait:
            status = pool_status(address)
            if status.target != workers:
                click.echo(f"the target is now {status.target}: somebody else has changed it", err=True)
                return 1
            if _is_done(status):
                foreign = f" ({status.foreign} foreign)" if status.foreign else ""
                saying.say(f"{status.running} workers run{foreign}", running=status.running)
                return 0
            full_since = (full_since or time.monotonic()) if _is_full(status) else None
            if full_since is not None and time.monotonic() - full_since > FULL_S:
                raise AutohealerError(
                    f"the target is {workers}, and the pool's agents take no more than {status.running}",
                    "they have --capacity, or no more ports below 65,536: start another agent",
                )
            progress(status.running, workers)
            pause()
    if as_json:
        saying.say("", ASKED)
    return 0


def _is_done(status: Status) -> bool:
    """Whether as many run as should, and none is about to end."""
    return status.running == status.wanted and all(worker.state != "stopping" for worker in status.workers)


def _is_full(status: Status) -> bool:
    """Whether all agents run what the plan gives them, and that is less than the target."""
    shares = [agent.share for agent in status.agents if agent.share is not None]
    planned = sum(shares) if len(shares) == len(status.agents) else status.running
    return planned == status.running < status.wanted
