"""``autohealer restart``."""

from __future__ import annotations

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status, worker_named
from autohealer.cli.support.rollout import Manner, roll_out
from autohealer.cli.support.where import Where


def run(
    where: Where,
    worker: str | None,
    soak: float | None,
    parallel: str | None,
    *,
    force: bool,
    no_wait: bool,
    as_json: bool,
) -> int:
    """Exchange all workers, or one, for new ones of the same revision."""
    address = PoolAddress(where)
    subject = "" if worker is None else worker_named(worker, pool_status(address)["workers"])["worker"]
    return roll_out(address, "restart", Manner(soak, parallel, force, no_wait, as_json), subject=subject)
