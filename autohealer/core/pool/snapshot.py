"""What every view reads: how things stood at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from autohealer.core.model import AgentEntry, Instant
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.slots import Slot


class WorkerView(NamedTuple):
    """One slot of this agent; ``worker``, ``pid`` and ``started`` are None between two lives."""

    slot: int
    worker: str | None
    pid: int | None
    state: WorkerState
    registered: bool | None
    restarts: int
    started: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The pool as this agent knows it; what it cannot know is None.

    What other agents say of themselves is known to a leader, and to an agent that is looked at; ``shares`` to all.
    """

    at: Instant
    pool: str
    agent: str
    connected: bool
    away_since: Instant | None
    target: int | None
    share: int | None
    running: int
    registered: int
    foreign: int | None
    leader: str | None
    epoch: int | None
    draining: bool
    agents: Mapping[str, AgentEntry | None]
    workers: tuple[WorkerView, ...]
    shares: Mapping[str, int] = field(default_factory=dict)


def worker_views(slots: Iterable[Slot], registered: Callable[[str], bool | None]) -> tuple[WorkerView, ...]:
    """Every slot, by number."""
    return tuple(
        WorkerView(
            slot=slot.index,
            worker=slot.worker,
            pid=slot.pid,
            state=slot.state,
            registered=registered(slot.worker) if slot.worker else False,
            restarts=max(0, slot.starts - 1),
            started=slot.started,
        )
        for slot in sorted(slots, key=lambda slot: slot.index)
    )
