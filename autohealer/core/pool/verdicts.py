"""What is done about a life that a sense finds faulty: the verdict is carried out, or *held*, or waits for its turn.

A verdict is held while somebody asked for that (``hold``), or while too many are being replaced for a verdict already
(``brake``). It is carried out once a sense says so again, on what it saw after there was room; if the life recovers
first, nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from autohealer.core import notices
from autohealer.core.actions import Action, EmitEvent
from autohealer.core.model import Instant, PoolSpec, Sense, Verdict
from autohealer.core.pool.brake import Brake
from autohealer.core.pool.condition import Symptom
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life, Role
from autohealer.core.pool.lives import Lives

SOFT = frozenset({Sense.MEMORY, Sense.AGE})
# These may have been asked before there was room, and answered after.
ASKED = frozenset({Sense.PROBE, Sense.PROGRESS})


class Sentence(Protocol):
    """Who carries verdicts out."""

    def is_exempt(self, life: Life) -> bool:
        """Whether verdicts on this life are neither braked nor held: a rollout judges it, or it is a spare."""

    def carry_out(self, life: Life, verdict: Verdict, now: Instant, *, at_once: bool) -> None:
        """Stop it; what follows is as after a death."""

    def recycle(self, life: Life, verdict: Verdict | None) -> None:
        """Exchange it when there is time for that, replacement first; None: it need not be any more."""


class Verdicts:
    """On all lives; which of them is held stands at each life (``held``)."""

    def __init__(
        self,
        spec: PoolSpec,
        lives: Lives,
        brake: Brake,
        *,
        incidents: Incidents,
        sentence: Sentence,
        order: Callable[[Action], None],
    ) -> None:
        self._spec, self._lives, self._brake, self._incidents = spec, lives, brake, incidents
        self._sentence, self._order = sentence, order

    def judge(self, life: Life, finding: Symptom, now: Instant) -> None:
        """A sense finds the life faulty, or does not any more."""
        if finding.detail is None:
            self._acquit(life, finding.sense)
        else:
            self._accuse(life, finding, Verdict(finding.sense, finding.detail), now)

    # ---- how

    def _accuse(self, life: Life, finding: Symptom, verdict: Verdict, now: Instant) -> None:
        if life.is_stopping:
            return
        exempt = self._sentence.is_exempt(life)
        if not exempt and self._brake.is_held(verdict.sense):
            self._hold(life, finding, verdict, now)
        elif verdict.sense in SOFT and not finding.at_once and life.slot is not None and not exempt:
            life.held = None
            self._sentence.recycle(life, verdict)
        elif life.role is Role.SPARE and verdict.sense in SOFT:
            self._lives.stop(life, now)  # nothing is missing for it: another one is started
        elif exempt or life.slot is None or finding.at_once:
            self._carry_out(life, finding, verdict, now)
        elif not self._brake.has_room(life.slot):
            self._hold(life, finding, verdict, now)
        elif self._is_news(life, verdict, now):
            self._carry_out(life, finding, verdict, now)

    def _is_news(self, life: Life, verdict: Verdict, now: Instant) -> bool:
        """Whether what was seen is newer than the room for it. Only a verdict that was held had to wait for room."""
        if life.held is None:
            return True
        asked_within_s = self._spec.probe_timeout_s if verdict.sense in ASKED else 0.0
        return now - asked_within_s > self._brake.room_since

    def _carry_out(self, life: Life, finding: Symptom, verdict: Verdict, now: Instant) -> None:
        life.held = None
        self._incidents.judged(life, verdict, now, held=False, since=finding.since)
        if life.slot is not None and not self._sentence.is_exempt(life):
            self._brake.take(life.slot)
        self._sentence.carry_out(life, verdict, now, at_once=finding.at_once)

    def _hold(self, life: Life, finding: Symptom, verdict: Verdict, now: Instant) -> None:
        self._incidents.judged(life, verdict, now, held=True, since=finding.since)
        if life.held is None or life.held.sense is not verdict.sense:
            told = life.worker, life.pid, life.slot, str(verdict.sense), verdict.detail
            self._order(EmitEvent(notices.WorkerHeld(*told)))
        life.held = verdict

    def _acquit(self, life: Life, sense: Sense) -> None:
        if life.held is not None and life.held.sense is sense:
            life.held = None
            self._incidents.recovered(life)
        if sense in SOFT:
            self._sentence.recycle(life, None)
