"""The agent's part: the slots that are wanted against the lives that are there.

A slot that is wanted and empty gets a life as soon as its backoff allows; one that is not wanted any more has its life
stopped. What is compared here is how things stand; what happens to a life in a slot comes in by ``occupancy``. Nothing
here waits for ZooKeeper.

What a rollout needs is under "for rollouts": another revision for a slot, and numbers that its surges have. Which
lives there are, of which revision each is, and since when each is ready, is in ``lives``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autohealer.core.deadlines import Deadlines
from autohealer.core.events import FinishedFound, WorkerFound
from autohealer.core.model import Instant
from autohealer.core.pool.finishing import Over
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life, Role
from autohealer.core.pool.lifecycle import Trigger, WorkerState, advance
from autohealer.core.pool.lives import Lives, Start
from autohealer.core.pool.slot import Slot
from autohealer.core.pool.vacancies import Vacancies


class Slots:
    """All slots of this agent, by number.

    ``revision``: what lives of new slots are started from. ``take_spare`` gives a spare of a revision that can be
    promoted, if there is one.
    """

    def __init__(
        self,
        lives: Lives,
        vacancies: Vacancies,
        incidents: Incidents,
        revision: int = 1,
        *,
        take_spare: Callable[[int], Life | None] = lambda _: None,
    ) -> None:
        self._lives, self._vacancies, self._incidents = lives, vacancies, incidents
        self._finishing = vacancies.finishing
        self._take_spare = take_spare
        self.revision = revision
        self._slots: dict[int, Slot] = {}
        self._deadlines: Deadlines[int] = Deadlines()
        self._wanted: int | None = None
        self._reserved: set[int] = set()
        self._left: set[int] = set()

    # ---- what can be asked

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    def at(self, index: int) -> Slot | None:
        """The slot with this number."""
        return self._slots.get(index)

    def of(self, life: Life) -> Slot | None:
        """The slot that this life fills."""
        return None if life.slot is None else self._slots.get(life.slot)

    @property
    def finished(self) -> tuple[int, int]:
        """How many of the slots that are wanted are done, and how many failed."""
        return self._finishing.count(self._wanted or 0)

    @property
    def over(self) -> Over | None:
        """Whether that is the end of this pool."""
        return self._finishing.over(self._wanted or 0)

    @property
    def is_unwanted(self) -> bool:
        """Whether nothing at all is wanted."""
        return self._wanted == 0

    def next_deadline(self) -> Instant | None:
        """When ``expire`` is to be called next."""
        return self._deadlines.next()

    # ---- what is wanted

    def want(self, share: int | None, now: Instant) -> None:
        """Run so many workers, in the slots from 0 up; None: keep those that run, start none."""
        if share == self._wanted:
            return
        self._wanted = share
        for index in range(share or 0):
            if index not in self._slots:
                self._add(index)
        # The surplus goes from the highest slot down.
        for slot in sorted(self._slots.values(), key=lambda slot: -slot.index if slot.wanted else slot.index):
            slot.wanted = slot.life is not None if share is None else slot.index < share
            self.reconcile(slot, now)
        if share is not None:
            for life in self._lives.with_role(Role.EXTRA):
                self._lives.stop(life, now)

    def kill_all(self, now: Instant) -> None:
        """Be done at once with every process."""
        self._wanted = 0
        self._lives.kill_all(now)
        for slot in list(self._slots.values()):
            slot.wanted = False
            self.reconcile(slot, now)

    def expire(self, now: Instant) -> None:
        """Do what the time has come for."""
        for index in self._deadlines.due(now):
            self.reconcile(self._slots[index], now)

    # ---- for rollouts

    def replace(self, index: int, revision: int, now: Instant) -> None:
        """The slot is of this revision from now on: its life is stopped, and the next one started.

        A slot that waits in backoff is tried at once. That is no death, and no heal.
        """
        slot = self._slots[index]
        slot.revision = revision
        slot.restarts = self._vacancies.account()
        slot.may_start_at, slot.spawn_failures = now, 0
        if slot.life is not None:
            self._lives.stop(slot.life, now)
        self.reconcile(slot, now)

    def retry(self, index: int, revision: int, now: Instant) -> None:
        """Start the next life of an empty slot without backoff, unless it waits for want of resources."""
        slot = self._slots[index]
        slot.revision = revision
        if slot.life is None and not slot.spawn_failures:
            slot.may_start_at = now
        self.reconcile(slot, now)

    def reserve(self, number: int) -> None:
        """A life beside the slots has this number: a slot of the same number is not started meanwhile."""
        self._reserved.add(number)

    def release(self, number: int, now: Instant) -> None:
        """That life is gone."""
        self._reserved.discard(number)
        if (slot := self._slots.get(number)) is not None:
            self.reconcile(slot, now)

    def are_of(self, revision_of: Callable[[int], int]) -> None:
        """From which revision the next life of each slot is started."""
        for slot in self._slots.values():
            slot.revision = revision_of(slot.index)

    def leave(self, slot: Slot) -> None:
        """It is empty, and stays so until a rollout has decided what comes next."""
        self._left.add(slot.index)

    def fill_left(self, now: Instant) -> None:
        """That has been decided of all of them."""
        for index in self._left:
            if (slot := self._slots.get(index)) is not None:
                self.reconcile(slot, now)
        self._left.clear()

    def reset_backoff(self, now: Instant) -> None:
        """Every slot has all its restarts again, and those that wait are tried at once."""
        for slot in list(self._slots.values()):
            slot.restarts = self._vacancies.account()
            slot.may_start_at, slot.spawn_failures = min(slot.may_start_at, now), 0
            self.reconcile(slot, now)

    # ---- this agent's former life

    def restore(self, event: FinishedFound) -> None:
        """What was finished in this agent's former life is not started again."""
        for index in event.done | event.failed:
            self._finishing.restore(self._add(index), failed=index in event.failed)

    def adopt(self, event: WorkerFound) -> Life:
        """A worker of a former life of this agent fills its slot; one whose slot is taken, or unknown, fills none."""
        if event.slot is None or event.slot in self._slots:
            return self._lives.adopt(event, None)
        slot = self._add(event.slot)
        slot.wanted = True
        slot.life = self._lives.adopt(event, slot.index)
        slot.starts = 1
        return slot.life

    # ---- each slot

    def vacate(self, slot: Slot) -> None:
        """Its life is over. While no share is known, no other one is wanted in it."""
        slot.life = None
        slot.wanted = slot.wanted and self._wanted is not None

    def reconcile(self, slot: Slot, now: Instant) -> None:
        """Close the gap between wanted and observed, as far as that can be done now."""
        if slot.life is not None:
            if not slot.wanted and slot.life.pid is not None:
                self._lives.stop(slot.life, now)
        elif slot.is_finished or (slot.wanted and slot.index in self._reserved):
            self._deadlines.set(slot.index, None)
        elif slot.wanted and now >= slot.may_start_at:
            if slot.waits_for is not None and now < slot.waits_until:
                self._deadlines.set(slot.index, slot.waits_until)
            else:
                self._fill(slot, now)
        elif slot.wanted:
            if slot.vacancy is WorkerState.GONE:
                slot.vacancy = advance(slot.vacancy, Trigger.WAIT)
            self._deadlines.set(slot.index, slot.may_start_at)
        elif self._wanted is not None:
            self._deadlines.set(slot.index, None)
            del self._slots[slot.index]
            self._incidents.unneeded(slot.index)

    def start(self, slot: Slot, now: Instant) -> None:
        """Start a process in it, whatever spares there are."""
        start = Start(slot.index, slot.index, Role.REGULAR, slot.revision, slot.starts, slot.last_exit)
        slot.life = self._lives.start(start, now)

    # ---- how

    def _add(self, index: int) -> Slot:
        slot = self._slots[index] = self._vacancies.new_slot(index, self.revision)
        return slot

    def _fill(self, slot: Slot, now: Instant) -> None:
        advance(slot.vacancy, Trigger.SPAWN)  # refuses a slot that is finished
        slot.vacancy = WorkerState.GONE
        slot.waits_for = None
        self._deadlines.set(slot.index, None)
        spare = self._take_spare(slot.revision) if slot.died_at is not None else None
        if spare is not None:
            slot.life = spare
            self._lives.promote(spare, slot.index)
        else:
            self.start(slot, now)
        self._incidents.decided(slot.index, now)
