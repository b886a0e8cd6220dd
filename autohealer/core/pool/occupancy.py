"""What happens to a life in a slot: it begins, is promoted, does not come to be, or ends; and what the slot becomes.

Which end is followed by a start, and how soon, or makes the slot *done* or *failed*, is decided by ``vacancies``; that
what is wanted and empty is filled is seen to by ``slots``.
"""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core import notices
from autohealer.core.actions import Action, EmitEvent
from autohealer.core.events import OrphansEnded, ProcessExited, SpawnFailed, WorkerSpawned
from autohealer.core.model import Instant, PoolSpec
from autohealer.core.pool.clearing import Clearing
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Ended, Life
from autohealer.core.pool.lives import Lives
from autohealer.core.pool.slot import Slot
from autohealer.core.pool.slots import Slots
from autohealer.core.pool.vacancies import Vacancies


class Occupancy:
    """Takes in what happens to all lives of this agent, those without a slot included."""

    def __init__(
        self,
        spec: PoolSpec,
        slots: Slots,
        lives: Lives,
        *,
        vacancies: Vacancies,
        incidents: Incidents,
        order: Callable[[Action], None],
    ) -> None:
        self._slots, self._lives, self._vacancies, self._incidents = slots, lives, vacancies, incidents
        self._order = order
        self.clearing = Clearing(spec, order)

    def spawned(self, event: WorkerSpawned) -> Life | None:
        """The life that has its process now; None where that is no news."""
        life = self._lives.spawned(event)
        if life is None:
            return None
        slot = self._slots.of(life)
        backoff_ms = self._incidents.started(life, event.at, how="started again")
        heal_ms = None
        if slot is not None:
            slot.starts += 1
            slot.spawn_failures = 0
            heal_ms = _heal_ms(slot, event.at) if backoff_ms is None else None
            slot.died_at = None
        self._tell(notices.WorkerStarted(life.worker, life.pid, life.slot, life.revision, heal_ms, backoff_ms))
        if slot is not None:
            self._slots.reconcile(slot, event.at)
        return life

    def promoted(self, worker: str, now: Instant) -> Life | None:
        """The spare that fills its slot now; None where that is no news."""
        life = self._lives.of(worker)
        slot = None if life is None else self._slots.of(life)
        if life is None or slot is None:
            return None
        slot.starts += 1
        backoff_ms = self._incidents.started(life, now, how="a spare was promoted")
        heal_ms = _heal_ms(slot, now) if backoff_ms is None else None
        slot.died_at = None
        self._tell(notices.WorkerPromoted(life.worker, life.pid, life.slot, life.revision, heal_ms, backoff_ms))
        if life.ready:
            self._incidents.ready(life, now)
        self._slots.reconcile(slot, now)
        return life

    def promotion_failed(self, worker: str, now: Instant) -> None:
        """The spare is gone, or about to be: start a worker instead, at once."""
        life = self._lives.of(worker)
        slot = None if life is None else self._slots.of(life)
        if life is not None and slot is not None:
            self._lives.dismiss(life, now)
            self._slots.vacate(slot)
            if slot.wanted:
                self._slots.start(slot, now)
            else:
                self._slots.reconcile(slot, now)

    def spawn_failed(self, event: SpawnFailed, *, on_trial: bool = False) -> Life | None:
        """Try again later; the life that did not come to be.

        ``on_trial`` as for ``exited``.
        """
        life = self._lives.of(event.worker)
        if life is None or life.pid is not None:
            return None
        slot = self._slots.of(life)
        self._lives.forget(life)
        if slot is None:
            return life
        self._slots.vacate(slot)
        if on_trial and not event.temporary:
            slot.cause, slot.may_start_at = event.error, event.at
            self._slots.leave(slot)
            self._incidents.not_started(life, event)
            return life
        self._vacancies.not_started(slot, event)
        self._slots.reconcile(slot, event.at)
        self._incidents.not_started(life, event)
        self._tell_vacancy(slot, life, event.at, event.error)
        return life

    def exited(self, event: ProcessExited, *, on_trial: bool = False) -> Ended | None:
        """Fill the slot again if it is wanted; how the life ended, or None where the exit is no news.

        ``on_trial``: a rollout judges this life. Its end counts for nothing here, and what comes next in the slot is
        decided by the rollout. ``ended`` must follow.
        """
        end = self._lives.exited(event)
        if end is None:
            return None
        slot = self._slots.of(end.life)
        if slot is not None:
            self._slots.vacate(slot)
            slot.last_exit = end.last_exit
            slot.may_start_at = event.at
            if event.left:
                self.clearing.hold(slot, end)
            if on_trial:
                slot.cause = end.cause
                self._slots.leave(slot)
            else:
                if not end.asked:
                    self._vacancies.died(slot, end)
                self._slots.reconcile(slot, event.at)
        return end

    def ended(self, end: Ended, slot: Slot | None, now: Instant) -> None:
        """Tell of the end, and see to what the life left behind; ``slot`` is the one that it had filled."""
        self._lives.tell_end(end)
        self.clearing.begin(end)
        self._incidents.ended(end, is_replaced=slot is not None and slot.life is not None)
        if slot is not None:
            self._tell_vacancy(slot, end.life, now, end.description)

    def orphans_ended(self, event: OrphansEnded) -> None:
        """Nothing of that worker is left: what its slot waited for is out of the way."""
        index = self.clearing.ended(event)
        slot = None if index is None else self._slots.at(index)
        if slot is not None and slot.waits_for == event.worker:
            slot.waits_for = None
            self._slots.reconcile(slot, event.at)

    # ---- how

    def _tell_vacancy(self, slot: Slot, life: Life, now: Instant, reason: str) -> None:
        self._vacancies.tell(slot, life, now, reason, is_there=self._slots.at(slot.index) is not None)

    def _tell(self, notice: notices.Notice) -> None:
        self._order(EmitEvent(notice))


def _heal_ms(slot: Slot, now: Instant) -> float | None:
    """How long the slot has been empty; None where no death or verdict emptied it."""
    return None if slot.died_at is None else round((now - slot.died_at) * 1000, 3)
