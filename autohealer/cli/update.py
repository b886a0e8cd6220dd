"""``autohealer update``."""

from __future__ import annotations

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.rollout import Manner, roll_out
from autohealer.cli.support.where import Where
from autohealer.errors import UsageError


class UpdateArguments(Manner, frozen=True):
    """What is typed after ``autohealer update``."""

    command: tuple[str, ...]


def run(where: Where, given: UpdateArguments) -> int:
    """Replace all workers of this host's agent by workers of another command."""
    if not given.command:
        raise UsageError("there is no command to change to", "write it after --, as in: autohealer update -- ./serve-2")
    return roll_out(PoolAddress(where), "update", given, command=given.command)
