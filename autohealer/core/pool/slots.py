"""The agent's part: the slots that are wanted against the lives that are there.

A slot that is wanted and empty gets a life as soon as its backoff allows; one that is not wanted any more has its life
stopped. Which end is followed by a start, and how soon, or makes the slot *done* or *failed*, is decided by
``vacancies``. Nothing here waits for ZooKeeper.

What a rollout needs is under "for rollouts": another revision for a slot, and numbers that its surges have. Which
lives there are, of which revision each is, and since when each is ready, is in ``lives``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from autohealer.core import notices
from autohealer.core.actions import Action, EmitEvent
from autohealer.core.deadlines import Deadlines
from autohealer.core.events import FinishedFound, OrphansEnded, ProcessExited, SpawnFailed, WorkerFound, WorkerSpawned
from autohealer.core.model import Instant, PoolSpec, SlotAccount
from autohealer.core.pool.finishing import Over
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Ended, Life, Role
from autohealer.core.pool.lifecycle import Trigger, WorkerState, advance
from autohealer.core.pool.lives import Lives, Start
from autohealer.core.pool.slot import Slot
from autohealer.core.pool.vacancies import Vacancies

# A process in the kernel's state D cannot be ended: so long after its stop a replacement starts beside it.
ORPHANS_S = 2.0


class Slots:
    """All slots of this agent, by number. ``order`` takes the actions that follow from each call.

    ``revision``: what lives of new slots are started from. ``take_spare`` gives a spare of a revision that can be
    promoted, if there is one.
    """

    def __init__(
        self,
        spec: PoolSpec,
        lives: Lives,
        incidents: Incidents,
        order: Callable[[Action], None],
        revision: int = 1,
        *,
        take_spare: Callable[[int], Life | None] = lambda _: None,
    ) -> None:
        self._take_spare = take_spare
        self._spec, self._lives, self._incidents, self._order = spec, lives, incidents, order
        self.revision = revision
        self._slots: dict[int, Slot] = {}
        self._deadlines: Deadlines[int] = Deadlines()
        self._waiting: dict[str, int] = {}
        self._wanted: int | None = None
        self._reserved: set[int] = set()
        self._left: set[int] = set()
        self._vacancies = Vacancies(spec, incidents, order)
        self._finishing = self._vacancies.finishing

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
            self._reconcile(slot, now)
        if share is not None:
            for life in self._lives.with_role(Role.EXTRA):
                self._lives.stop(life, now)

    def kill_all(self, now: Instant) -> None:
        """Be done at once with every process and all that they left."""
        self._wanted = 0
        self._lives.kill_all(now)
        for slot in list(self._slots.values()):
            slot.wanted = False
            self._reconcile(slot, now)

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
        self._reconcile(slot, now)

    def retry(self, index: int, revision: int, now: Instant) -> None:
        """Start the next life of an empty slot without backoff, unless it waits for want of resources."""
        slot = self._slots[index]
        slot.revision = revision
        if slot.life is None and not slot.spawn_failures:
            slot.may_start_at = now
        self._reconcile(slot, now)

    def reserve(self, number: int) -> None:
        """A life beside the slots has this number: a slot of the same number is not started meanwhile."""
        self._reserved.add(number)

    def release(self, number: int, now: Instant) -> None:
        """That life is gone."""
        self._reserved.discard(number)
        if (slot := self._slots.get(number)) is not None:
            self._reconcile(slot, now)

    def are_of(self, revision_of: Callable[[int], int]) -> None:
        """From which revision the next life of each slot is started."""
        for slot in self._slots.values():
            slot.revision = revision_of(slot.index)

    def fill_left(self, now: Instant) -> None:
        """Fill the slots that ``exited`` and ``spawn_failed`` left empty for a rollout to decide about."""
        for index in self._left:
            if (slot := self._slots.get(index)) is not None:
                self._reconcile(slot, now)
        self._left.clear()

    def reset_backoff(self, now: Instant) -> None:
        """Every slot has all its restarts again, and those that wait are tried at once."""
        for slot in list(self._slots.values()):
            slot.restarts = self._vacancies.account()
            slot.may_start_at, slot.spawn_failures = min(slot.may_start_at, now), 0
            self._reconcile(slot, now)

    # ---- what is observed

    def restore(self, event: FinishedFound) -> None:
        """What was finished in this agent's former life is not started again."""
        for index in event.done | event.failed:
            self._finishing.restore(self._add(index), failed=index in event.failed)

    def accounts(self, now: Instant) -> tuple[SlotAccount, ...]:
        """What the next agent here has to know of restarts: of the slots that have used any."""
        return self._vacancies.accounts(self._slots.values(), now)

    def carry(self, accounts: Iterable[SlotAccount], now: Instant) -> None:
        """What a former agent has told: it goes on from there."""
        self._vacancies.carry(accounts, now)

    def adopt(self, event: WorkerFound) -> Life:
        """A worker of a former life of this agent fills its slot; one whose slot is taken, or unknown, fills none."""
        if event.slot is None or event.slot in self._slots:
            return self._lives.adopt(event, None)
        slot = self._add(event.slot)
        slot.wanted = True
        slot.life = self._lives.adopt(event, slot.index)
        slot.starts = 1
        return slot.life

    def spawned(self, event: WorkerSpawned) -> Life | None:
        """The life that has its process now; None where that is no news."""
        life = self._lives.spawned(event)
        if life is None:
            return None
        slot = self.of(life)
        backoff_ms = self._incidents.started(life, event.at, how="started again")
        heal_ms = None
        if slot is not None:
            slot.starts += 1
            slot.spawn_failures = 0
            heal_ms = _heal_ms(slot, event.at) if backoff_ms is None else None
            slot.died_at = None
        self._tell(notices.WorkerStarted(life.worker, life.pid, life.slot, life.revision, heal_ms, backoff_ms))
        if slot is not None:
            self._reconcile(slot, event.at)
        return life

    def promoted(self, worker: str, now: Instant) -> Life | None:
        """The spare that fills its slot now; None where that is no news."""
        life = self._lives.of(worker)
        slot = None if life is None else self.of(life)
        if life is None or slot is None:
            return None
        slot.starts += 1
        backoff_ms = self._incidents.started(life, now, how="a spare was promoted")
        heal_ms = _heal_ms(slot, now) if backoff_ms is None else None
        slot.died_at = None
        self._tell(notices.WorkerPromoted(life.worker, life.pid, life.slot, life.revision, heal_ms, backoff_ms))
        if life.ready:
            self._incidents.ready(life, now)
        self._reconcile(slot, now)
        return life

    def promotion_failed(self, worker: str, now: Instant) -> None:
        """The spare is gone, or about to be: start a worker instead, at once."""
        life = self._lives.of(worker)
        slot = None if life is None else self.of(life)
        if life is not None and slot is not None:
            self._lives.dismiss(life, now)
            slot.life = None
            slot.wanted = slot.wanted and self._wanted is not None
            if slot.wanted:
                self._start(slot, now)
            else:
                self._reconcile(slot, now)

    def spawn_failed(self, event: SpawnFailed, *, on_trial: bool = False) -> Life | None:
        """Try again later; the life that did not come to be.

        ``on_trial`` as for ``exited``.
        """
        life = self._lives.of(event.worker)
        if life is None or life.pid is not None:
            return None
        slot = self.of(life)
        self._lives.forget(life)
        if slot is None:
            return life
        slot.life = None
        slot.wanted = slot.wanted and self._wanted is not None
        if on_trial and not event.temporary:
            slot.cause, slot.may_start_at = event.error, event.at
            self._left.add(slot.index)
            self._incidents.not_started(life, event)
            return life
        self._vacancies.not_started(slot, event)
        self._reconcile(slot, event.at)
        self._incidents.not_started(life, event)
        self._tell_vacancy(slot, life, event.at, event.error)
        return life

    def exited(self, event: ProcessExited, *, on_trial: bool = False) -> Ended | None:
        """Fill the slot again if it is wanted; how the life ended, or None where the exit is no news.

        ``on_trial``: a rollout judges this life. Its end counts for nothing here, and what comes next in the slot is
        decided by the rollout, before ``fill_left``. ``ended`` must follow.
        """
        end = self._lives.exited(event)
        if end is None:
            return None
        slot = self.of(end.life)
        if slot is not None:
            slot.life = None
            slot.wanted = slot.wanted and self._wanted is not None
            slot.last_exit = end.last_exit
            slot.may_start_at = event.at
            if event.left:
                slot.waits_for = event.worker
                self._waiting[event.worker] = slot.index
                slot.waits_until = event.at + ORPHANS_S + (self._spec.stop_timeout_s if end.asked else 0.0)
            if on_trial:
                slot.cause = end.cause
                self._left.add(slot.index)
            else:
                if not end.asked:
                    self._vacancies.died(slot, end)
                self._reconcile(slot, event.at)
        return end

    def ended(self, end: Ended, slot: Slot | None, now: Instant) -> None:
        """See to what the life left behind, and tell of its end; ``slot`` is the one that it had filled."""
        self._lives.clear(end)
        self._incidents.ended(end, is_replaced=slot is not None and slot.life is not None)
        if slot is not None:
            self._tell_vacancy(slot, end.life, now, end.description)

    def orphans_ended(self, event: OrphansEnded) -> None:
        """Nothing of that worker is left: what its slot waited for is out of the way."""
        self._lives.orphans_ended(event.worker)
        index = self._waiting.pop(event.worker, None)
        slot = None if index is None else self._slots.get(index)
        if slot is not None and slot.waits_for == event.worker:
            slot.waits_for = None
            self._reconcile(slot, event.at)

    def ends_for_good(self, code: int | None, signal: str | None) -> bool:
        """Whether a worker that ends like this by itself makes its slot done or failed (``--restart``)."""
        return self._finishing.is_final(good=self._finishing.is_success(code, signal))

    def expire(self, now: Instant) -> None:
        """Do what the time has come for."""
        for index in self._deadlines.due(now):
            self._reconcile(self._slots[index], now)

    # ---- how

    def _add(self, index: int) -> Slot:
        slot = self._slots[index] = self._vacancies.new_slot(index, self.revision)
        return slot

    def _reconcile(self, slot: Slot, now: Instant) -> None:
        """Close the gap between wanted and observed, as far as can be done now."""
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
            self._start(slot, now)
        self._incidents.decided(slot.index, now)

    def _start(self, slot: Slot, now: Instant) -> None:
        start = Start(slot.index, slot.index, Role.REGULAR, slot.revision, slot.starts, slot.last_exit)
        slot.life = self._lives.start(start, now)

    def _tell_vacancy(self, slot: Slot, life: Life, now: Instant, reason: str) -> None:
        self._vacancies.tell(slot, life, now, reason, is_there=slot.index in self._slots)

    def _tell(self, notice: notices.Notice) -> None:
        self._order(EmitEvent(notice))


def _heal_ms(slot: Slot, now: Instant) -> float | None:
    """How long the slot has been empty; None where no death or verdict emptied it."""
    return None if slot.died_at is None else round((now - slot.died_at) * 1000, 3)
