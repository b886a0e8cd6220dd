"""Which end of a worker is final for its slot, and when so many have ended that the agent is done.

``--restart`` and ``--ok-exit`` say which end is followed by a start; ``--max-failures`` and ``--exit-on`` when it is
enough. A slot that is *done* or *failed* keeps its number, over the death of this agent.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from autohealer.core.actions import Action, KeepFinished
from autohealer.core.model import ExitOn, PoolSpec, RestartPolicy
from autohealer.core.pool.lifecycle import Trigger, advance
from autohealer.core.pool.slot import Slot


class Over(msgspec.Struct, frozen=True):
    """Nothing is left to do, or ``--exit-on`` and ``--max-failures`` say that it is enough; ``reason`` for people."""

    failed: bool
    reason: str


class Finishing:
    """The slots of this agent that have ended for good."""

    def __init__(self, spec: PoolSpec, order: Callable[[Action], None]) -> None:
        self._spec, self._order = spec, order
        self._finished: dict[int, str] = {}
        """The slots that are done, and that failed: how; empty where one is done."""
        self.gave_up: str | None = None
        """Why the whole pool is given up."""

    def count(self, wanted: int) -> tuple[int, int]:
        """How many of the first ``wanted`` slots are done, and how many failed."""
        failed = [bool(how) for index, how in self._finished.items() if index < wanted]
        return len(failed) - sum(failed), sum(failed)

    def over(self, wanted: int) -> Over | None:
        """Whether that is the end of a pool in which so many slots are wanted."""
        if self.gave_up is not None:
            return Over(True, self.gave_up)
        if not self._finished or not wanted:
            return None
        done, failed = self.count(wanted)
        early = {ExitOn.ANY_FAILED: failed > 0, ExitOn.FIRST_EXIT: done + failed > 0}
        if done + failed < wanted and not early.get(self._spec.exit_on, False):
            return None
        reasons = (f"the worker in slot {index} failed: {how}" for index, how in self._finished.items() if how)
        return Over(failed > 0, next(reasons, "all workers have ended well"))

    def is_success(self, code: int | None, signal: str | None) -> bool:
        """Whether the end is one of ``--ok-exit``. What nobody saw is none."""
        return (signal or code) in self._spec.ok_exit

    def ends_for_good(self, code: int | None, signal: str | None) -> bool:
        """Whether a worker that ends like this by itself makes its slot done or failed (``--restart``)."""
        return self.is_final(good=self.is_success(code, signal))

    def is_final(self, *, good: bool) -> bool:
        """Whether such an end, which nobody has asked for, is followed by no start."""
        policy = self._spec.restart
        return policy is RestartPolicy.NEVER or (policy is RestartPolicy.ON_FAILURE and good)

    def finish(self, slot: Slot, how: str) -> None:
        """Nothing is started in this slot any more; ``how`` it failed, empty where it did not."""
        slot.vacancy = advance(slot.vacancy, Trigger.FAIL if how else Trigger.FINISH)
        self._finished[slot.index] = how
        self._order(KeepFinished(slot.index, bool(how), slot.revision))

    def restore(self, slot: Slot, *, failed: bool) -> None:
        """It was finished in this agent's former life."""
        slot.vacancy = advance(slot.vacancy, Trigger.FAIL if failed else Trigger.FINISH)
        self._finished[slot.index] = "before this agent was started" if failed else ""

    def failed(self, slot: Slot, how: str) -> None:
        """A life failed. At ``--max-failures`` its slot has, or, where workers do not finish, the whole pool."""
        limit = self._spec.max_failures
        if limit is None or slot.restarts.failures < limit or slot.is_finished:
            return
        times = "once" if limit == 1 else f"{limit} times in a row"
        if self._spec.restart is RestartPolicy.ALWAYS and self._spec.exit_on is not ExitOn.ALL_FAILED:
            slot.wanted = False
            last = f"the worker in slot {slot.index} failed {times}, the last time with: {how}"
            self.gave_up = self.gave_up or last
        else:
            self.finish(slot, f"{times}, the last time with: {how}")
