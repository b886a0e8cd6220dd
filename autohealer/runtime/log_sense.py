"""``--ready log:REGEX``: has a worker written the line that says that it is ready?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autohealer.core import events
from autohealer.processes.log_match import LogMatch, compile_pattern
from autohealer.runtime.clock import now

if TYPE_CHECKING:
    import asyncio

    from autohealer.runtime.probing import Surroundings

LOG_LOOK_S = 0.25


class LogSense:
    """``--ready log:REGEX``: looks through the output of those who have not said it yet, a few times a second."""

    def __init__(self, pattern: str, around: Surroundings) -> None:
        self._around = around
        self._pattern = compile_pattern(pattern)
        self._expected: dict[str, LogMatch] = {}
        self._waited_for: dict[str, LogMatch] = {}
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, worker: str, number: int) -> None:
        """It is about to be started: what is written from now on is its own."""
        output = self._around.output
        if output is not None:
            self._expected[worker] = LogMatch(self._pattern, output.path(number), output.size(number))

    def start(self, worker: str) -> None:
        """Look through what it has written, again and again; one that was adopted has said it long ago."""
        if (match := self._expected.pop(worker, None)) is not None:
            self._waited_for[worker] = match
            if self._timer is None:
                self._timer = self._around.loop.call_later(LOG_LOOK_S, self._look)

    def stop(self, worker: str) -> None:
        """Look no more."""
        self._expected.pop(worker, None)
        self._waited_for.pop(worker, None)

    def close(self) -> None:
        """Look at nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        found = [worker for worker, match in self._waited_for.items() if match.look()]
        for worker in found:
            del self._waited_for[worker]
            self._around.post(events.LogMatched(now(), worker))
        self._timer = self._around.loop.call_later(LOG_LOOK_S, self._look) if self._waited_for else None
