"""``autohealer stop``."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autohealer.cli.follow import pause
from autohealer.cli.options import no_wait, option, where
from autohealer.cli.pool import PoolAddress
from autohealer.cli.types import Duration, SignalNumber
from autohealer.errors import UnreachableError

if TYPE_CHECKING:
    from autohealer.runtime.ledger import Ledger

EXPIRES_S = 60.0


@click.command(short_help="Stop all workers of the pool, and its agents.")
@where
@option("--stop-signal", type=SignalNumber(), default="TERM", help="For workers whose agent is gone.")
@option("--stop-timeout", type=Duration(), default=10.0, help="How long those have before SIGKILL.")
@no_wait
def command(
    zk: str | None,
    pool: str | None,
    state_dir: Path | None,
    stop_signal: int,
    stop_timeout: float,
    no_wait: bool,
) -> int:
    r"""Stop all workers of the pool, and its agents, on every host.

    \b
      autohealer stop

    Where no agent runs any more, the workers that it left on this host are stopped.
    """
    address = PoolAddress(zk, pool, state_dir)
    try:
        with address.console() as console:
            console.request("stop", "", time.time() + EXPIRES_S)
            while not no_wait and console.agents():
                pause()
    except UnreachableError:
        if address.runs_here:
            raise
        if not _stop_left(address, stop_signal, stop_timeout):
            raise
        return 0
    while not no_wait and address.runs_here:
        pause()
    click.echo(f"pool {address.name} is {'asked to stop' if no_wait else 'stopped'}")
    return 0


def _stop_left(address: PoolAddress, stop_signal: int, stop_timeout: float) -> bool:
    """End the workers whose agent is gone; False where there are none."""
    from autohealer.processes.adoption import find_workers  # noqa: PLC0415 - only where it is needed
    from autohealer.processes.ending import end_workers  # noqa: PLC0415

    ledger = address.ledger()
    if ledger is None:
        return False
    address.state.lock()
    try:
        found = find_workers(ledger.facts.agent, list(_of_this_boot(ledger)), address.name)
        living = {worker.worker for worker in found}
        dead = [(entry.worker, entry.pid) for entry in _of_this_boot(ledger) if entry.worker not in living]
        if not found and not dead:
            return False
        end_workers(found, dead, stop_signal=stop_signal, stop_timeout_s=stop_timeout)
        _close(address, ledger)
    finally:
        address.state.unlock()
    click.echo(f"stopped {len(found)} workers that their agent had left")
    return True
