"""``autohealer restart``."""

from __future__ import annotations

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status, worker_named
from autohealer.cli.support.rollout import Manner, roll_out
from autohealer.cli.support.where import Where


class RestartArguments(Manner, frozen=True):
    """What is typed after ``autohealer restart``."""

    worker: str | None


def run(where: Where, given: RestartArguments) -> int:
    """Replace all workers, or one, by new ones of the same revision."""
    address = PoolAddress(where)
    subject = "" if given.worker is None else worker_named(given.worker, pool_status(address))[0]
    return roll_out(address, "restart", given, subject=subject)
