"""The wait for the first session with ZooKeeper: it is told after a moment, and given up in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from autohealer.coordination.session.access import HINT, Access
from autohealer.errors import UnreachableError

TOLD_AFTER_S = 3.0
"""A ZooKeeper that is there answers much sooner; who types a wrong name should not wait for the end to hear of it."""


class FirstContact:
    """From ``begin``, when a connection is wanted, until ``drop``."""

    def __init__(
        self,
        access: Access,
        hosts: str,
        timeout_s: float,
        *,
        told: Callable[[str], object],
        failed: Callable[[UnreachableError], object],
        hint: str = HINT,
    ) -> None:
        self._access, self._hosts, self._timeout_s, self._hint = access, hosts, timeout_s, hint
        self._told, self._failed = told, failed
        self._timers: list[asyncio.TimerHandle] = []

    def begin(self) -> None:
        """Wait from now on; call it in the loop."""
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(self._timeout_s, self._fail))
        if self._timeout_s > TOLD_AFTER_S:
            self._timers.append(loop.call_later(TOLD_AFTER_S, self._tell))

    def drop(self) -> None:
        """There is a session, or nobody waits for one any more. May be called again."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _tell(self) -> None:
        left_s = self._timeout_s - TOLD_AFTER_S
        self._told(f"no ZooKeeper has answered at {self._hosts} yet; trying for {left_s:g} s more")

    def _fail(self) -> None:
        self._failed(self._access.unreachable(self._hosts, self._timeout_s, self._hint))
