"""What there is now: the names that completion offers."""

from __future__ import annotations

from typing import Any

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.where import Where
from autohealer.runtime.state_dir import pools_running


def workers(where: Where) -> list[str]:
    """The slots and ids of the workers that run."""
    found = [worker for worker in _status(where)["workers"] if worker["pid"] is not None]
    slots = [str(worker["slot"]) for worker in found if worker["slot"] is not None]
    return [*dict.fromkeys(slots), *(worker["worker"] for worker in found)]


def agents(where: Where) -> list[str]:
    """The agents of the pool."""
    return [agent["agent"] for agent in _status(where)["agents"]]


def pools(where: Where) -> list[str]:
    """The pools that run on this host."""
    return pools_running(where.state_dir)


def _status(where: Where) -> dict[str, Any]:
    return pool_status(PoolAddress(where))
