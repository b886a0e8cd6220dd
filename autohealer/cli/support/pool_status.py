"""The status of a whole pool, from whoever knows it: the agent here, or ZooKeeper."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from autohealer.core.model import WorkerId
from autohealer.errors import UnreachableError, UsageError
from autohealer.views.status import Status, WorkerRow
from autohealer.views.status_of import PoolNodes, cluster_status

if TYPE_CHECKING:
    from autohealer.cli.support.pool import PoolAddress
    from autohealer.coordination.admin.pool_client import PoolClient, Registered


def pool_status(address: PoolAddress, session: Callable[[], PoolClient] | None = None) -> Status:
    """The status of the whole pool: from the agent here, if it is the only one, and else from ZooKeeper as well.

    ``session`` is for those who ask again and again, and keep one.
    """
    local = address.status()
    if local is not None and (len(local.agents) == 1 or not local.connected):
        return local
    try:
        with nullcontext(session()) if session is not None else address.console() as console:
            return of_cluster(address.name, console, local)
    except UnreachableError:
        # It went away this moment, and the agent had not noticed yet.
        if local is None or (now := address.status()) is None or now.connected:
            raise
        return now


def of_cluster(pool: str, console: PoolClient, local: Status | None) -> Status:
    """The status of all agents: what ZooKeeper knows, and what the agent here says of its own (``local``)."""
    leader = console.leader()
    nodes = PoolNodes(
        agents=console.agents(),
        plan=console.plan(),
        target=console.target(),
        leader=(leader.agent, leader.epoch) if leader else None,
        registered=[_row(worker) for worker in console.workers()],
        held=console.held(),
    )
    return cluster_status(pool, console.hosts, nodes, local)


def _row(registered: Registered) -> WorkerRow:
    """A worker of which only its registration is known; that one stands. Whose it is, its id knows best."""
    identity, entry = WorkerId.parse(registered.worker) if registered.worker else None, registered.entry
    return WorkerRow(
        worker=registered.worker,
        agent=identity.agent if identity else entry.agent,
        host=entry.host,
        pid=entry.pid,
        slot=entry.slot,
        state="running",
        registered=True,
        started=entry.started,
        address=entry.address,
    )


def worker_named(name: str, status: Status) -> tuple[str, WorkerRow]:
    """The id and the row of the living worker of this id or slot."""
    alive = [(row.worker, row) for row in status.workers if row.pid is not None and row.worker is not None]
    matches = [found for found in alive if name in (found[0], str(found[1].slot))]
    if not matches:
        raise UsageError(f"there is no worker {name}", "see `autohealer status` for those that there are")
    if len(matches) > 1:
        names = ", ".join(worker for worker, _ in matches)
        raise UsageError(f"several workers have slot {name}", f"name one of: {names}")
    return matches[0]
