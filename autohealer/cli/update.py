"""``autohealer update``."""

from __future__ import annotations

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.rollout import Manner, roll_out
from autohealer.cli.support.where import Where
from autohealer.errors import UsageError


def run(
    where: Where,
    soak: float | None,
    parallel: str | None,
    command: tuple[str, ...],
    *,
    force: bool,
    no_wait: bool,
    as_json: bool,
) -> int:
    """Exchange all workers of this host's agent for workers of another command."""
    if not command:
        raise UsageError("there is no command to change to", "write it after --, as in: autohealer update -- ./serve-2")
    return roll_out(PoolAddress(where), "update", Manner(soak, parallel, force, no_wait, as_json), command=command)
