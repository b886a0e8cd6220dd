"""The dashboard of ``run`` and ``top``: where it can be shown, and how it is tied to what it shows."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from autohealer.core.operations import Answer, Operation
from autohealer.processes.output import OutputFiles
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.screen import Screen
from autohealer.views.controls import Kill, Order, Quit, Restart, Scale
from autohealer.views.lines import clean
from autohealer.views.pool import of_snapshot
from autohealer.views.text import event_line, farewell

if TYPE_CHECKING:
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.runtime.agent_handle import AgentHandle
    from autohealer.runtime.printer import Printer
    from autohealer.runtime.state_dir import StateDir

Ask = Callable[[Operation, Callable[[Answer], object]], object]

OUTPUT_LINES = 200
WARNINGS = 20


class Dashboard:
    """A screen on this terminal for one pool. ``leave`` is called when the person at the keys wants to end."""

    def __init__(self, state: StateDir, leave: Callable[[], None], *, leaves_only: bool) -> None:
        self._leave = leave
        self._ask: Ask = lambda *_: None
        self.screen = Screen(
            out=sys.stdout.fileno(),
            into=_stdin(),
            encoding=sys.stdout.encoding or "ascii",
            environ=os.environ,
            leaves_only=leaves_only,
            tail=partial(OutputFiles(state.output_dir, 0).tail, lines=OUTPUT_LINES),
        )

    def begin(self, look: Callable[[], None], ask: Ask) -> None:
        """Draw from now on; ``ask`` takes what keys ask for. For the main thread: signals are its matter."""
        self._ask = ask
        signal.signal(signal.SIGWINCH, lambda *_: self.screen.wake())
        signal.signal(signal.SIGQUIT, self._abort)
        self.screen.begin(look, self._order)

    def close(self) -> None:
        """Give the terminal back."""
        self.screen.close()

    def _order(self, order: Order) -> None:
        if isinstance(order, Quit):
            self._leave()
        elif isinstance(order, Scale | Kill | Restart):
            self._ask(_operation(order), lambda answer: self.screen.say(answer.detail or str(answer.outcome)))

    def _abort(self, signum: int, _: object) -> None:
        r"""Ctrl-\: end as one would without us, but not with the terminal as it is."""
        self.screen.restore()
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)


def _operation(order: Scale | Kill | Restart) -> Operation:
    """What a key asks for."""
    identity, by = secrets.token_hex(8), "dashboard"
    if isinstance(order, Scale):
        return Operation(identity, "scale", str(order.workers), by)
    if isinstance(order, Kill):
        return Operation(identity, "kill", order.worker, by)
    return Operation(identity, "restart", by=by)


class AgentDashboard:
    """The dashboard of the agent in this process. What cannot be drawn any more, and the last word, is printed."""

    def __init__(self, state: StateDir, printer: Printer, complaints: Printer) -> None:
        # As Ctrl-C does it: one way to end is enough.
        self._dashboard = Dashboard(state, lambda: os.kill(os.getpid(), signal.SIGINT), leaves_only=False)
        self._screen = self._dashboard.screen
        self._printer, self._complaints = printer, complaints
        self._warnings: deque[str] = deque(maxlen=WARNINGS)

    def watch(self, window: AgentHandle) -> None:
        """Show the agent behind this window."""

        def deliver(snapshot: Snapshot, cost_s: float) -> None:
            self._screen.show(lambda: of_snapshot(snapshot, window.zookeeper, window.host), cost_s)

        self._dashboard.begin(lambda: window.look(deliver, others=True), window.ask)

    def take(self, line: Mapping[str, Any]) -> None:
        """An event."""
        if self._screen.failure is not None:
            self._printer.print(event_line(line))
        self._screen.take(line)

    def warn(self, text: str) -> None:
        """What does not work and need not stop anything: shown among the events, and printed in the end."""
        self._warnings.append(text)
        self.take({"time": timestamp(time.time()), "event": "warning", "text": text})

    def say(self, text: str) -> None:
        """Where else one can look: shown among the events."""
        self.take({"time": timestamp(time.time()), "event": "warning", "text": text})

    def close(self) -> None:
        """Give the terminal back, and say what there was to see."""
        self._dashboard.close()
        if self._screen.is_begun:
            self._printer.print(farewell(self._screen.history))
        for text in self._warnings:
            self._complaints.print(clean(f"warning: {text}"))
        if self._screen.failure is not None:
            self._complaints.print(f"warning: the dashboard broke: {self._screen.failure!r}")


def _stdin() -> int:
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):
        return -1
