"""``autohealer kill``."""

from __future__ import annotations

import time
from typing import Any

import click

from autohealer.cli.support.asking import settled
from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.where import Where
from autohealer.errors import AutohealerError, UsageError
from autohealer.views.lines import clean

PATIENCE_S = 60.0


def run(where: Where, worker: str, *, no_wait: bool) -> int:
    """Kill one worker with SIGKILL, and wait until another runs in its place."""
    address = PoolAddress(where)
    victim = _find(pool_status(address)["workers"], worker)
    with address.asked("kill", victim["worker"]) as pending:
        if no_wait:
            return 0
        settled(pending.wait(PATIENCE_S), f"nobody answered the request to kill {victim['worker']}")
    click.echo(f"killed {clean(victim['worker'])} (pid {victim['pid']})")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        replacement = _in_place_of(victim, pool_status(address)["workers"])
        if replacement is not None:
            click.echo(f"{clean(replacement['worker'])} (pid {replacement['pid']}) runs in its place")
            return 0
        pause()
    raise AutohealerError(f"nothing runs in the place of {victim['worker']} yet", "see `autohealer status`")


def _find(workers: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The living worker of this id or slot."""
    alive = [worker for worker in workers if worker["pid"] is not None]
    matches = [worker for worker in alive if name in (worker["worker"], str(worker["slot"]))]
    if not matches:
        raise UsageError(f"there is no worker {name}", "see `autohealer status` for those that there are")
    if len(matches) > 1:
        names = ", ".join(worker["worker"] for worker in matches)
        raise UsageError(f"several workers have slot {name}", f"name one of: {names}")
    return matches[0]


def _in_place_of(victim: dict[str, Any], workers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Who runs in the slot of the victim now."""
    place = (victim["agent"], victim["slot"])
    heirs = [worker for worker in workers if (worker["agent"], worker["slot"]) == place and worker["pid"] is not None]
    return heirs[0] if heirs and heirs[0]["worker"] != victim["worker"] else None
