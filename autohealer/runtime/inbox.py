"""Events in, one at a time, to the only writer; urgent orders at once, the rest when it is quiet."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Protocol

from autohealer.core.events import DeadlineReached
from autohealer.runtime.clock import now

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from autohealer.core.actions import Action
    from autohealer.core.events import Event
    from autohealer.core.model import Instant
    from autohealer.core.pool.supervisor import Supervisor

QUIET_S = 0.002
PATIENCE_S = 1.0
SLICE_S = 0.004
AFTER_MISTAKE_S = 1.0


class ActionHandler(Protocol):
    """What turns orders into deeds."""

    def perform(self, action: Action, at: Instant) -> None:
        """Do it, or start to do it; never decides, never waits. It was ordered ``at`` that moment."""

    def settle(self) -> None:
        """A batch of orders is through: do what is cheaper done together."""


class DecisionRecorder(Protocol):
    """What keeps a record of events and decisions."""

    wants_checkpoint: bool

    def record(self, event: Event, actions: Sequence[Action], *, is_concluded: bool) -> None:
        """This was decided; ``is_concluded``: with what follows from how things stand after it."""

    def checkpoint(self, at: Instant) -> None:
        """It is quiet: the state of the supervisor may be taken."""


class Inbox:
    """The one queue of an agent, and the one place that asks the ``Supervisor``.

    Between a death and its replacement stands nothing but the decision and the spawn. What can be told to ZooKeeper,
    disk and people a moment later waits until nothing has been urgent for ``QUIET_S``, yet no longer than
    ``PATIENCE_S``, and is then done in slices, so that the next death is heard in between. What follows from how
    things stand is asked once for all events that are there, not after each death of a storm.

    A mistake of ours in one event or order costs that one: it is raised into the loop, and the rest goes on.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        supervisor: Supervisor,
        effects: ActionHandler,
        recorder: DecisionRecorder | None = None,
    ) -> None:
        self._loop, self._supervisor, self._effects, self._recorder = loop, supervisor, effects, recorder
        self._events: deque[Event] = deque()
        self._urgent: deque[tuple[Action, Instant]] = deque()
        self._later: deque[tuple[Action, Instant]] = deque()
        self._taken_in: list[tuple[Event, list[Action]]] = []
        """Events of which the supervisor has not concluded yet, and what has been decided of each."""
        self.handled = 0
        """How many events there have been: where it is what it was, nothing has changed."""
        self._running = False
        self._last_urgent = 0.0
        self._waiting_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None

    def post(self, event: Event) -> None:
        """Take in a fact. Only from the loop's own thread; what it leads to may be done before this returns."""
        self.put(event)
        self.run()

    def put(self, event: Event) -> None:
        """Take in one of several facts; ``run`` must follow, in the same turn of the loop."""
        self._events.append(event)

    def run(self) -> None:
        """Do what is to be done now."""
        if not self._running:
            self._run()

    def _run(self) -> None:
        self._running = True
        started = now()
        least_delay_s = AFTER_MISTAKE_S  # a deadline that is a mistake to meet is not met again and again at once
        try:
            while self._events or self._urgent or self._taken_in:
                while self._events:
                    self.handled += 1
                    self._take_in(self._events.popleft())
                is_over = self._last_urgent - started > SLICE_S
                if self._taken_in and (is_over or not self._urgent):
                    self._conclude()
                elif self._urgent:
                    self._perform_urgent()
                if is_over:
                    break
            least_delay_s = 0.0
        finally:
            self._running = False
            if self._events or self._urgent or self._taken_in:
                self._loop.call_soon(self.run)
            if self._waiting_since is None:
                self._waiting_since = now()
                self._loop.call_soon(self._flush)
            self._set_timer(least_delay_s)

    def _take_in(self, event: Event) -> None:
        """Have it decided. A replacement that is decided first is started before the rest is thought about.

        It may have been given this very core, and then waits until we sleep, or the kernel moves it: so after a quiet
        time it has the core first, until it sleeps itself. In a storm the next death comes first.
        """
        are_waiting = bool(self._urgent or self._events)  # then it is not next, and `_run` counts the time
        decided = self._supervisor.react(event)
        self._taken_in.append((event, decided))
        self._sort(decided, event.at)
        try:
            if self._urgent and not are_waiting:
                was_quiet = now() - self._last_urgent > QUIET_S
                self._perform_urgent()
                if was_quiet:
                    os.sched_yield()
        finally:
            more = self._supervisor.follow(event.at)
            self._sort(more, event.at)
            decided += more

    def _conclude(self) -> None:
        """Have decided what follows from all of them."""
        (*before, (event, decided)), self._taken_in = self._taken_in, []
        more = self._supervisor.conclude(event.at)
        self._sort(more, event.at)
        if self._recorder is not None:
            for one, of_one in before:
                self._recorder.record(one, of_one, is_concluded=False)
            self._recorder.record(event, [*decided, *more], is_concluded=True)

    def _sort(self, decided: Sequence[Action], at: Instant) -> None:
        for action in decided:
            (self._urgent if action.urgent else self._later).append((action, at))

    def _perform_urgent(self) -> None:
        self._effects.perform(*self._urgent.popleft())
        self._last_urgent = now()

    def _flush(self) -> None:
        """Do what could wait, if it is quiet now."""
        started = now()
        quiet_in = self._last_urgent + QUIET_S - started
        if (quiet_in > 0 or self._urgent) and started - (self._waiting_since or started) < PATIENCE_S:
            self._loop.call_later(max(quiet_in, 0), self._flush)
            return
        try:
            while self._later:
                self._effects.perform(*self._later.popleft())
                if now() - started > SLICE_S:
                    break
        finally:
            if self._later:
                self._loop.call_soon(self._flush)
            else:
                self._waiting_since = None
                self._effects.settle()
                if self._recorder is not None and self._recorder.wants_checkpoint and not self._events:
                    self._recorder.checkpoint(now())

    def _set_timer(self, least_delay_s: float) -> None:
        """One deadline out, one timer in."""
        at = self._supervisor.next_deadline()
        if at == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        delay = None if at is None else max(least_delay_s, at - now())
        self._timer = None if delay is None else self._loop.call_later(min(delay, 3600.0), self._expire)

    def _expire(self) -> None:
        self._timer = self._timer_at = None
        self.post(DeadlineReached(now()))
