"""The pool as JSON, as ``status --json`` and the control socket give it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from autohealer.core.model import AgentEntry, Plan, RolloutView
    from autohealer.core.pool.snapshot import Snapshot, WorkerView

Json = dict[str, object]


POOL_WIDE = ("spares", "done", "rollout", "held", "config")
"""What only an agent of the pool can say of it; None where none was asked."""


def status(snapshot: Snapshot, zookeeper: str, host: str) -> Json:
    """What one agent knows: its own workers one by one, the others' by their number."""
    finished = snapshot.finished
    unix_s = time.time()
    return {
        "pool": snapshot.pool,
        "zookeeper": zookeeper,
        "connected": snapshot.connected,
        "target": snapshot.target,
        "running": snapshot.running + sum(_running_elsewhere(snapshot)),
        "registered": snapshot.registered,
        "foreign": snapshot.foreign,
        "leader": snapshot.leader,
        "epoch": snapshot.epoch,
        "agents": [
            _agent(agent, entry, snapshot.shares.get(agent)) for agent, entry in sorted(snapshot.agents.items())
        ],
        "workers": [
            {**_worker(worker, snapshot.agent, host), "next_start": _next_start(worker, snapshot.at, unix_s)}
            for worker in snapshot.workers
        ],
        "spares": snapshot.spares,
        "done": None if finished is None else {"done": finished[0], "failed": finished[1]},
        "rollout": _rollout(snapshot.rollout),
        "held": sorted(snapshot.held),
        "config": None,
    }


def _rollout(view: RolloutView | None) -> Json | None:
    if view is None:
        return None
    counts = {"from": view.former, "to": view.revision, "exchanged": view.exchanged, "of": view.of}
    return {"verb": view.verb, "by": view.by, **counts}


def is_below(found: Mapping[str, Any]) -> bool:
    """Whether fewer workers run, or have ended for good, than the pool is to have."""
    done = found.get("done") or {"done": 0, "failed": 0}
    accounted = found["running"] + done["done"] + done["failed"] + (found["foreign"] or 0)
    return bool(accounted < (found["target"] or 0))


def row_key(agent: str | None, slot: int | None, worker: str | None) -> str:
    """What stays the same of a row over the lives in it: the agent's slot; of spares and surges, the worker's id."""
    return str(worker) if slot is None else f"{agent}/{slot}"


class PoolNodes(msgspec.Struct, frozen=True):
    """What stands in ZooKeeper of a pool."""

    agents: Mapping[str, AgentEntry | None]
    plan: Plan | None
    target: int | None
    leader: tuple[str | None, int] | None
    """Who leads, and the epoch."""

    registered: Sequence[Json]
    """The fields of every registration; ``worker`` is None in an anonymous one."""

    held: Iterable[str]
    """The senses that are to be held."""


def cluster_status(pool: str, zookeeper: str, nodes: PoolNodes, local: Json | None) -> Json:
    """What ZooKeeper knows, and of one agent's workers what that agent itself says (``local``, its own status)."""
    agents, plan, leader, registered = nodes.agents, nodes.plan, nodes.leader, nodes.registered
    mine = local["workers"] if local else []
    own: list[Json] = mine if isinstance(mine, list) else []
    told = {worker["agent"] for worker in own}
    named = {worker["worker"]: worker for worker in registered if worker["worker"] is not None}
    others = [_registered(worker) for worker in named.values() if worker["agent"] not in told]
    return {
        "pool": pool,
        "zookeeper": zookeeper,
        "connected": True,
        "target": nodes.target,
        "running": sum(entry.running for entry in agents.values() if entry),
        "registered": len(named) + sum(worker["worker"] is None for worker in registered),
        "foreign": plan.foreign if plan else None,
        "leader": leader[0] if leader else None,
        "epoch": leader[1] if leader else None,
        "agents": [_agent(agent, entry) for agent, entry in sorted(agents.items())],
        "workers": own + sorted(others, key=lambda worker: str(worker["worker"])),
        **{name: local.get(name) if local else None for name in POOL_WIDE},
        "held": sorted(nodes.held),
    }


def _registered(worker: Json) -> Json:
    """A worker of which only its registration is known; that one stands."""
    known = {name: worker.get(name) for name in ("worker", "agent", "host", "pid", "slot")}
    times = {"restarts": None, "started": worker.get("started"), "address": worker.get("address")}
    unknown = dict.fromkeys(("revision", "cpu", "rss", "cause", "held", "next_start"))
    return {**known, "state": "running", "registered": True, "ready": None, **times, **unknown}


def _running_elsewhere(snapshot: Snapshot) -> list[int]:
    """What the others run; of those that nobody has asked, what the plan has them run."""
    others = ((agent, entry) for agent, entry in snapshot.agents.items() if agent != snapshot.agent)
    return [entry.running if entry else snapshot.shares.get(agent, 0) for agent, entry in others]


def _agent(agent: str, entry: AgentEntry | None, planned: int | None = None) -> Json:
    return {
        "agent": agent,
        "host": entry.host if entry else None,
        "pid": entry.pid if entry else None,
        "share": entry.share if entry else planned,
        "running": entry.running if entry else None,
        "draining": entry.draining if entry else None,
        "http": entry.http if entry else None,
    }


def _worker(worker: WorkerView, agent: str, host: str) -> Json:
    return {
        "worker": worker.worker,
        "agent": agent,
        "host": host,
        "pid": worker.pid,
        "slot": worker.slot,
        "state": str(worker.state),
        "registered": worker.registered,
        "ready": worker.ready,
        "restarts": worker.restarts,
        "started": worker.started,
        "address": worker.address,
        "revision": worker.revision,
        "cpu": None if worker.cpu is None else round(worker.cpu, 4),
        "rss": worker.rss,
        "cause": worker.cause,
        "held": worker.held,
    }


def _next_start(worker: WorkerView, at: float, unix_s: float) -> str | None:
    """When a slot that waits may start again, RFC 3339."""
    if worker.next_start is None:
        return None
    moment = datetime.fromtimestamp(unix_s + worker.next_start - at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
