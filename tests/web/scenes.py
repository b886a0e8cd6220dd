"""An agent as it could be seen."""

from __future__ import annotations

from autohealer.core.model import AgentEntry
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.snapshot import Snapshot, WorkerView


def worker(slot: int, state: WorkerState = WorkerState.RUNNING) -> WorkerView:
    """A worker in this slot."""
    return WorkerView(slot, f"me-{slot}-a", 100 + slot, state, True, 0, "2026-01-01T00:00:00Z")


SNAPSHOT = Snapshot(
    at=100.0,
    pool="default",
    agent="me",
    connected=True,
    away_since=None,
    target=5,
    share=3,
    running=3,
    registered=3,
    foreign=0,
    leader="me",
    epoch=7,
    draining=False,
    agents={"me": AgentEntry("h", 1, "1", share=3, running=3), "other": None},
    workers=(worker(0), worker(1), worker(2)),
)
