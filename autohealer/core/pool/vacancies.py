"""What becomes of a slot whose life has ended, or did not begin: how soon it may start again, or that it is over.

Restarts and failures are a slot's own. What is used up of them outlives the agent: the next one here is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autohealer.core.actions import Action, EmitEvent
from autohealer.core.events import SpawnFailed
from autohealer.core.model import Instant, PoolSpec, SlotAccount
from autohealer.core.notices import WorkerBackoff, WorkerDone
from autohealer.core.pool.finishing import Finishing
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Ended, Life
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.restarts import Restarts, delay_s
from autohealer.core.pool.slot import Slot


class Vacancies:
    """Judges each, and tells of it. ``finishing`` knows the slots that are over."""

    def __init__(self, spec: PoolSpec, incidents: Incidents, order: Callable[[Action], None]) -> None:
        self._spec, self._incidents, self._order = spec, incidents, order
        self.finishing = Finishing(spec, order)
        self._carried: dict[int, tuple[SlotAccount, Instant]] = {}

    # ---- restarts

    def new_slot(self, index: int, revision: int) -> Slot:
        """A slot that has used up what a former agent has told of it."""
        slot = Slot(index, self.account(), revision)
        if index in self._carried:
            account, since = self._carried.pop(index)
            slot.restarts.tokens, slot.restarts.throttled = account.tokens, account.throttled
            slot.restarts.failures, slot.may_start_at = account.failures, since + account.wait_s
        return slot

    def account(self) -> Restarts:
        """All restarts that a slot has."""
        return Restarts(self._spec.stable_after_s, self._spec.backoff_max_s)

    def accounts(self, slots: Iterable[Slot], now: Instant) -> tuple[SlotAccount, ...]:
        """What the next agent here has to know: of the slots that have used any."""
        return tuple(
            SlotAccount(
                slot.index, account.tokens, account.throttled, account.failures, max(0.0, slot.may_start_at - now)
            )
            for slot in slots
            if (account := slot.restarts) != self.account()
        )

    def carry(self, accounts: Iterable[SlotAccount], now: Instant) -> None:
        """What a former agent has told: it goes on from there."""
        self._carried = {account.slot: (account, now) for account in accounts}

    # ---- ends

    def died(self, slot: Slot, end: Ended) -> None:
        """Its life ended, and nobody had asked for that: is the slot to be filled again, and when?"""
        slot.died_at, slot.cause = end.at, end.cause
        verdict = end.life.verdict
        good = verdict is None and self.finishing.is_success(end.code, end.signal)
        if self.finishing.is_final(good=good):
            self.finishing.finish(slot, "" if good else end.description)
            return
        signal = None if verdict else end.signal
        slot.may_start_at += slot.restarts.after_exit(end.uptime_s, end.life.worker, signal, good=good)
        if self._spec.max_failures is not None:
            self.finishing.failed(slot, end.description)

    def not_started(self, slot: Slot, event: SpawnFailed) -> None:
        """Its life did not begin: when it is tried again. Want of resources is not the worker's failure."""
        if event.temporary:
            delay = delay_s(slot.spawn_failures, self._spec.backoff_max_s, event.worker)
            slot.spawn_failures += 1
        else:
            slot.cause = event.error
            delay = slot.restarts.after_exit(0.0, event.worker)
            self.finishing.failed(slot, event.error)
        slot.may_start_at = event.at + delay

    def tell(self, slot: Slot, life: Life, now: Instant, reason: str, *, is_there: bool) -> None:
        """Say what comes of a slot that is empty now; ``is_there``: whether there still is such a slot."""
        if slot.life is not None:
            return
        if slot.is_finished:
            failed = slot.vacancy is WorkerState.FAILED
            self._incidents.finished(slot.index, failed=failed)
            self._order(EmitEvent(WorkerDone(life.worker, life.pid, slot.index, failed)))
        elif not is_there:
            self._incidents.finished(slot.index, failed=self.finishing.gave_up is not None)
        elif slot.vacancy is WorkerState.BACKOFF:
            self._incidents.waits(slot.index, now)
            delay = round(slot.may_start_at - now, 3)
            self._order(EmitEvent(WorkerBackoff(None, None, slot.index, delay, reason)))
