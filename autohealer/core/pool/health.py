"""The one judge: whether each life is alive, ready, and faulty because of what.

Senses post facts; what a life's facts amount to is worked out in ``condition``. Here it is decided what follows: the
life is ready, or unready, or a verdict is carried out, or *held*. A verdict is held while somebody asked for that
(``hold``), or while too many are being replaced for a verdict already (``brake``). It is carried out once a sense says
so again, on what it saw after there was room; if the life recovers first, nothing happens.

What this agent learns late condemns nobody: where it was itself late (frozen, or the machine was), all clocks start
anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from autohealer.core import events, notices
from autohealer.core.actions import Action, EmitEvent
from autohealer.core.deadlines import Deadlines
from autohealer.core.model import Instant, PoolSpec, ReadyWhen, Sense, Verdict
from autohealer.core.pool.brake import Brake
from autohealer.core.pool.condition import Condition, Finding
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life, Role
from autohealer.core.pool.lives import Lives

LATE_S = 2.0
# A clock that ran out before there was room is looked at once more when so much of the new time has passed.
RECHECK_S = 1.0
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


class Health:
    """Facts of all lives in; ``lives`` gets to know who is ready, ``sentence`` who is faulty."""

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
        self._conditions: dict[str, Condition] = {}
        self._met: set[str] = set()
        self.unready: set[str] = set()
        """Those that were ready and are not now."""
        self._registrations: dict[str, bool] = {}
        """Whom a registration names, and whether it is the worker's own."""
        self._away = True
        self._deadlines: Deadlines[str] = Deadlines()
        self._notify_is_known = False

    @property
    def ready_when(self) -> ReadyWhen:
        """What decides when a worker of this pool is ready."""
        if self._spec.ready is not None:
            return self._spec.ready
        if self._spec.probes:
            return ReadyWhen.PROBE
        return ReadyWhen.NOTIFY if self._notify_is_known else ReadyWhen.REGISTERED

    def next_deadline(self) -> Instant | None:
        """When ``expire`` is to be called next."""
        return self._deadlines.next()

    # ---- lives come and go

    def started(self, life: Life, now: Instant, *, adopted: bool = False) -> None:
        """A life has a process. One that was adopted has said long ago what it says only once."""
        condition = Condition(self._spec, life.worker, born=life.since, since=now)
        self._conditions[life.worker] = condition
        when = self._when(life.worker)
        if when in {ReadyWhen.PROBE, ReadyWhen.NOTIFY, ReadyWhen.LOG} or self._spec.probes:
            condition.start_by = now + self._spec.start_timeout_s
        once = adopted and when not in {ReadyWhen.REGISTERED, ReadyWhen.PROBE}
        if once or when is ReadyWhen.STARTED:
            self._met.add(life.worker)
        if adopted:
            self._lives.runs(life)
        self._weigh(life, condition, now)
        self._schedule(life.worker, condition, now)

    def promoted(self, life: Life, now: Instant) -> None:
        """A spare fills a slot: from now on it is looked at as any other. It was ready before it began to wait."""
        if (condition := self._conditions.get(life.worker)) is None:
            return
        condition.idle, condition.beat_at, condition.counter = False, now, None
        condition.start_by = now + self._spec.start_timeout_s if self._spec.probes else None
        if life.slot is not None and self._brake.give_back(life.slot, now):
            self.look_again(now)
        self._schedule(life.worker, condition, now)

    def ended(self, life: Life) -> None:
        """A life is over: nothing is judged any more."""
        if self._conditions.pop(life.worker, None) is None:
            return
        self._met.discard(life.worker)
        self.unready.discard(life.worker)
        self._registrations.pop(life.worker, None)
        self._deadlines.set(life.worker, None)
        life.held = None

    # ---- facts

    def probe_answered(self, event: events.ProbeAnswered) -> None:
        """One probe has passed or failed."""
        self._take(event.worker, event.at, lambda condition: condition.probed(event))

    def notify_received(self, event: events.NotifyReceived) -> None:
        """The worker has said something of itself."""
        life, condition = self._of(event.worker)
        if life is None or condition is None:
            return
        if event.ready:
            if life.role is not Role.SPARE:
                self._learn_notify(event.at)
            if self._when(life.worker) is ReadyWhen.NOTIFY:
                self._met.add(life.worker)
        if life.is_stopping:
            list(condition.notified(event))  # it may end what it works on
        else:
            self._take(event.worker, event.at, lambda condition: condition.notified(event))
        was_busy, life.busy = life.busy, bool(condition.tasks)
        if was_busy and not life.busy:
            self._lives.idle(life, event.at)

    def progress_read(self, event: events.ProgressRead) -> None:
        """The counter of finished work was read."""
        self._take(event.worker, event.at, lambda condition: condition.progressed(event))

    def usage_sampled(self, event: events.UsageSampled) -> None:
        """All workers were looked at."""
        for worker, usage in event.usages.items():
            if (life := self._lives.of(worker)) is not None:
                life.sample(usage, event.at)
            self._take(worker, event.at, lambda condition, usage=usage: condition.used(usage, event.at))  # type: ignore[misc]

    def log_matched(self, event: events.LogMatched) -> None:
        """The worker has written that it is ready."""
        if self.ready_when is ReadyWhen.LOG and event.worker in self._conditions:
            self._met.add(event.worker)
        self._take(event.worker, event.at)

    def registered(self, worker: str, now: Instant, *, own: bool) -> None:
        """A registration names the worker; ``own``: it made that itself, and so does its job."""
        if worker in self._conditions:
            self._registrations[worker] = own
            self._conditions[worker].lost = None if own else self._conditions[worker].lost
        self._take(worker, now, lambda _: [Finding(Sense.REGISTRATION, None)] if own else [])

    def need_not_register(self, worker: str, now: Instant, *, unknowable: bool) -> None:
        """It counts as running before a registration names it; ``unknowable``: whether one does is never known."""
        life, _ = self._of(worker)
        if life is None or self.ready_when is not ReadyWhen.REGISTERED:
            return
        self._lives.runs(life)
        if unknowable:
            self._registrations.setdefault(worker, False)
            self._take(worker, now)

    def registration_lost(self, worker: str, detail: str, now: Instant) -> None:
        """The worker has lost its registration, or never made one, and that is its own fault."""
        if (condition := self._conditions.get(worker)) is not None:
            condition.lost = detail
        self._take(worker, now, lambda _: [Finding(Sense.REGISTRATION, detail)])

    def zookeeper(self, *, away: bool, now: Instant) -> None:
        """While it is away nobody can register."""
        self._away = away
        if away and self.ready_when is ReadyWhen.REGISTERED:
            for worker in [life.worker for life in self._lives if not life.ready]:
                self._take(worker, now)

    def hold(self, senses: frozenset[str], now: Instant) -> None:
        """Verdicts of these senses are held from now on, and of no others."""
        if self._brake.hold(senses, now):
            self.look_again(now)

    def look_again(self, now: Instant) -> None:
        """There is more room: who is held is judged anew, on what is seen from now on."""
        for life in self._lives:
            condition = self._conditions.get(life.worker)
            if life.held is not None and condition is not None:
                condition.recheck_at = now + RECHECK_S
                self._schedule(life.worker, condition, now)

    # ---- time

    def expire(self, now: Instant) -> None:
        """Judge each life whose time has come."""
        due = self._deadlines.next()
        if due is not None and now - due > LATE_S:
            for worker, condition in self._conditions.items():
                condition.start_anew(now)
                self._schedule(worker, condition, now)
        for worker in list(self._deadlines.due(now)):
            self._take(worker, now, lambda condition: condition.overdue(now))

    # ---- how

    def _of(self, worker: str) -> tuple[Life | None, Condition | None]:
        return self._lives.of(worker), self._conditions.get(worker)

    def _take(self, worker: str, now: Instant, see: Callable[[Condition], Iterable[Finding]] = lambda _: ()) -> None:
        """Fold a fact in, and do what follows. What is told of a life that is gone, or is being stopped, is ignored."""
        life, condition = self._of(worker)
        if life is None or condition is None or life.is_stopping:
            return
        findings = list(see(condition))
        self._weigh(life, condition, now)
        if life.held is not None and condition.is_proven:
            findings.append(Finding(Sense.NOT_READY, None))
        for finding in findings:
            if finding.detail is None:
                self._acquit(life, finding.sense)
            else:
                self._accuse(life, finding, Verdict(finding.sense, finding.detail), now)
        if not life.is_stopping:
            self._schedule(worker, condition, now)

    def _schedule(self, worker: str, condition: Condition, now: Instant) -> None:
        """The next moment at which time alone may change something."""
        due, ready_at = condition.due(), self._ready_at(worker, condition)
        if ready_at is not None and ready_at > now:
            due = ready_at if due is None else min(due, ready_at)
        self._deadlines.set(worker, due)

    # ---- readiness

    def _when(self, worker: str) -> ReadyWhen:
        """A spare says that it is ready before it begins to wait, whatever the others do."""
        life = self._lives.of(worker)
        return ReadyWhen.NOTIFY if life is not None and life.role is Role.SPARE else self.ready_when

    def _weigh(self, life: Life, condition: Condition, now: Instant) -> None:
        """Is it ready? That condemns nobody."""
        if life.worker not in self._met and self._is_met(condition, now):
            self._met.add(life.worker)
        failing = "it says that it is stopping" if condition.leaving else condition.failing_probe
        if life.worker in self._met and failing is None:
            if not life.ready:
                condition.became_ready(now)
                if life.role is Role.SPARE:
                    condition.idle, condition.start_by = True, None  # it waits, and says nothing
                self._lives.runs(life)
                self.unready.discard(life.worker)
                self._lives.set_ready(life, now)
                self._incidents.ready(life, now)
                if life.slot is not None and self._brake.give_back(life.slot, now):
                    self.look_again(now)
        elif life.ready:
            self.unready.add(life.worker)
            self._lives.set_unready(life, str(failing))

    def _is_met(self, condition: Condition, now: Instant) -> bool:
        when = self._when(condition.worker)
        match when:
            case ReadyWhen.PROBE:
                return condition.all_probes_passed
            case ReadyWhen.AFTER | ReadyWhen.REGISTERED:
                if self._registrations.get(condition.worker) and when is ReadyWhen.REGISTERED:
                    return True
                at = self._ready_at(condition.worker, condition)
                return at is not None and at <= now
            case _:
                return False

    def _ready_at(self, worker: str, condition: Condition) -> Instant | None:
        """When it will be ready by having lived so long, if nothing happens.

        A registration that the worker did not make itself says nothing of it: it must have lived for a while, too.
        """
        if worker in self._met:
            return None
        when = self._when(worker)
        if when is ReadyWhen.AFTER:
            return condition.since + self._spec.ready_after_s
        if when is ReadyWhen.REGISTERED and (self._away or worker in self._registrations):
            return condition.since + self._spec.register_grace_s
        return None

    def _learn_notify(self, now: Instant) -> None:
        """A worker of this pool has said READY=1: all of them will."""
        if self._notify_is_known:
            return
        self._notify_is_known = True
        if self.ready_when is ReadyWhen.NOTIFY:
            for worker, condition in self._conditions.items():
                if worker not in self._met:
                    condition.start_by = now + self._spec.start_timeout_s  # nobody could know before
                    self._schedule(worker, condition, now)

    # ---- verdicts

    def _accuse(self, life: Life, finding: Finding, verdict: Verdict, now: Instant) -> None:
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

    def _carry_out(self, life: Life, finding: Finding, verdict: Verdict, now: Instant) -> None:
        life.held = None
        self._incidents.judged(life, verdict, now, held=False, since=finding.since)
        if life.slot is not None and not self._sentence.is_exempt(life):
            self._brake.take(life.slot)
        self._sentence.carry_out(life, verdict, now, at_once=finding.at_once)

    def _hold(self, life: Life, finding: Finding, verdict: Verdict, now: Instant) -> None:
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
