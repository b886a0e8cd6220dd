"""What dead workers left behind: it is ended, and a slot whose worker left something waits for that, for a while.

What a crashed worker left would work beside its replacement, or hold the port that the replacement needs; what a
stopped one left may end in order.
"""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core.actions import Action, EndOrphans
from autohealer.core.events import OrphansEnded
from autohealer.core.model import PoolSpec
from autohealer.core.pool.life import Ended
from autohealer.core.pool.slot import Slot
from autohealer.core.pool.stops import SIGKILL

# A process in the kernel's state D cannot be ended: so long after its stop a replacement starts beside it.
ORPHANS_S = 2.0


class Clearing:
    """The dead workers of which something may be left, and the slots that wait for that."""

    def __init__(self, spec: PoolSpec, order: Callable[[Action], None]) -> None:
        self._spec, self._order = spec, order
        self._under_way: set[str] = set()
        self._waiting: dict[str, int] = {}
        self._is_killing = False

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of any worker that has ended."""
        return not self._under_way

    def hold(self, slot: Slot, end: Ended) -> None:
        """The worker left something: this slot, which was its own, waits for the end of that."""
        slot.waits_for = end.life.worker
        slot.waits_until = end.at + ORPHANS_S + (self._spec.stop_timeout_s if end.asked else 0.0)
        self._waiting[end.life.worker] = slot.index

    def begin(self, end: Ended) -> None:
        """See to what this life may have left behind."""
        worker = end.life.worker
        self._under_way.add(worker)
        self._order(
            EndOrphans(worker, self._spec.stop_signal, self._spec.stop_timeout_s)
            if end.asked and not self._is_killing
            else EndOrphans(worker, SIGKILL, 0.0)
        )

    def ended(self, event: OrphansEnded) -> int | None:
        """Nothing of that worker is left; the number of the slot that was held for it."""
        self._under_way.discard(event.worker)
        return self._waiting.pop(event.worker, None)

    def kill_all(self) -> None:
        """Leave no time to what is left, now and from now on."""
        self._is_killing = True
        for worker in self._under_way:
            self._order(EndOrphans(worker, SIGKILL, 0.0))
