"""Many moments in, the next one out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from autohealer.core.model import Instant

Key = TypeVar("Key", bound=Hashable)


class Deadlines(Generic[Key]):
    """At most one moment a key. Old entries stay in the heap until they surface, so a change costs O(log n)."""

    def __init__(self) -> None:
        self._moments: dict[Key, Instant] = {}
        self._heap: list[tuple[Instant, int, Key]] = []
        self._entries = 0

    def set(self, key: Key, at: Instant | None) -> None:
        """Wake for this key at this moment, instead of any former one; None: not at all."""
        if at is None:
            self._moments.pop(key, None)
        elif self._moments.get(key) != at:
            self._moments[key] = at
            self._entries += 1
            heappush(self._heap, (at, self._entries, key))
            if len(self._heap) > 64 + 4 * len(self._moments):
                self._heap = [entry for entry in self._heap if self._moments.get(entry[2]) == entry[0]]
                heapify(self._heap)

    def next(self) -> Instant | None:
        """The earliest moment, or None."""
        heap = self._heap
        while heap and self._moments.get(heap[0][2]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now: Instant) -> Iterator[Key]:
        """Each key whose moment has come, which is then forgotten."""
        while (first := self.next()) is not None and first <= now:
            key = heappop(self._heap)[2]
            del self._moments[key]
            yield key
