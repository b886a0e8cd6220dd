"""Workers that outgrew a soft limit (``--max-rss``, ``--max-age``) and wait to be exchanged.

An exchange costs a token of its slot's restart budget, as a death does. Where workers outgrow the limit as soon as they
have started, the budget is soon empty, and each further exchange waits for the backoff.
"""

from __future__ import annotations

import msgspec

from autohealer.core.model import Instant, Verdict
from autohealer.core.pool.life import Life
from autohealer.core.pool.slots import Slots


class _OutgrownWorker(msgspec.Struct):
    """What is known of one worker. ``verdict``: None while it need not be exchanged."""

    paid_at: Instant
    """When its slot was last charged: only the time since then earns anything."""
    verdict: Verdict | None = None
    not_before: Instant | None = None
    """When it may be exchanged; None where that is still to be paid for."""


class Outgrown:
    """The verdicts by worker id, the oldest first."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._exchanges: dict[str, _OutgrownWorker] = {}

    def __contains__(self, worker: str) -> bool:
        exchange = self._exchanges.get(worker)
        return exchange is not None and exchange.verdict is not None

    def next(self, now: Instant) -> tuple[str, Verdict] | None:
        """The first worker that may be exchanged now, and why."""
        return next(
            (
                (worker, exchange.verdict)
                for worker, exchange in self._exchanges.items()
                if exchange.verdict is not None and exchange.not_before is not None and exchange.not_before <= now
            ),
            None,
        )

    def next_deadline(self) -> Instant | None:
        """When ``next`` has one at the earliest."""
        waiting = (exchange.not_before for exchange in self._exchanges.values() if exchange.verdict is not None)
        return min((at for at in waiting if at is not None), default=None)

    # ---- what is observed

    def judged(self, life: Life, verdict: Verdict, now: Instant) -> None:
        """The worker is to be exchanged. That it recovers and outgrows the limit again is paid for once."""
        slot = self._slots.of(life)
        if slot is None:
            return
        exchange = self._exchanges.setdefault(life.worker, _OutgrownWorker(life.since))
        if exchange.not_before is None:
            exchange.not_before = now + slot.restarts.after_outgrowing(now - exchange.paid_at, life.worker)
            exchange.paid_at = now
        exchange.verdict = exchange.verdict or verdict

    def recovered(self, worker: str) -> None:
        """It need not be exchanged any more."""
        if worker in self._exchanges:
            self._exchanges[worker].verdict = None

    def tried(self, life: Life, now: Instant) -> None:
        """Its exchange has failed. The verdict stands, and the next try is paid for again."""
        if (exchange := self._exchanges.get(life.worker)) is None:
            return
        verdict, exchange.verdict, exchange.not_before = exchange.verdict, None, None
        if verdict is not None and not life.is_stopping:
            self.judged(life, verdict, now)

    def gone(self, worker: str) -> None:
        """It has no process any more."""
        self._exchanges.pop(worker, None)
