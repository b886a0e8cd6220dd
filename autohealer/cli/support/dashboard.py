"""The dashboard of ``run``, and what the agent would have printed while it shows."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from autohealer.runtime.dashboard import DashboardProcess
from autohealer.views.lines import clean
from autohealer.views.tally import Tally

if TYPE_CHECKING:
    from autohealer.core.notices import EventRecord
    from autohealer.processes.reaper import Reaper
    from autohealer.runtime.printer import Printer
    from autohealer.runtime.state_dir import StateDir

WARNINGS = 20


class AgentDashboard:
    """Lines are held back while the dashboard has the screen: it shows events itself, and warnings are kept for later.

    Once it is gone they are printed: events in ``words``.
    """

    def __init__(
        self, state: StateDir, printer: Printer, complaints: Printer, words: Callable[[EventRecord], str]
    ) -> None:
        self._state, self._printer, self._complaints, self._words = state, printer, complaints, words
        self._tally = Tally()
        self._held: deque[str] = deque(maxlen=WARNINGS)
        self._process: DashboardProcess | None = None
        self._is_shown = False
        self._was_shown = False

    def make(self, loop: asyncio.AbstractEventLoop, reaper: Reaper) -> DashboardProcess:
        """The process that is to be shown."""
        arguments = ("-P", "-m", "autohealer.tui", self._state.pool, str(self._state.base))
        self._process = DashboardProcess(loop, reaper, arguments, self._shown)
        return self._process

    @property
    def is_detached(self) -> bool:
        """Whether an agent without a terminal is to go on."""
        return self._process is not None and self._process.is_detached

    def take(self, event: EventRecord) -> None:
        """An event."""
        self._tally.take(event)
        if not self._is_shown and self._was_shown:
            self._printer.print(self._words(event))

    def warn(self, text: str) -> None:
        """What does not work and need not stop anything."""
        self.say(f"warning: {text}")

    def say(self, text: str) -> None:
        """A line for people."""
        if self._is_shown or not self._was_shown:
            self._held.append(text)
        else:
            self._complaints.print(clean(text))

    def close(self) -> None:
        """Say what there was to see."""
        self._release()
        self._printer.print(self._tally.words())

    def _shown(self, is_shown: bool, why: str) -> None:
        self._is_shown = is_shown
        self._was_shown = True
        if not is_shown:
            self._release()
            if why:
                self._complaints.print(f"warning: {why}")

    def _release(self) -> None:
        while self._held:
            self._complaints.print(clean(self._held.popleft()))
