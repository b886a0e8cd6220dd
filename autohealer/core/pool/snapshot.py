"""What every view reads: how things stood at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from autohealer.core.model import AgentEntry, Instant, RolloutView
from autohealer.core.pool.life import Life
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.lives import Lives
from autohealer.core.pool.slot import Slot
from autohealer.core.pool.slots import Slots

# A sample that is older says nothing of now: nobody has looked for a while.
SAMPLE_LASTS_S = 15.0


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
    cause: str | None = None
    """What ended the slot's last life: ``exit 1``, ``SIGKILL``, or a sense."""
    next_start: Instant | None = None
    """When the next life may start, while the slot waits."""
    held: str | None = None
    """The sense whose verdict on it is not carried out."""
    cpu: float | None = None
    """The part of a core that it uses; None, as ``rss`` is, where nobody has looked lately."""
    rss: int | None = None
    cpu_s: float | None = None
    """CPU seconds since it started, of it and all that it has started."""
    address: str | None = None
    """Where it is reached."""


class Snapshot(msgspec.Struct, frozen=True):
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
    shares: Mapping[str, int] = msgspec.field(default_factory=dict)
    ready: int = 0
    """How many of this agent's workers that fill a slot are ready."""
    spares: int | None = None
    """How many spares wait; None where none are asked for."""
    finished: tuple[int, int] | None = None
    """How many slots are done, and how many failed; None where workers do not finish."""
    held: frozenset[str] = frozenset()
    """The senses whose verdicts somebody asked not to be carried out."""
    rollout: RolloutView | None = None


def worker_views(
    slots: Slots, lives: Lives, registered: Callable[[str], bool | None], now: Instant
) -> tuple[WorkerView, ...]:
    """Every slot, by number, then every life that has none."""
    views = [_slot_view(slot, registered, now) for slot in sorted(slots, key=lambda slot: slot.index)]
    return (*views, *(_life_view(life, registered, now) for life in lives if life.slot is None))


def _slot_view(slot: Slot, registered: Callable[[str], bool | None], now: Instant) -> WorkerView:
    restarts = max(0, slot.starts - 1)
    if slot.life is not None:
        return _life_view(slot.life, registered, now, restarts=restarts, cause=slot.cause)
    waits = slot.vacancy is WorkerState.BACKOFF
    return WorkerView(
        slot=slot.index,
        worker=None,
        pid=None,
        state=slot.state,
        registered=False,
        restarts=restarts,
        started=None,
        revision=slot.revision,
        cause=slot.cause,
        next_start=slot.may_start_at if waits else None,
    )


def _life_view(
    life: Life, registered: Callable[[str], bool | None], now: Instant, *, restarts: int = 0, cause: str | None = None
) -> WorkerView:
    fresh = now - life.sampled_at <= SAMPLE_LASTS_S
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
        cause=cause,
        held=str(life.held.sense) if life.held else None,
        cpu=life.cpu if fresh else None,
        rss=life.rss if fresh else None,
        cpu_s=life.cpu_s if fresh else None,
        address=life.address,
    )
