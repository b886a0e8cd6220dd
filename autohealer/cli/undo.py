"""``autohealer undo``."""

from __future__ import annotations

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.rollout import Manner, roll_out
from autohealer.cli.support.where import Where


def run(where: Where, given: Manner) -> int:
    """Replace all workers by workers of the revision before the present one."""
    return roll_out(PoolAddress(where), "undo", given)
