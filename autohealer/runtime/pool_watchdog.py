"""The watchdog of a pool that may never have too many workers: started, and started again when it is gone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from autohealer.core import events
from autohealer.core.model import OnPartition, PoolSpec
from autohealer.processes.launch.environment import AGENT, POOL
from autohealer.processes.watchdog.owner import Watchdog, WatchdogCallbacks
from autohealer.runtime.clock import now

if TYPE_CHECKING:
    from autohealer.runtime.shared import Shared

RETRY_S = 1.0


class PoolWatchdog:
    """``watchdog`` is None where workers outlive their agent. Until it guards, no worker is started."""

    def __init__(
        self,
        spec: PoolSpec,
        agent: str,
        shared: Shared,
        users: Collection[int],
        *,
        post: Callable[[events.Event], None],
        warn: Callable[[str], None],
    ) -> None:
        self._shared, self._post, self._warn = shared, post, warn
        self._is_closed = False
        self.watchdog: Watchdog | None = None
        if spec.on_partition is OnPartition.STOP:
            self.watchdog = Watchdog(
                shared.loop,
                {AGENT: agent, POOL: spec.name},
                spec.stop_signal,
                WatchdogCallbacks(lambda: post(events.WatchdogReady(now())), self._gone),
                reaper=shared.reaper,
                users=users,
            )
            shared.loop.call_soon(self._start)

    def close(self, *, release: bool) -> None:
        """Start no other one; ``release``: nothing is guarded any more, and it may go."""
        self._is_closed = True
        if self.watchdog is not None and release:
            self.watchdog.release()

    def _start(self) -> None:
        if self._is_closed or self.watchdog is None:
            return
        try:
            self.watchdog.start()
        except OSError as error:
            self._warn(f"cannot start the watchdog: {error.strerror}; no worker is started before it runs")
            self._shared.loop.call_later(RETRY_S, self._start)

    def _gone(self) -> None:
        self._post(events.WatchdogGone(now()))
        self._start()
