"""The status of a pool, made of what one agent knows, or of what stands in ZooKeeper.

An agent imports it when it is asked for the first time: its workers are started without.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from autohealer.views.status import AgentRow, Finished, RolloutRow, Status, WorkerRow

if TYPE_CHECKING:
    from autohealer.core.model import AgentEntry, Plan, RolloutView
    from autohealer.core.pool.snapshot import Snapshot, WorkerView


def status(snapshot: Snapshot, zookeeper: str, host: str) -> Status:
    """What one agent knows: its own workers one by one, the others' by their number."""
    unix_s = time.time()
    return Status(
        pool=snapshot.pool,
        zookeeper=zookeeper,
        connected=snapshot.connected,
        target=snapshot.target,
        running=snapshot.running + sum(_running_elsewhere(snapshot)),
        registered=snapshot.registered,
        foreign=snapshot.foreign,
        leader=snapshot.leader,
        epoch=snapshot.epoch,
        agents=[_agent(agent, entry, snapshot.shares.get(agent)) for agent, entry in sorted(snapshot.agents.items())],
        workers=[
            _worker(worker, snapshot.agent, host, _next_start(worker, snapshot.at, unix_s))
            for worker in snapshot.workers
        ],
        spares=snapshot.spares,
        done=None if snapshot.finished is None else Finished(*snapshot.finished),
        rollout=_rollout(snapshot.rollout),
        held=sorted(snapshot.held),
    )


class PoolNodes(msgspec.Struct, frozen=True):
    """What stands in ZooKeeper of a pool."""

    agents: Mapping[str, AgentEntry | None]
    plan: Plan | None
    target: int | None
    leader: tuple[str | None, int] | None
    """Who leads, and the epoch."""

    registered: Sequence[WorkerRow]
    """What every registration tells; ``worker`` is None in an anonymous one."""

    held: Iterable[str]
    """The senses that are to be held."""


def cluster_status(pool: str, zookeeper: str, nodes: PoolNodes, local: Status | None) -> Status:
    """What ZooKeeper knows, and of one agent's workers what that agent itself says (``local``, its own status)."""
    agents, plan, leader = nodes.agents, nodes.plan, nodes.leader
    own = local.workers if local else []
    told = {row.agent for row in own}
    named = {row.worker: row for row in nodes.registered if row.worker is not None}
    others = [row for row in named.values() if row.agent not in told]
    return Status(
        pool=pool,
        zookeeper=zookeeper,
        connected=True,
        target=nodes.target,
        running=sum(entry.running for entry in agents.values() if entry),
        registered=len(named) + sum(row.worker is None for row in nodes.registered),
        foreign=plan.foreign if plan else None,
        leader=leader[0] if leader else None,
        epoch=leader[1] if leader else None,
        agents=[_agent(agent, entry) for agent, entry in sorted(agents.items())],
        workers=own + sorted(others, key=lambda row: str(row.worker)),
        spares=local.spares if local else None,
        done=local.done if local else None,
        rollout=local.rollout if local else None,
        held=sorted(nodes.held),
        config=local.config if local else None,
    )


def _running_elsewhere(snapshot: Snapshot) -> list[int]:
    """What the others run; of those that nobody has asked, what the plan has them run."""
    others = ((agent, entry) for agent, entry in snapshot.agents.items() if agent != snapshot.agent)
    return [entry.running if entry else snapshot.shares.get(agent, 0) for agent, entry in others]


def _agent(agent: str, entry: AgentEntry | None, planned: int | None = None) -> AgentRow:
    if entry is None:
        return AgentRow(agent, share=planned)
    return AgentRow(agent, entry.host, entry.pid, entry.share, entry.running, entry.draining, entry.http)


def _rollout(view: RolloutView | None) -> RolloutRow | None:
    if view is None:
        return None
    return RolloutRow(view.verb, view.by, view.former, view.revision, view.exchanged, view.of)


def _worker(worker: WorkerView, agent: str, host: str, next_start: str | None) -> WorkerRow:
    return WorkerRow(
        worker=worker.worker,
        agent=agent,
        host=host,
        pid=worker.pid,
        slot=worker.slot,
        state=str(worker.state),
        registered=worker.registered,
        ready=worker.ready,
        restarts=worker.restarts,
        started=worker.started,
        address=worker.address,
        revision=worker.revision,
        cpu=None if worker.cpu is None else round(worker.cpu, 4),
        rss=worker.rss,
        cause=worker.cause,
        held=worker.held,
        next_start=next_start,
    )


def _next_start(worker: WorkerView, at: float, unix_s: float) -> str | None:
    """When a slot that waits may start again, RFC 3339."""
    if worker.next_start is None:
        return None
    moment = datetime.fromtimestamp(unix_s + worker.next_start - at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
