"""Virtual time: what is to happen, in its order. Nothing here waits for anything."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable


class Call:
    """Something that happens at a moment, unless it is cancelled before."""

    __slots__ = ("arguments", "at", "function")

    def __init__(self, at: float, function: Callable[..., object], arguments: tuple[object, ...]) -> None:
        self.at = at
        self.function: Callable[..., object] | None = function
        self.arguments = arguments

    def cancel(self) -> None:
        """It does not happen."""
        self.function = None


class Clock:
    """The time, in seconds, and what is to come. ``calls`` is how much has happened."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.calls = 0
        self._heap: list[tuple[float, int, Call]] = []
        self._soon: deque[tuple[float, int, Call]] = deque()
        """What is due at this very moment, which is most of it."""
        self._number = 0

    def later(self, seconds: float, function: Callable[..., object], *arguments: object) -> Call:
        """Call this after so many seconds; what is due at the same moment is called in the order of asking."""
        self._number += 1
        if seconds > 0:
            at = self.now + seconds
            call = Call(at, function, arguments)
            heapq.heappush(self._heap, (at, self._number, call))
        else:
            call = Call(self.now, function, arguments)
            self._soon.append((self.now, self._number, call))
        return call

    def run(self, seconds: float, until: Callable[[], bool] | None = None, every_s: float = 0.1) -> float:
        """Let time flow, no further than until something holds (asked as often as that); how long that took."""
        begun, heap, soon, pop = self.now, self._heap, self._soon, heapq.heappop
        end = self.now + seconds
        look = self.now if until is not None else end + 1
        while soon or (heap and heap[0][0] <= end):
            is_soon = bool(soon) and not (heap and heap[0] < soon[0])
            at = self.now if is_soon else heap[0][0]
            if until is not None and at >= look:
                if until():
                    return self.now - begun
                look = at + every_s
            call = soon.popleft()[2] if is_soon else pop(heap)[2]
            self.now = max(self.now, at)
            if call.function is not None:
                self.calls += 1
                call.function(*call.arguments)
        if until is not None and until():
            return self.now - begun
        self.now = end
        return seconds
