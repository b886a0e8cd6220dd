"""What has happened, folded as it comes: the last events, deaths and heals over time, causes of death."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from autohealer.core import notices
from autohealer.core.notices import EventRecord
from autohealer.views.crashing import last_words
from autohealer.views.units import unix
from autohealer.views.unproven import Unproven

KEPT_EVENTS = 2000
KEPT_HEALS = 2000
KEPT_S = 3600


class HealPoint(NamedTuple):
    """A worker that was replaced: when (Unix time), and how long it took."""

    at: float
    ms: float


class History:
    """Events as they came, of one agent; ``take`` them in order."""

    def __init__(self) -> None:
        self.events: deque[EventRecord] = deque(maxlen=KEPT_EVENTS)
        self.causes: dict[int, str] = {}
        """Of each slot the last cause of death."""
        self.last_words: dict[int, str] = {}
        """Of each slot the last line that its worker wrote before it died, where the agent has told."""
        self.next_starts: dict[int, float] = {}
        """Of each slot that waits, when its next start is to come, in Unix time."""
        self.deaths = 0
        self.heals: deque[HealPoint] = deque(maxlen=KEPT_HEALS)
        self.first: float | None = None
        """The first moment that anything is known of."""
        self.zookeeper_since: float | None = None
        """Since when ZooKeeper has been as it is, in Unix time."""
        self._deaths: dict[int, int] = {}
        self._unproven: Unproven[HealPoint] = Unproven()

    def take(self, record: EventRecord) -> None:
        """Fold an event in; what makes no sense is only shown."""
        self.events.append(record)
        at = unix(record.time)
        if at is None:
            return
        self.first = at if self.first is None else min(self.first, at)
        if (none := self._unproven.take(record.notice)) is not None:
            with suppress(ValueError):  # so long ago that it is kept no more
                self.heals.remove(none)
        match record.notice:
            case notices.WorkerExited(slot=int(slot), cause=cause):
                self._died(at, slot, cause)
            case notices.WorkerBackoff(slot=int(slot), reason=reason, delay=delay):
                # Of a process that never came to be, this is the only word.
                self.causes.setdefault(slot, short(reason))
                self.next_starts[slot] = at + delay
                self.last_words |= last_words([record])
            case (
                notices.WorkerStarted(worker=worker, heal_ms=float(ms))
                | notices.WorkerPromoted(worker=worker, heal_ms=float(ms))
            ):
                self.heals.append(heal := HealPoint(at, ms))
                self._unproven.add(worker, heal)
            case notices.ZooKeeperConnected() | notices.ZooKeeperSuspended() | notices.ZooKeeperLost():
                self.zookeeper_since = at

    def heals_since(self, since: float) -> list[HealPoint]:
        """The heals after this moment, the oldest first."""
        return [heal for heal in self.heals if heal.at >= since]

    def deaths_by(self, since: float, bucket_s: float, buckets: int) -> list[int]:
        """How many died in each of so many stretches of time."""
        found = [0] * buckets
        for second, deaths in self._deaths.items():
            index = int((second - since) // bucket_s)
            if 0 <= index < buckets:
                found[index] += deaths
        return found

    def story(self, slot: int) -> list[EventRecord]:
        """The events of one slot, the oldest first."""
        return [record for record in self.events if record.slot == slot]

    def _died(self, at: float, slot: int, cause: str) -> None:
        self.deaths += 1
        second = int(at)
        if second not in self._deaths and len(self._deaths) >= KEPT_S:
            del self._deaths[min(self._deaths)]
        self._deaths[second] = self._deaths.get(second, 0) + 1
        self.causes[slot] = short(cause)


def percentile(values: Iterable[float], fraction: float) -> float | None:
    """The value that so large a part keeps within; None where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] if ordered else None


def short(cause: str) -> str:
    """A cause as ``status`` has it: ``exit 1``."""
    return cause.replace("exit code ", "exit ")
