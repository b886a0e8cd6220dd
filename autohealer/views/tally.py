"""How a pool has fared, in one line, for when there is nothing more to see."""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from autohealer.core.notices import EventRecord, WorkerExited, WorkerPromoted, WorkerStarted
from autohealer.views.units import count, milliseconds
from autohealer.views.unproven import Unproven

KEPT_HEALS = 1000


class Tally:
    """Deaths and heals as they come."""

    def __init__(self) -> None:
        self.deaths = self.heals = 0
        self._times: deque[float] = deque(maxlen=KEPT_HEALS)
        self._unproven: Unproven[float] = Unproven()

    def take(self, record: EventRecord) -> None:
        """An event."""
        if (none := self._unproven.take(record.notice)) is not None:
            self.heals -= 1
            with suppress(ValueError):  # so long ago that it is kept no more
                self._times.remove(none)
        match record.notice:
            case WorkerExited():
                self.deaths += 1
            case (
                WorkerStarted(worker=worker, heal_ms=float(heal_ms))
                | WorkerPromoted(worker=worker, heal_ms=float(heal_ms))
            ):
                self.heals += 1
                self._times.append(heal_ms)
                self._unproven.add(worker, heal_ms)

    def words(self) -> str:
        """1 death, 1 heal, p50 3 ms, p95 3 ms."""
        ordered = sorted(self._times)
        parts = [f"p{part} {milliseconds(ordered[len(ordered) * part // 100])}" for part in (50, 95) if ordered]
        return ", ".join([count(self.deaths, "death"), count(self.heals, "heal"), *parts])
