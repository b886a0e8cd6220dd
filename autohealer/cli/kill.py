"""``autohealer kill``."""

from __future__ import annotations

import time

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status, worker_named
from autohealer.cli.support.saying import ASKED, Saying
from autohealer.cli.support.where import Where
from autohealer.errors import AutohealerError
from autohealer.views.lines import clean
from autohealer.views.status import WorkerRow

PATIENCE_S = 60.0


def run(where: Where, worker: str, *, no_wait: bool, as_json: bool) -> int:
    """Kill one worker with SIGKILL, and wait until another runs in its place."""
    address = PoolAddress(where)
    name, victim = worker_named(worker, pool_status(address))
    saying = Saying(address.name, "kill", name, as_json)
    with address.asked("kill", name) as pending:
        if no_wait:
            if as_json:
                saying.say("", ASKED)
            return 0
        settled(pending.wait(PATIENCE_S), f"nobody answered the request to kill {name}")
    if not as_json:
        click.echo(f"killed {clean(name)} (pid {victim.pid})")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        heir = _in_place_of(victim, pool_status(address).workers)
        if heir is not None:
            text = f"{clean(str(heir.worker))} (pid {heir.pid}) runs in its place"
            saying.say(text, replacement=heir.worker, pid=heir.pid)
            return 0
        pause()
    raise AutohealerError(f"nothing runs in the place of {name} yet", "see `autohealer status`")


def _in_place_of(victim: WorkerRow, workers: list[WorkerRow]) -> WorkerRow | None:
    """Who runs in the slot of the victim now."""
    place = (victim.agent, victim.slot)
    heirs = [worker for worker in workers if (worker.agent, worker.slot) == place and worker.pid is not None]
    return heirs[0] if heirs and heirs[0].worker != victim.worker else None
