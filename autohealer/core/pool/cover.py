"""The surges of a rollout, and how many of its slots may be without a ready life at a time.

A ready surge stands for each slot that is between two lives; so the rollout never has fewer ready than there were
without it. Until a life of the new revision has been proven there is one surge and no such slot. At most ``parallel``
surges, and as many slots, are exposed to what is not ready yet. Where there can be no surge, one slot at a time is
without a life.
"""

from __future__ import annotations

from autohealer.core.model import Instant, part
from autohealer.core.pool.exchanges import Exchanges
from autohealer.core.pool.fleet import Fleet
from autohealer.core.pool.soak import Soak


class SurgeCover:
    """``parallel``: a number, or (a float) a part of the share. ``without_surges``: there can be none (any more)."""

    def __init__(
        self,
        fleet: Fleet,
        slots: Exchanges,
        soak: Soak,
        *,
        parallel: int | float,
        start_timeout_s: float,
        without_surges: bool,
    ) -> None:
        self._fleet, self._slots, self._soak = fleet, slots, soak
        self._parallel, self._start_timeout_s = parallel, start_timeout_s
        self.without_surges = without_surges
        self._share: int | None = None
        self._regroup_until: Instant | None = None

    # ---- a change of share

    @property
    def is_regrouping(self) -> bool:
        """Whether the share has changed, and what it is now is not ready yet: there are no surges meanwhile."""
        return self._regroup_until is not None

    def look(self, now: Instant) -> None:
        """Has the share changed? Then the surges end until the new share is ready, or should be."""
        if self._share != self._fleet.share:
            is_first, self._share = self._share is None, self._fleet.share
            self._regroup_until = None if is_first else now + self._start_timeout_s
        if self._regroup_until is not None:
            settled = all(self._soak.is_ready(life) for life in self._fleet.slots().values())
            if now >= self._regroup_until or (settled and not self._fleet.surges()):
                self._regroup_until = None
            else:
                self._soak.wake(self._regroup_until)

    # ---- surges

    def tend(self, revision: int, *, is_proven: bool) -> None:
        """As many as are wanted. One that stands for a slot between two lives stays until that is over."""
        surges = {number: life for number, life in self._fleet.surges().items() if life is None or not life.is_stopping}
        wanted = self._wanted(len(surges), is_proven=is_proven)
        spare = sum(map(self._soak.is_ready, surges.values())) - self.between
        for number, life in surges.items():
            if self._soak.is_ready(life):
                if wanted == 0 and spare > 0:
                    spare -= 1
                    self._fleet.end_surge(number)
            elif wanted == 0 or self.without_surges or (life is not None and life.revision != revision):
                self._fleet.end_surge(number)
            elif life is None:
                self._fleet.retry(number)
        if not self.without_surges:
            for _ in range(wanted - len(self._fleet.surges())):
                self._fleet.start_surge()

    def _wanted(self, present: int, *, is_proven: bool) -> int:
        if self.is_regrouping or self._slots.is_through:
            return 0
        if not self._slots.todo:
            return present
        most = min(self._most, len(self._slots.todo) + self.between)
        return max(present, most if is_proven else min(1, most))

    # ---- slots between two lives

    @property
    def between(self) -> int:
        """How many slots were exchanged and have no ready life since."""
        slots = self._fleet.slots()
        waited_for = [(number, slots.get(number)) for number in self._slots.waited_for]
        return sum(not (self._slots.has_new(number, life) and self._soak.is_ready(life)) for number, life in waited_for)

    def may_be_between(self, *, is_proven: bool) -> int:
        """How many may be, for this rollout's sake."""
        if self.is_regrouping:
            return 0
        if self._most > 0 and not self.without_surges:
            ready = sum(map(self._soak.is_ready, self._fleet.surges().values()))
            return min(part(self._parallel, self._share or 1), ready) if is_proven else 0
        return 1 if is_proven or not self._slots.done else 0

    @property
    def _most(self) -> int:
        """How many surges there may be at all."""
        return min(part(self._parallel, self._share or 1), self._fleet.room())
