"""What there is now: the names that completion offers."""

from __future__ import annotations

import os
from contextlib import suppress

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.where import Where
from autohealer.cli.zk.session import reach
from autohealer.coordination.explorer.requests import Nodes
from autohealer.runtime.state_dir import pools_running
from autohealer.views.status import Status

ANSWER_S = 2.0
"""Who presses Tab does not wait for long."""


def workers(where: Where) -> list[str]:
    """The slots and ids of the workers that run."""
    found = [worker for worker in _status(where).workers if worker.pid is not None]
    slots = [str(worker.slot) for worker in found if worker.slot is not None]
    return [*dict.fromkeys(slots), *(str(worker.worker) for worker in found)]


def agents(where: Where) -> list[str]:
    """The agents of the pool."""
    return [agent.agent for agent in _status(where).agents]


def pools(where: Where) -> list[str]:
    """The pools that run on this host."""
    return pools_running(where.state_dir)


def nodes(where: Where, typed: str) -> list[str]:
    """The children of the node that was typed up to its last slash, with their paths."""
    parent = typed.rpartition("/")[0]
    hosts, access = reach(where)
    with Nodes(hosts, ANSWER_S, access) as found:
        names, _ = found.children(parent or "/")
    return [f"{parent}/{name}" for name in sorted(names)]


def programs(typed: str) -> list[str]:
    """What can be executed by a name that begins so."""
    found = set()
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        with suppress(OSError), os.scandir(directory or ".") as entries:
            found |= {entry.name for entry in entries if entry.name.startswith(typed) and os.access(entry, os.X_OK)}
    return sorted(found)


def _status(where: Where) -> Status:
    return pool_status(PoolAddress(where))
