"""``autohealer drain``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.file_tail import PAUSE_S
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.progress import Progress
from autohealer.cli.support.where import Where
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient

EXPIRES_S = 600.0


def run(where: Where, agent: str | None, *, undo: bool, no_wait: bool) -> int:
    """Empty an agent, the one on this host if none is named, and wait until its workers are gone."""
    address = PoolAddress(where)
    with address.console() as console:
        present = console.agents()
        name = agent or _own(address)
        if name not in present:
            raise UsageError(f"there is no agent {name}", f"name one of: {', '.join(sorted(present))}")
        request = console.request("undrain" if undo else "drain", name, time.time() + EXPIRES_S)
        if not no_wait and _is_answered(console, request, name):
            click.echo(f"agent {name} {'may have workers again' if undo else 'is empty'}")
    return 0


def _is_answered(console: PoolClient, request: str, agent: str) -> bool:
    """Wait until the agent has done it; False where it has gone instead."""
    total = 0
    with Progress("handed over") as progress:
        while agent in (agents := console.agents()):
            running = entry.running if (entry := agents[agent]) else 0
            total = max(total, running)
            progress(total - running, total)
            if console.wait_answered(request, PAUSE_S):
                return True
    return False


def _own(address: PoolAddress) -> str:
    ledger = address.ledger() if address.runs_here else None
    if ledger is None:
        raise UsageError("no agent runs on this host", "name one; see `autohealer status`")
    return ledger.facts.agent
