"""The lives that a rollout starts beside the slots, and the agent's workers as the rollout machine sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from autohealer.core.model import Instant, OnPartition, PoolSpec, Verdict
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life, Role
from autohealer.core.pool.lives import Lives, Start
from autohealer.core.pool.restarts import delay_s
from autohealer.core.pool.slots import Slots

if TYPE_CHECKING:
    from autohealer.core.pool.rollout import Rollout

UNBOUNDED = 1_000_000


class AgentFleet:
    """A `Fleet` of real slots and lives. ``share`` and ``now`` are set before each step of a rollout."""

    def __init__(self, spec: PoolSpec, slots: Slots, lives: Lives, incidents: Incidents) -> None:
        self._spec, self._slots, self._lives, self._incidents = spec, slots, lives, incidents
        self.share: int | None = None
        self.now: Instant = 0.0
        self.rollout: Rollout | None = None
        self.verdict: Verdict | None = None
        """For what the one worker of the rollout is exchanged, where that is not because somebody asked."""
        self._surges: dict[int, Life | None] = {}
        self._dismissed: set[str] = set()
        self._failed_starts: dict[int, int] = {}
        self._may_start_at: dict[int, Instant] = {}

    # ---- as a rollout sees it

    def slots(self) -> Mapping[int, Life | None]:
        """The slots that are wanted and not finished."""
        return {slot.index: slot.life for slot in self._slots if slot.wanted and not slot.is_finished}

    def surges(self) -> Mapping[int, Life | None]:
        """The surges by number; None for one that waits to be started again."""
        return dict(self._surges)

    def room(self) -> int:
        """None where there may never be too many; else as many as ``--capacity`` and the ports leave."""
        if self._spec.on_partition is OnPartition.STOP:
            return 0
        return UNBOUNDED if self._spec.capacity is None else max(0, self._spec.capacity - (self.share or 0))

    def reset_backoff(self) -> None:
        """Start at once whatever waits, where somebody asked for the rollout: a soft verdict is of one worker alone."""
        if self.verdict is None:
            self._slots.reset_backoff(self.now)

    def start_surge(self) -> None:
        """One more, under the first free number from the share up."""
        number = self.share or 0
        while number in self._surges or self._slots.at(number) is not None:
            number += 1
        self._surges[number] = None
        self._slots.reserve(number)
        self._start(number)

    def end_surge(self, number: int) -> None:
        """Stop it; it is not started again."""
        life = self._surges[number]
        if life is None:
            self._remove(number)
        elif life.worker not in self._dismissed:
            self._dismissed.add(life.worker)
            self._lives.stop(life, self.now)

    def exchange(self, slot: int) -> None:
        """Stop the slot's present life, and start its next one without backoff."""
        place = self._slots.at(slot)
        life = place.life if place is not None else None
        if self.verdict is None or life is None:
            self._slots.replace(slot, self._revision_of(slot), self.now)
        elif self._lives.condemn(life, self.verdict, self.now, when_idle=True):
            life.on_trial = True
            self._incidents.judged(life, self.verdict, self.now, held=False)

    def retry(self, number: int) -> None:
        """Start the next life of this slot or surge, unless it waits for want of resources."""
        if number not in self._surges:
            self._slots.retry(number, self._revision_of(number), self.now)
        elif self._surges[number] is None and self._may_start_at.get(number, self.now) <= self.now:
            self._start(number)

    # ---- what is observed

    def next_deadline(self) -> Instant | None:
        """When a surge may be tried again that could not be started for want of resources."""
        waiting = (at for number, at in self._may_start_at.items() if self._surges.get(number, True) is None)
        return min(waiting, default=None)

    def surge_ended(self, life: Life) -> None:
        """This surge has no process any more."""
        if self._surges.get(life.number) is not life:
            return
        if life.worker in self._dismissed:
            self._dismissed.discard(life.worker)
            self._remove(life.number)
        else:
            self._surges[life.number] = None

    def surge_not_started(self, life: Life, *, is_temporary: bool) -> None:
        """No process came of it."""
        number = life.number
        self.surge_ended(life)
        if is_temporary and number in self._surges:
            failures = self._failed_starts[number] = self._failed_starts.get(number, 0) + 1
            self._may_start_at[number] = self.now + delay_s(failures - 1, self._spec.backoff_max_s, life.worker)

    # ---- how

    def _revision_of(self, number: int) -> int:
        return self._slots.revision if self.rollout is None else self.rollout.revision_of(number)

    def _start(self, number: int) -> None:
        self._may_start_at.pop(number, None)
        self._surges[number] = self._lives.start(Start(number, None, Role.SURGE, self._revision_of(number)), self.now)

    def _remove(self, number: int) -> None:
        del self._surges[number]
        self._failed_starts.pop(number, None)
        self._may_start_at.pop(number, None)
        self._slots.release(number, self.now)
