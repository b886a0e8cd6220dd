"""What every view reads: how things stood at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from autohealer.core.model import AgentEntry, Instant
from autohealer.core.pool.life import Life
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.lives import Lives
from autohealer.core.pool.slots import Slots


class WorkerView(NamedTuple):
    """One slot of this agent, or (``slot`` None) a life that fills none.

    ``worker``, ``pid`` and ``started`` are None between two lives.
    """

    slot: int | None
    worker: str | None
    pid: int | None
    state: WorkerState
    registered: bool | None
    restarts: int
    started: str | None
    ready: bool = False
    revision: int = 1


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


def worker_views(slots: Slots, lives: Lives, registered: Callable[[str], bool | None]) -> tuple[WorkerView, ...]:
    """Every slot, by number, then every life that has none."""
    views = []
    for slot in sorted(slots, key=lambda slot: slot.index):
        if slot.life is not None:
            views.append(_view(slot.life, registered, restarts=max(0, slot.starts - 1)))
        else:
            restarts = max(0, slot.starts - 1)
            views.append(WorkerView(slot.index, None, None, slot.state, False, restarts, None, False, slot.revision))
    return (*views, *(_view(life, registered, restarts=0) for life in lives if life.slot is None))


def _view(life: Life, registered: Callable[[str], bool | None], restarts: int) -> WorkerView:
    return WorkerView(
        slot=life.slot,
        worker=life.worker,
        pid=life.pid,
        state=life.state,
        registered=registered(life.worker),
        restarts=restarts,
        started=life.started,
        ready=life.ready,
        revision=life.revision,
    )
