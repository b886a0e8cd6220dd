"""Virtual time: what is to happen, in its order. Nothing here waits for anything."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class Call:
    """Something that happens at a moment, unless it is cancelled before."""

    at: float
    number: int
    function: Callable[..., object] | None = field(compare=False)
    arguments: tuple[object, ...] = field(compare=False)

    def cancel(self) -> None:
        """It does not happen."""
        self.function = None


class Clock:
    """The time, in seconds, and what is to come."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._heap: list[Call] = []
        self._numbers = itertools.count()

    def later(self, seconds: float, function: Callable[..., object], *arguments: object) -> Call:
        """Call this after so many seconds; what is due at the same moment is called in the order of asking."""
        call = Call(self.now + max(0.0, seconds), next(self._numbers), function, arguments)
        heapq.heappush(self._heap, call)
        return call

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> float:
        """Let time flow, no further than until something holds (asked ten times a second); how long that took."""
        begun = self.now
        end, look = self.now + seconds, self.now
        while self._heap and (at := self._heap[0].at) <= end:
            if until is not None and at >= look:
                if until():
                    return self.now - begun
                look = at + 0.1
            call = heapq.heappop(self._heap)
            self.now = max(self.now, at)
            if call.function is not None:
                call.function(*call.arguments)
        if until is not None and until():
            return self.now - begun
        self.now = end
        return seconds
