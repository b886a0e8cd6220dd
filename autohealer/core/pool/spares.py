"""Spares: processes that are started, have done their slow start-up, and wait to take the place of a dead one.

A spare fills no slot and counts for nothing until it is promoted. Its own death has a backoff of its own and is no
death of the pool. Spares go first when memory is short, and follow the revision that slots are started from.
"""

from __future__ import annotations

from collections.abc import Iterable

from autohealer.core.deadlines import Deadlines
from autohealer.core.model import MOST_WORKERS, Instant, PoolSpec
from autohealer.core.pool.life import Ended, Life, Role
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.lives import Lives, Start
from autohealer.core.pool.restarts import Restarts, delay_s

# With room for two of the largest worker again, spares are started anew.
ROOM_AGAIN = 2


class Spares:
    """Keeps ``spec.spares`` of them while there is anything that they could be promoted for."""

    def __init__(self, spec: PoolSpec, lives: Lives) -> None:
        self._spec, self._lives = spec, lives
        self._restarts = Restarts(spec.stable_after_s, spec.backoff_max_s)
        self._may_start_at: Instant = 0.0
        self._failures = 0
        self._is_short = False
        self._deadlines: Deadlines[str] = Deadlines()

    @property
    def waiting(self) -> int:
        """How many could be promoted now."""
        return self._lives.count(WorkerState.STANDBY, Role.SPARE)

    def next_deadline(self) -> Instant | None:
        """When ``reconcile`` is to be called next."""
        return self._deadlines.next()

    def reconcile(self, *, wanted: bool | None, revision: int, now: Instant) -> None:
        """``wanted``: whether there is anything that may need one; None: keep those that are there, start none."""
        present = [life for life in self._lives.with_role(Role.SPARE) if not life.is_stopping]
        target = 0 if wanted is False or self._is_short else self._spec.spares
        fitting = [life for life in present if life.revision == revision]
        for life in present:
            if life not in fitting[:target]:
                self._lives.stop(life, now)
        missing = target - len(fitting) if wanted else 0
        self._deadlines.set("start", self._may_start_at if missing > 0 and now < self._may_start_at else None)
        if now >= self._may_start_at:
            for _ in range(missing):
                self._lives.start(Start(self._free_number(), None, Role.SPARE, revision), now)

    def take(self, revision: int) -> Life | None:
        """A spare of this revision that can be promoted now: the one that waits longest. Asked at every death."""
        if not self.waiting:
            return None
        return next(
            (
                life
                for life in self._lives.with_role(Role.SPARE)
                if life.state is WorkerState.STANDBY and not life.is_unneeded and life.revision == revision
            ),
            None,
        )

    def ended(self, end: Ended) -> None:
        """A spare that dies by itself is started again, later and later."""
        if not end.asked:
            signal = end.signal if end.life.verdict is None else None
            delay = self._restarts.after_exit(end.uptime_s, end.life.worker, signal)
            self._may_start_at = max(self._may_start_at, end.at + delay)

    def not_started(self, life: Life, now: Instant) -> None:
        """No process came of a start."""
        self._may_start_at = now + delay_s(self._failures, self._spec.backoff_max_s, life.worker)
        self._failures += 1

    def started(self) -> None:
        """A process came of a start."""
        self._failures = 0

    def memory(self, available: int, used: Iterable[int]) -> None:
        """So much is available, and each worker uses so much: with less than one more has no spare may stay."""
        largest = max(used, default=0)
        if available < largest:
            self._is_short = True
        elif available >= ROOM_AGAIN * largest:
            self._is_short = False

    def _free_number(self) -> int:
        """Beyond those of all slots: what a spare writes goes into a file with its number, also once it is promoted."""
        taken = {life.number for life in self._lives}
        return next(number for number in range(MOST_WORKERS, MOST_WORKERS + len(taken) + 1) if number not in taken)
