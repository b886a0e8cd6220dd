"""This agent's workers as a whole: lives, slots, spares, rollouts, and the judge, tied together.

What happens to processes and what senses and registrations tell comes in here; how many workers are wanted is told by
``Supervisor``, which knows of the other agents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from autohealer.core import events
from autohealer.core.actions import Action
from autohealer.core.cluster.registrations import Registrations, Style
from autohealer.core.events import Event
from autohealer.core.model import Instant, PoolSpec, ReadyWhen, Verdict
from autohealer.core.pool.below import Below
from autohealer.core.pool.brake import Brake
from autohealer.core.pool.health import Health
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Ended, Life, Role, describe_exit
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.lives import Lives
from autohealer.core.pool.occupancy import Occupancy
from autohealer.core.pool.rollouts import Rollouts
from autohealer.core.pool.slot import Slot
from autohealer.core.pool.slots import Slots
from autohealer.core.pool.spares import Spares
from autohealer.core.pool.vacancies import Vacancies

if TYPE_CHECKING:
    from autohealer.core.pool.supervisor import Identity


class Workers:
    """All that this agent runs. ``revision``: number and hash of what workers are started from.

    ``former_style``: how this pool's workers were seen to register in this agent's former life; it counts where any of
    them is found.
    """

    def __init__(
        self,
        spec: PoolSpec,
        me: Identity,
        order: Callable[[Action], None],
        *,
        revision: tuple[int, str],
        former_style: Style,
    ) -> None:
        self._spec, self._former_style = spec, former_style
        self.lives = Lives(spec, me.agent, me.nonce, order, me.host)
        self.incidents = Incidents(order)
        self.spares = Spares(spec, self.lives)
        self.vacancies = Vacancies(spec, self.incidents, order)
        self.slots = Slots(self.lives, self.vacancies, self.incidents, revision[0], take_spare=self.spares.take)
        self._occupancy = Occupancy(
            spec, self.slots, self.lives, vacancies=self.vacancies, incidents=self.incidents, order=order
        )
        self.brake = Brake(spec.max_faulty)
        self.health = Health(spec, self.lives, self.brake, incidents=self.incidents, sentence=self, order=order)
        self.rollouts = Rollouts(
            spec, self.slots, self.lives, incidents=self.incidents, order=order, present_hash=revision[1]
        )
        self.registrations = Registrations(
            spec, Style.UNKNOWN, order, self._lost, self._accounted, address=self.lives.address_of
        )
        self.below = Below(order)
        self.were_adopted = False
        """Whether any of them is of this agent's former life."""
        self._now: Instant = 0.0
        self._ended: tuple[Ended, Slot | None] | None = None
        """A life whose end is known, and whose place is filled again; ``conclude`` sees to the rest."""

    def handlers(self) -> Mapping[type[Event], Callable[[Any], object]]:
        """Who takes which event."""
        health, registrations = self.health, self.registrations
        return {
            events.ProcessExited: self._exited,
            events.WorkerSpawned: self._spawned,
            events.SpawnFailed: self._spawn_failed,
            events.SparePromoted: self._promoted,
            events.PromotionFailed: lambda e: self._occupancy.promotion_failed(e.worker, e.at),
            events.OrphansEnded: self._occupancy.orphans_ended,
            events.EvidenceTaken: self._evidence,
            events.FinishedFound: self.slots.restore,
            events.WorkerFound: self._adopted,
            events.RolloutRequested: lambda e: self.rollouts.ask(e.order),
            events.ConnectionsSeen: lambda e: registrations.connections_seen(e.workers, e.at),
            events.RegistrationSeen: self._registered,
            events.RegistrationGone: lambda e: registrations.gone(e.worker, e.at),
            events.StandInMade: lambda e: registrations.stood_in(e.worker),
            events.ProbeAnswered: health.probe_answered,
            events.NotifyReceived: health.notify_received,
            events.ProgressRead: health.progress_read,
            events.UsageSampled: self._usage,
            events.LogMatched: health.log_matched,
            events.HoldRead: lambda e: health.hold(e.senses, e.at),
        }

    # ---- what can be asked

    def up(self, share: int | None) -> int:
        """How many of this share run. While a slot is exchanged a surge stands for it."""
        running, surges = (self.lives.count(WorkerState.RUNNING, role) for role in (Role.REGULAR, Role.SURGE))
        return max(running, min(share or 0, running + surges))

    @property
    def serving(self) -> int:
        """How many do their job, surges among them."""
        surges = self.lives.count(WorkerState.RUNNING, Role.SURGE)
        return self.lives.count(WorkerState.RUNNING) + surges - len(self.health.unready)

    @property
    def processes(self) -> int:
        """How many have a process or are being started; a spare has nothing to do yet."""
        return len(self.lives) - (len(self.lives.with_role(Role.SPARE)) if self._spec.spares else 0)

    @property
    def unregistered(self) -> int:
        """How many may hold an anonymous registration: spares, too, which register as soon as they like."""
        are_nameless = self.registrations.style is Style.ANONYMOUS and self._spec.spares
        spares = len(self.lives.with_role(Role.SPARE)) if are_nameless else 0
        return self.registrations.unregistered + spares

    @property
    def is_empty(self) -> bool:
        """Whether no process, nor anything that one left behind, is there."""
        return not self.lives and self._occupancy.clearing.is_over

    def deadlines(self) -> Iterable[Instant | None]:
        """When ``expire``, or ``want``, is to be called next, of each part."""
        return (
            self.lives.next_deadline(),
            self.slots.next_deadline(),
            self.registrations.next_deadline(),
            self.health.next_deadline(),
            self.below.next_deadline(),
            self.spares.next_deadline(),
        )

    # ---- time, and what is wanted

    def begin(self, now: Instant) -> None:
        """An event of this moment is about to be taken in."""
        self._now = now

    def follow(self, now: Instant) -> None:
        """Do what follows from the end of a life, but for the start of its replacement, which was first."""
        if self._ended is None:
            return
        (end, slot), self._ended = self._ended, None
        self._occupancy.ended(end, slot, now)
        self.health.ended(end.life)
        if end.life.role is Role.SPARE:
            self.spares.ended(end)
        self.rollouts.gone(end.life)
        self.registrations.ended(end.life.worker, now)

    def expire(self, now: Instant) -> None:
        """Do what the time has come for."""
        self.lives.expire(now)
        self.slots.expire(now)
        self.registrations.expire(now)
        self.health.expire(now)

    def kill_all(self, now: Instant) -> None:
        """Be done at once with every process and all that they left."""
        self.slots.kill_all(now)
        self._occupancy.clearing.kill_all()

    def roll(self, share: int | None, now: Instant, *, has_turn: bool) -> None:
        """One step of the rollout that is under way, if there is one."""
        told = self.health.readiness.when is not ReadyWhen.REGISTERED
        self.rollouts.step(share, now, has_turn=has_turn, readiness_is_told=told)

    def keep_spares(self, share: int | None, now: Instant) -> None:
        """While there are workers, once they are there: a spare is worth less than a worker that is being started."""
        wanted = None if share is None or self.lives.count(WorkerState.STARTING) else share > 0
        revision = self.rollouts.revision_of_spares
        self.spares.reconcile(wanted=False if share == 0 else wanted, revision=revision, now=now)

    def make_room(self, share: int, now: Instant) -> None:
        """A slot that is not wanted any more, or finished, needs no replacement."""
        more = self.brake.set_share(share, now)
        for index in self.brake.replacing:
            slot = self.slots.at(index)
            if slot is None or not slot.wanted or slot.is_finished:
                more = self.brake.give_back(index, now) or more
        if more:
            self.health.look_again(now)

    # ---- verdicts

    def is_exempt(self, life: Life) -> bool:
        """Verdicts on lives that a rollout judges, or that are beside the slots, are neither braked nor held."""
        return life.role is not Role.REGULAR or self.rollouts.judges(life)

    def carry_out(self, life: Life, verdict: Verdict, now: Instant, *, at_once: bool) -> None:
        """Stop a life that a sense found faulty, whereupon its slot is filled again."""
        if self.rollouts.judges(life):
            life.on_trial = True
            self.rollouts.faulty(life, verdict, now)
        self.lives.condemn(life, verdict, now, at_once=at_once)

    def recycle(self, life: Life, verdict: Verdict | None) -> None:
        """A life outgrew a limit that is not urgent: it is exchanged, replacement first, when its turn comes."""
        self.rollouts.recycle(life, verdict, self._now)

    # ---- what is observed

    def _adopted(self, event: events.WorkerFound) -> None:
        self.were_adopted = True
        self.registrations.style = self._former_style
        life = self.slots.adopt(event)
        self.health.started(life, event.at, adopted=True)
        self.registrations.started(event.worker, event.at)

    def _spawned(self, event: events.WorkerSpawned) -> None:
        life = self._occupancy.spawned(event)
        if life is not None:
            self.health.started(life, event.at)
            if life.role is Role.SPARE:
                self.spares.started()
            else:
                self.registrations.started(event.worker, event.at)

    def _promoted(self, event: events.SparePromoted) -> None:
        life = self._occupancy.promoted(event.worker, event.at)
        if life is not None:
            self.health.promoted(life, event.at)
            self.registrations.started(event.worker, event.at)

    def _exited(self, event: events.ProcessExited) -> None:
        life = self.lives.of(event.worker)
        on_trial = life is not None and life.on_trial
        if life is not None and not life.is_stopping and self.rollouts.judges(life):
            on_trial = life.slot is None or not self.vacancies.finishing.ends_for_good(event.code, event.signal)
            if on_trial:
                self.rollouts.ended(life, describe_exit(event.code, event.signal), event.at)
        slot = None if life is None else self.slots.of(life)
        end = self._occupancy.exited(event, on_trial=on_trial)
        self._ended = None if end is None else (end, slot)

    def _registered(self, event: events.RegistrationSeen) -> None:
        if (life := self.lives.of(event.worker)) is not None:
            self.lives.set_address(life, event.address)
        self.registrations.seen(event.worker, event.at)

    def _spawn_failed(self, event: events.SpawnFailed) -> None:
        life = self.lives.of(event.worker)
        on_trial = life is not None and not event.temporary and self.rollouts.judges(life)
        if on_trial and life is not None:
            self.rollouts.ended(life, event.error, event.at)
        failed = self._occupancy.spawn_failed(event, on_trial=on_trial)
        if failed is not None and failed.role is Role.SPARE:
            self.spares.not_started(failed, event.at)
        elif failed is not None:
            self.rollouts.not_started(failed, event.at, is_temporary=event.temporary)

    def _evidence(self, event: events.EvidenceTaken) -> None:
        if (life := self.lives.of(event.worker)) is not None:
            self.incidents.learnt(life, event.evidence)
        self.lives.evidence(event)

    def _usage(self, event: events.UsageSampled) -> None:
        self.health.usage_sampled(event)
        if event.available is not None:
            self.rollouts.memory(event.available)
            self.spares.memory(event.available, (usage.rss for usage in event.usages.values()))

    def _lost(self, worker: str, detail: str, now: Instant) -> None:
        self.health.registration_lost(worker, detail, now)

    def _accounted(self, worker: str, registered: bool | None) -> None:
        if registered:
            self.health.registered(worker, self._now, own=self.registrations.owns(worker))
        else:
            self.health.need_not_register(worker, self._now, unknowable=registered is None)
