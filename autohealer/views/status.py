"""The pool as JSON, as ``status --json`` and the control socket give it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autohealer.core.model import AgentEntry
    from autohealer.core.snapshot import Snapshot, WorkerView

Json = dict[str, object]


def status(snapshot: Snapshot, zookeeper: str, host: str) -> Json:
    """What one agent knows: its own workers one by one, the others' by their number."""
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
        "agents": [_agent(agent, entry) for agent, entry in sorted(snapshot.agents.items())],
        "workers": [_worker(worker, snapshot.agent, host) for worker in snapshot.workers],
    }


def _running_elsewhere(snapshot: Snapshot) -> list[int]:
    return [entry.running for agent, entry in snapshot.agents.items() if entry and agent != snapshot.agent]


def _agent(agent: str, entry: AgentEntry | None) -> Json:
    return {
        "agent": agent,
        "host": entry.host if entry else None,
        "pid": entry.pid if entry else None,
        "share": entry.share if entry else None,
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
        "restarts": worker.restarts,
        "started": worker.started,
        "address": None,
    }
