"""``autohealer undo``."""

from __future__ import annotations

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.rollout import Manner, roll_out
from autohealer.cli.support.where import Where


def run(where: Where, soak: float | None, parallel: str | None, *, force: bool, no_wait: bool, as_json: bool) -> int:
    """Exchange all workers for workers of the revision before the present one."""
    return roll_out(PoolAddress(where), "undo", Manner(soak, parallel, force, no_wait, as_json))
