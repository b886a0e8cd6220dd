"""May this agent run workers now? With ``keep`` always; with ``stop`` by proven authority alone.

Where there may never be too many workers, an agent runs them only while ZooKeeper has lately answered it, and starts
them only while a watchdog stands by that ends them when that is over, whatever has become of the agent by then.
"""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core.actions import Action, ArmWatchdog, ProveAuthority
from autohealer.core.cluster.lease import Lease
from autohealer.core.events import AuthorityProven, Event, WatchdogReady
from autohealer.core.model import Instant, OnPartition


class Fencing:
    """What an agent may do under its partition policy."""

    def __init__(self, policy: OnPartition, order: Callable[[Action], None]) -> None:
        self._authority = Lease() if policy is OnPartition.STOP else None
        self._order = order
        self._proven_once = self._guarded = False

    def session_opened(self, timeout_s: float) -> None:
        """A session begins, or is taken up."""
        if self._authority is not None:
            self._authority.granted(timeout_s)

    def session_lost(self) -> None:
        """Nothing that was proven counts any more."""
        if self._authority is not None:
            self._authority.ended()

    def proven(self, event: AuthorityProven) -> None:
        """ZooKeeper has answered: the watchdog may wait longer."""
        if self._authority is None:
            return
        stop_at, kill_at = self._authority.answered(event.asked_at)
        self._proven_once = True
        self._order(ArmWatchdog(stop_at, kill_at))

    def guarding(self, event: Event) -> None:
        """A watchdog is ready, or gone."""
        self._guarded = isinstance(event, WatchdogReady)

    def prove(self, now: Instant) -> None:
        """Ask ZooKeeper again, if it is time. Only while it is there."""
        if self._authority is None:
            return
        ask_at = self._authority.ask_at()
        if ask_at is None or now >= ask_at:
            self._authority.asked(now)
            self._order(ProveAuthority(now))

    def allowed(self, share: int | None, now: Instant) -> int | None:
        """So many of this share may run; None: keep those that run, start none."""
        if self._authority is None:
            return share
        if not self._authority.holds(now):
            # What a former life left has a watchdog of its own, until this one has proven anything.
            return 0 if self._proven_once else None
        return share if self._guarded else None

    def next_deadline(self, *, away: bool, runs: bool) -> Instant | None:
        """When to ask anew; while ZooKeeper is away and something ``runs``, when to stop."""
        if self._authority is None:
            return None
        if not away:
            return self._authority.ask_at()
        return self._authority.stop_at if runs else None
