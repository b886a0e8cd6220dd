"""What has happened, folded as it comes: the last events, deaths and heals over time, causes of death."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from autohealer.views.crashing import last_words
from autohealer.views.endings import cause_of, is_death, slot_of
from autohealer.views.units import unix

Fields = Mapping[str, Any]

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
        self.events: deque[Fields] = deque(maxlen=KEPT_EVENTS)
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

    def take(self, fields: Fields) -> None:
        """Fold an event in; what makes no sense is only shown."""
        self.events.append(fields)
        event, at, slot = fields.get("event"), unix(fields.get("time")), slot_of(fields)
        if at is None:
            return
        self.first = at if self.first is None else min(self.first, at)
        if is_death(fields):
            self._died(fields, at, slot)
        elif event == "worker.backoff" and slot is not None:
            # Of a process that never came to be, this is the only word.
            self.causes.setdefault(slot, short(str(fields.get("reason") or "")))
            delay = fields.get("delay")
            if isinstance(delay, int | float):
                self.next_starts[slot] = at + delay
            self.last_words |= last_words([fields])
        elif event in ("worker.started", "worker.promoted"):
            self._healed(at, fields.get("heal_ms"))
        elif isinstance(event, str) and event.startswith("zookeeper."):
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

    def story(self, slot: int) -> list[Fields]:
        """The events of one slot, the oldest first."""
        return [fields for fields in self.events if slot_of(fields) == slot]

    def _died(self, fields: Fields, at: float, slot: int | None) -> None:
        self.deaths += 1
        second = int(at)
        if second not in self._deaths and len(self._deaths) >= KEPT_S:
            del self._deaths[min(self._deaths)]
        self._deaths[second] = self._deaths.get(second, 0) + 1
        if slot is not None:
            self.causes[slot] = short(cause_of(fields))

    def _healed(self, at: float, heal_ms: object) -> None:
        if isinstance(heal_ms, int | float) and not isinstance(heal_ms, bool):
            self.heals.append(HealPoint(at, float(heal_ms)))


def percentile(values: Iterable[float], fraction: float) -> float | None:
    """The value that so large a part keeps within; None where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] if ordered else None


def short(cause: str) -> str:
    """A cause as ``status`` has it: ``exit 1``."""
    return cause.replace("exit code ", "exit ")
