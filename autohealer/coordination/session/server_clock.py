"""What ZooKeeper's clock shows: that of this host may be wrong, by hours if need be."""

from __future__ import annotations

from autohealer.coordination.session.scheduler import Scheduler


class ServerClock:
    """Known by the moment that the server has given to a write of ours; until the first, this host's clock counts."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._clock, self._wall = scheduler.clock, scheduler.wall
        self._ahead_s: float | None = None

    def wrote(self, mtime_ms: int) -> None:
        """A write of ours has just been answered, and this is its moment."""
        self._ahead_s = mtime_ms / 1000 - self._clock()

    def now(self) -> float:
        """Unix time."""
        return self._wall() if self._ahead_s is None else self._clock() + self._ahead_s
