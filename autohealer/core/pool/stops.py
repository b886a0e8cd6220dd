"""How a process is made to end: the stop signal, ``stop_timeout_s``, SIGKILL again and again until it is gone.

One that a sense condemned is stopped in the same way after evidence has been taken (``EVIDENCE_S`` at most), and
where that can wait, after it has ended what it works on. Whose stop it is, and why, is known to ``lives``.
"""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core.actions import Action, EmitEvent, SignalWorker, TakeEvidence
from autohealer.core.deadlines import Deadlines
from autohealer.core.model import Instant, PoolSpec
from autohealer.core.notices import WorkerFaulty
from autohealer.core.pool.life import Life, StopStage

SIGKILL = 9
EVIDENCE_S = 2.0
REPEAT_KILL_S = 1.0


class Stops:
    """The lives that are being stopped, each with what comes next and when. ``order`` takes the actions."""

    def __init__(self, spec: PoolSpec, order: Callable[[Action], None]) -> None:
        self._spec, self._order = spec, order
        self._deadlines: Deadlines[str] = Deadlines()
        self.killing = False
        """Whether nothing has any time left: set once, for all that comes."""

    def next_deadline(self) -> Instant | None:
        """When ``expire`` is to be called next."""
        return self._deadlines.next()

    def ask(self, life: Life, now: Instant) -> None:
        """Send the stop signal; SIGKILL where nothing has any time left."""
        if self.killing:
            self.kill(life, now)
            return
        life.stage = StopStage.ASKED
        self._deadlines.set(life.worker, now + self._spec.stop_timeout_s)
        self._order(SignalWorker(life.worker, self._spec.stop_signal))

    def let_work(self, life: Life, now: Instant) -> None:
        """It may end what it works on, within ``stop_timeout_s``."""
        life.stage = StopStage.WORKING
        self._deadlines.set(life.worker, now + self._spec.stop_timeout_s)

    def take_evidence(self, life: Life, now: Instant) -> None:
        """Look at what a condemned worker does, before the stop signal changes that."""
        life.stage = StopStage.EVIDENCE
        self._deadlines.set(life.worker, now + EVIDENCE_S)
        self._order(TakeEvidence(life.worker))

    def shut_down(self, life: Life, now: Instant, evidence: str | None) -> None:
        """There is evidence, or it has not come in time."""
        self.tell_faulty(life, evidence)
        self.ask(life, now)

    def kill(self, life: Life, now: Instant) -> None:
        """SIGKILL, and again after a while."""
        life.stage = StopStage.KILLED
        self._deadlines.set(life.worker, now + REPEAT_KILL_S)
        self._order(SignalWorker(life.worker, SIGKILL))

    def over(self, worker: str) -> None:
        """It is gone."""
        self._deadlines.set(worker, None)

    def expire(self, now: Instant, lives: Callable[[str], Life]) -> None:
        """Do what the time has come for; ``lives`` gives the life of a worker."""
        for worker in self._deadlines.due(now):
            life = lives(worker)
            if life.stage is StopStage.EVIDENCE:
                self.shut_down(life, now, None)
            elif life.stage is StopStage.WORKING:
                self.take_evidence(life, now)
            else:
                self.kill(life, now)

    def tell_faulty(self, life: Life, evidence: str | None) -> None:
        """Tell people of the verdict, and of what was seen."""
        if life.verdict is not None:
            sense, detail = life.verdict.sense, life.verdict.detail
            told = WorkerFaulty(life.worker, life.pid, life.slot, sense, detail, evidence)
            self._order(EmitEvent(told))
