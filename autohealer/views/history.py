"""What has happened, folded for those who look: the last events, deaths and heals over time, causes of death."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Any

from autohealer.views.units import unix

Fields = Mapping[str, Any]

KEPT_EVENTS = 500
KEPT_HEALS = 1000
KEPT_S = 3600


class History:
    """Events as they came, of one agent; ``take`` them in order."""

    def __init__(self) -> None:
        self.events: deque[Fields] = deque(maxlen=KEPT_EVENTS)
        self.causes: dict[int, str] = {}
        """Of each slot the last cause of death."""
        self.deaths = self.heals = 0
        self.zookeeper_since: float | None = None
        """Since when ZooKeeper has been as it is, in Unix time."""
        self._seconds: dict[int, list[int]] = {}
        self._heal_ms: deque[float] = deque(maxlen=KEPT_HEALS)
        self._sorted: list[float] | None = None
        self._faults: dict[object, str] = {}

    def take(self, fields: Fields) -> None:
        """Fold an event in; what makes no sense is only shown."""
        self.events.append(fields)
        event, at, slot = fields.get("event"), unix(fields.get("time")), slot_of(fields)
        if at is None:
            return
        if event == "worker.exited":
            self.deaths += 1
            self._second(at)[0] += 1
            fault = self._faults.pop(fields.get("worker"), None)
            if slot is not None:
                # Why a faulty worker was shut down says more than the signal that ended it.
                self.causes[slot] = fault or how_it_ended(fields)
        elif event == "worker.faulty":
            self._faults[fields.get("worker")] = f"faulty: {fields.get('cause')}"
        elif event == "worker.backoff" and slot is not None:
            # The only word of a process that never came to be.
            self.causes.setdefault(slot, str(fields.get("reason")))
        elif event == "worker.started":
            self._started(at, fields.get("heal_ms"))
        elif isinstance(event, str) and event.startswith("zookeeper."):
            self.zookeeper_since = at

    def percentile(self, fraction: float) -> float | None:
        """Heal time in milliseconds that so large a part of the last thousand heals kept within; None without any."""
        if not self._heal_ms:
            return None
        if self._sorted is None:
            self._sorted = sorted(self._heal_ms)
        return self._sorted[min(len(self._sorted) - 1, int(fraction * len(self._sorted)))]

    def strip(self, now: float, columns: int, bucket_s: int) -> list[tuple[int, int]]:
        """Deaths and heals, so many seconds a column, the last column now.

        Columns begin at whole multiples of ``bucket_s``, so that the strip moves on by whole columns.
        """
        last = int(now) // bucket_s
        found = [(0, 0)] * columns
        for second, (deaths, heals) in self._seconds.items():
            column = columns - 1 - (last - second // bucket_s)
            if 0 <= column < columns:
                before = found[column]
                found[column] = (before[0] + deaths, before[1] + heals)
        return found

    def latest(self, count: int) -> list[Fields]:
        """The last events, the oldest first."""
        return list(islice(self.events, max(0, len(self.events) - count), None))

    def _started(self, at: float, heal_ms: object) -> None:
        if isinstance(heal_ms, int | float) and not isinstance(heal_ms, bool):
            self.heals += 1
            self._second(at)[1] += 1
            self._heal_ms.append(float(heal_ms))
            self._sorted = None

    def _second(self, at: float) -> list[int]:
        second = int(at)
        if second not in self._seconds:
            self._seconds[second] = [0, 0]
            if len(self._seconds) > KEPT_S:
                del self._seconds[min(self._seconds)]
        return self._seconds[second]


def slot_of(fields: Fields) -> int | None:
    """The slot that an event is about; None where it is about a life that fills none."""
    slot = fields.get("slot")
    return slot if isinstance(slot, int) else None


def how_it_ended(fields: Fields) -> str:
    """Of ``worker.exited``: the signal or the exit code, in as few words as can be."""
    if fields.get("signal") is not None:
        return str(fields["signal"])
    return "ended" if fields.get("code") is None else f"exit code {fields['code']}"
