"""The status of a whole pool, from whoever knows it: the agent here, or ZooKeeper."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from autohealer.core.model import WorkerId
from autohealer.errors import UnreachableError, UsageError
from autohealer.views.status import PoolNodes, cluster_status

if TYPE_CHECKING:
    from autohealer.cli.support.pool import PoolAddress
    from autohealer.coordination.admin.pool_client import PoolClient, Registered


def pool_status(address: PoolAddress, session: Callable[[], PoolClient] | None = None) -> dict[str, Any]:
    """The status of the whole pool: from the agent here, if it is the only one, and else from ZooKeeper as well.

    ``session`` is for those who ask again and again, and keep one.
    """
    local: dict[str, Any] | None = address.ask("status")
    if local is not None and (len(local["agents"]) == 1 or not local["connected"]):
        return local
    try:
        with nullcontext(session()) if session is not None else address.console() as console:
            return of_cluster(address.name, console, local)
    except UnreachableError:
        # It went away this moment, and the agent had not noticed yet.
        if local is None or (now := address.ask("status")) is None or now["connected"]:
            raise
        return dict(now)


def of_cluster(pool: str, console: PoolClient, local: dict[str, Any] | None) -> dict[str, Any]:
    """The status of all agents: what ZooKeeper knows, and what the agent here says of its own (``local``)."""
    leader = console.leader()
    nodes = PoolNodes(
        agents=console.agents(),
        plan=console.plan(),
        target=console.target(),
        leader=(leader.agent, leader.epoch) if leader else None,
        registered=[_fields(worker) for worker in console.workers()],
        held=console.held(),
    )
    return cluster_status(pool, console.hosts, nodes, local)


def _fields(registered: Registered) -> dict[str, Any]:
    """What a registration tells; whose a worker is, its id knows best."""
    identity = WorkerId.parse(registered.worker) if registered.worker else None
    agent = identity.agent if identity else registered.entry.agent
    return {**asdict(registered.entry), "worker": registered.worker, "agent": agent}


def worker_named(name: str, workers: list[dict[str, Any]]) -> dict[str, Any]:
    """The living worker of this id or slot."""
    alive = [worker for worker in workers if worker["pid"] is not None]
    matches = [worker for worker in alive if name in (worker["worker"], str(worker["slot"]))]
    if not matches:
        raise UsageError(f"there is no worker {name}", "see `autohealer status` for those that there are")
    if len(matches) > 1:
        names = ", ".join(worker["worker"] for worker in matches)
        raise UsageError(f"several workers have slot {name}", f"name one of: {names}")
    return matches[0]
