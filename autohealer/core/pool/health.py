"""The one judge: whether each life is alive, ready, and faulty because of what.

Senses post facts; what a life's facts amount to is worked out in ``condition``, when it counts as ready in
``readiness``, and what is done about one that is faulty in ``verdicts``. Here these come together, for all lives.

What this agent learns late condemns nobody: where it was itself late (frozen, or the machine was), all clocks start
anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autohealer.core import events
from autohealer.core.actions import Action
from autohealer.core.deadlines import Deadlines
from autohealer.core.model import Instant, PoolSpec, ReadyWhen, Sense
from autohealer.core.pool.brake import Brake
from autohealer.core.pool.condition import Condition, Symptom
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life, Role
from autohealer.core.pool.lives import Lives
from autohealer.core.pool.readiness import Readiness
from autohealer.core.pool.verdicts import Sentence, Verdicts

LATE_S = 2.0
# A clock that ran out before there was room is looked at once more when so much of the new time has passed.
RECHECK_S = 1.0


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
        self._verdicts = Verdicts(spec, lives, brake, incidents=incidents, sentence=sentence, order=order)
        self._conditions: dict[str, Condition] = {}
        self.readiness = Readiness(spec)
        self.unready: set[str] = set()
        """Those that were ready and are not now."""
        self._deadlines: Deadlines[str] = Deadlines()

    def next_deadline(self) -> Instant | None:
        """When ``expire`` is to be called next."""
        return self._deadlines.next()

    # ---- lives come and go

    def started(self, life: Life, now: Instant, *, adopted: bool = False) -> None:
        """A life has a process."""
        condition = Condition(self._spec, life.worker, born=life.since, since=now)
        self._conditions[life.worker] = condition
        self.readiness.begin(life, condition, now, adopted=adopted)
        if adopted:
            self._lives.runs(life)
        self._weigh(life, condition, now)
        self._schedule(life.worker, condition, now)

    def promoted(self, life: Life, now: Instant) -> None:
        """A spare fills a slot: from now on it is looked at as any other. It was ready before it began to wait."""
        condition = self._conditions[life.worker]
        condition.idle, condition.beat_at, condition.counter = False, now, None
        condition.start_by = now + self._spec.start_timeout_s if self._spec.probes else None
        self._give_room_back(life, condition, now)
        self._schedule(life.worker, condition, now)

    def ended(self, life: Life) -> None:
        """A life is over: nothing is judged any more."""
        self._conditions.pop(life.worker, None)
        self.unready.discard(life.worker)
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
            condition.is_met = condition.is_met or self.readiness.when_of(life) is ReadyWhen.NOTIFY
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
            self._used(worker, usage, event.at)

    def _used(self, worker: str, usage: events.Usage, at: Instant) -> None:
        life, condition = self._of(worker)
        if life is not None:
            life.sample(usage, at)
        if life is None or condition is None:
            return
        # There may be thousands, and who only looks at what they use need not have each of them judged.
        is_found = condition.stopped_since is not None or life.held is not None
        if is_found or usage.state == "T" or self._spec.limits_usage:
            self._take(worker, at, lambda condition: condition.used(usage, at))

    def log_matched(self, event: events.LogMatched) -> None:
        """The worker has written that it is ready."""
        _, condition = self._of(event.worker)
        if condition is not None and self.readiness.when is ReadyWhen.LOG:
            condition.is_met = True
        self._take(event.worker, event.at)

    def registered(self, worker: str, now: Instant, *, own: bool) -> None:
        """A registration names the worker; ``own``: it made that itself, and so does its job."""
        _, condition = self._of(worker)
        if condition is not None:
            condition.registered = own
            condition.lost = None if own else condition.lost
        self._take(worker, now, lambda _: [Symptom(Sense.REGISTRATION, None)] if own else [])

    def need_not_register(self, worker: str, now: Instant, *, unknowable: bool) -> None:
        """It counts as running before a registration names it; ``unknowable``: whether one does is never known."""
        life, condition = self._of(worker)
        if life is None or condition is None or self.readiness.when is not ReadyWhen.REGISTERED:
            return
        self._lives.runs(life)
        if unknowable:
            condition.registered = condition.registered or False
            self._take(worker, now)

    def registration_lost(self, worker: str, detail: str, now: Instant) -> None:
        """The worker has lost its registration, or never made one, and that is its own fault."""
        if (condition := self._conditions.get(worker)) is not None:
            condition.lost = detail
        self._take(worker, now, lambda _: [Symptom(Sense.REGISTRATION, detail)])

    def zookeeper(self, *, away: bool, now: Instant) -> None:
        """While it is away nobody can register."""
        self.readiness.is_away = away
        if away and self.readiness.when is ReadyWhen.REGISTERED:
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

    def _take(self, worker: str, now: Instant, see: Callable[[Condition], Iterable[Symptom]] = lambda _: ()) -> None:
        """Fold a fact in, and do what follows. What is told of a life that is gone, or is being stopped, is ignored."""
        life, condition = self._of(worker)
        if life is None or condition is None or life.is_stopping:
            return
        findings = list(see(condition))
        self._weigh(life, condition, now)
        if life.held is not None and condition.is_proven:
            findings.append(Symptom(Sense.NOT_READY, None))
        for finding in findings:
            self._verdicts.judge(life, finding, now)
        if not life.is_stopping:
            self._schedule(worker, condition, now)

    def _schedule(self, worker: str, condition: Condition, now: Instant) -> None:
        """The next moment at which time alone may change something."""
        life, due = self._lives.of(worker), condition.due()
        ready_at = None if life is None else self.readiness.due(life, condition)
        if ready_at is not None and ready_at > now:
            due = ready_at if due is None else min(due, ready_at)
        self._deadlines.set(worker, due)

    # ---- readiness

    def _weigh(self, life: Life, condition: Condition, now: Instant) -> None:
        """Is it ready? That condemns nobody."""
        self.readiness.weigh(life, condition, now)
        failing = "it says that it is stopping" if condition.leaving else condition.failing_probe
        if condition.is_met and failing is None:
            if not life.ready:
                condition.became_ready(now)
                if life.role is Role.SPARE:
                    condition.idle, condition.start_by = True, None  # it waits, and says nothing
                self._lives.runs(life)
                self.unready.discard(life.worker)
                self._lives.set_ready(life, now)
                self._incidents.ready(life, now)
            self._give_room_back(life, condition, now)
        elif life.ready:
            self.unready.add(life.worker)
            self._lives.set_unready(life, str(failing))

    def _give_room_back(self, life: Life, condition: Condition, now: Instant) -> None:
        """It is ready: what it replaces is no more in the way of other verdicts.

        A spare was ready before anybody probed it; its probes have to pass first.
        """
        if life.slot is not None and condition.all_probes_passed and self._brake.give_back(life.slot, now):
            self.look_again(now)

    def _learn_notify(self, now: Instant) -> None:
        """A worker of this pool has said READY=1: all of them will."""
        if self.readiness.notify_is_known:
            return
        self.readiness.notify_is_known = True
        if self.readiness.when is ReadyWhen.NOTIFY:
            for worker, condition in self._conditions.items():
                if not condition.is_met:
                    condition.start_by = now + self._spec.start_timeout_s  # nobody could know before
                    self._schedule(worker, condition, now)
