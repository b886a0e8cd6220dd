"""When a life counts as ready in a rollout, and when it has been so for long enough to be trusted."""

from __future__ import annotations

from autohealer.core.model import Instant
from autohealer.core.pool.fleet import FleetLife


class Soak:
    """``soak_s``: how long a life must be ready on end; ``alive_s``: how old it is at least before it counts as ready.

    ``next``: when time alone may change something of what was asked for since ``begin``.
    """

    def __init__(self, soak_s: float, alive_s: float) -> None:
        self.soak_s, self._alive_s = soak_s, alive_s
        self._now: Instant = 0.0
        self.next: Instant | None = None

    def begin(self, now: Instant) -> None:
        """All is looked at anew, as it is at this moment."""
        self._now, self.next = now, None

    def wake(self, at: Instant) -> None:
        """Then at the latest something has to be looked at again."""
        self.next = at if self.next is None else min(self.next, at)

    def ready_at(self, life: FleetLife | None) -> Instant | None:
        """Since when it counts as ready; None while it does not."""
        if life is None or life.is_stopping or life.ready_since is None:
            return None
        at = max(life.ready_since, life.since + self._alive_s)
        if at > self._now:
            self.wake(at)
            return None
        return at

    def is_ready(self, life: FleetLife | None) -> bool:
        """Whether it does now."""
        return self.ready_at(life) is not None

    def was_ready(self, life: FleetLife, now: Instant) -> bool:
        """Whether it ever did."""
        return life.first_ready is not None and now >= life.since + self._alive_s

    def is_over(self, life: FleetLife, now: Instant) -> bool:
        """Whether it can be trusted: it has been ready for so long."""
        self._now = now
        at = self.ready_at(life)
        return at is not None and now >= at + self.soak_s
