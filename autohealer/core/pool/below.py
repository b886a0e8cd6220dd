"""Whether the pool has been below its number for so long that people want to know.

A heal takes milliseconds and is nobody's alarm, and a pool that is just being started, or scaled, is not below anything
yet. So ``pool.below`` is told once all had been running and fewer have been for ``BELOW_S``; ``pool.recovered`` when
all do again.
"""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core.actions import Action, EmitEvent
from autohealer.core.model import Instant
from autohealer.core.notices import PoolBelow, PoolRecovered

BELOW_S = 1.0


class Below:
    """One agent's share against what runs of it."""

    def __init__(self, order: Callable[[Action], None]) -> None:
        self._order = order
        self._wanted = 0
        self._was_complete = self._is_told = False
        self._since: Instant | None = None

    def next_deadline(self) -> Instant | None:
        """When ``observe`` is to be called next, at the latest."""
        return None if self._since is None or self._is_told else self._since + BELOW_S

    def observe(self, wanted: int, running: int, now: Instant) -> None:
        """So many are to run now, 0 where none is, and so many do."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._was_complete = self._was_complete and running >= wanted
        if running >= wanted:
            if self._is_told and self._since is not None and wanted:
                self._order(EmitEvent(PoolRecovered(running, wanted, round(now - self._since, 3))))
            self._was_complete, self._is_told, self._since = wanted > 0, False, None
        elif self._was_complete or self._is_told:
            if self._since is None:
                self._since = now
            if not self._is_told and now >= self._since + BELOW_S:
                self._is_told = True
                self._order(EmitEvent(PoolBelow(running, wanted)))
        else:
            self._since = None
