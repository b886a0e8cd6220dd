"""A pool as the dashboard shows it, whoever told: the agent in this process, or a status that another one gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from autohealer.core.pool.snapshot import Snapshot


Usage = tuple[float | None, int]
"""What a process takes: a fraction of one core, if it is known yet, and bytes of memory."""


class Row(NamedTuple):
    """A worker, or a slot between two lives."""

    agent: str | None
    host: str | None
    slot: int | None
    worker: str | None
    pid: int | None
    state: str
    registered: bool | None
    restarts: int | None
    started: str | None

    @property
    def place(self) -> tuple[str | None, int | None, str | None]:
        """What stays the same from one life to the next; a worker without a slot is its own place."""
        return self.agent, self.slot, self.worker if self.slot is None else None


class AgentRow(NamedTuple):
    """An agent as it describes itself."""

    agent: str
    host: str | None
    pid: int | None
    share: int | None
    running: int | None
    draining: bool | None


@dataclass(frozen=True, slots=True)
class PoolView:
    """How things stand. ``here`` is the agent on this host; ``away_s`` how long ZooKeeper has been away."""

    pool: str
    zookeeper: str
    connected: bool
    away_s: float | None
    target: int | None
    running: int
    registered: int | None
    foreign: int | None
    leader: str | None
    epoch: int | None
    here: str | None
    draining: bool
    agents: tuple[AgentRow, ...]
    rows: tuple[Row, ...]

    def states(self) -> Counter[str]:
        """How many rows are in each state."""
        found: Counter[str] = Counter()
        for state, neighbours in groupby([row.state for row in self.rows]):  # a hash of an enum's member takes long
            found[state] += len(list(neighbours))
        return found


def of_snapshot(snapshot: Snapshot, zookeeper: str, host: str) -> PoolView:
    """What the agent in this process knows: its own workers one by one, the others' by their number."""
    me = snapshot.agent
    agents = tuple(
        AgentRow(name, entry.host, entry.pid, entry.share, entry.running, entry.draining)
        if entry
        else AgentRow(name, None, None, snapshot.shares.get(name), None, None)
        for name, entry in sorted(snapshot.agents.items())
    )
    others = (agent for agent in agents if agent.agent != me)
    # Of those that nobody has asked yet: what the plan has them run.
    elsewhere = sum((agent.share if agent.running is None else agent.running) or 0 for agent in others)
    return PoolView(
        pool=snapshot.pool,
        zookeeper=zookeeper,
        connected=snapshot.connected,
        away_s=None if snapshot.away_since is None else max(0.0, snapshot.at - snapshot.away_since),
        target=snapshot.target,
        running=snapshot.running + elsewhere,
        # Of the others' registrations an agent knows nothing.
        registered=snapshot.registered if len(agents) == 1 else None,
        foreign=snapshot.foreign,
        leader=snapshot.leader,
        epoch=snapshot.epoch,
        here=me,
        draining=snapshot.draining,
        agents=agents,
        rows=tuple(
            Row(me, host, w.slot, w.worker, w.pid, w.state, w.registered, w.restarts, w.started)
            for w in snapshot.workers
        ),
    )


def of_status(status: Mapping[str, Any], here: str | None, away_s: float | None = None) -> PoolView:
    """What ``status --json`` has; ``here`` is the agent on this host, which knows how long ZooKeeper is away."""
    agents = tuple(
        AgentRow(a["agent"], a["host"], a["pid"], a["share"], a["running"], a["draining"]) for a in status["agents"]
    )
    rows = (
        Row(w["agent"], w["host"], _slot(w), w["worker"], w["pid"], str(w["state"]), w["registered"], w["restarts"],
            w["started"])
        for w in status["workers"]
    )  # fmt: skip
    return PoolView(
        pool=status["pool"],
        zookeeper=status["zookeeper"],
        connected=status["connected"],
        away_s=away_s,
        target=status["target"],
        running=status["running"],
        registered=status["registered"],
        foreign=status["foreign"],
        leader=status["leader"],
        epoch=status["epoch"],
        here=here,
        draining=any(agent.draining for agent in agents if agent.agent == here),
        agents=agents,
        rows=tuple(sorted(rows, key=lambda row: (row.agent or "", -1 if row.slot is None else row.slot))),
    )


def _slot(worker: Mapping[str, Any]) -> int | None:
    return worker["slot"] if isinstance(worker["slot"], int) else None
