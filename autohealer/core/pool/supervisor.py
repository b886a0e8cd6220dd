"""Ties the parts together: one event in, the actions that follow out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from autohealer.core import events, notices
from autohealer.core.actions import (
    Action,
    AnswerOperation,
    EmitEvent,
    Exit,
    LeaveCluster,
    PublishAgent,
    RemoveRegistration,
    WriteHold,
    WriteTarget,
)
from autohealer.core.cluster.assignment import Assignment
from autohealer.core.cluster.fencing import Fencing
from autohealer.core.cluster.leader import Leader
from autohealer.core.cluster.policy import policy_of
from autohealer.core.cluster.registrations import Registrations, Style
from autohealer.core.events import Event
from autohealer.core.model import (
    AgentEntry,
    Instant,
    OnPartition,
    Plan,
    PoolSpec,
    ReadyWhen,
    RestartPolicy,
    SlotAccount,
    Verdict,
    WorkerId,
)
from autohealer.core.operations import Answer, Operation, count_of, done, refused
from autohealer.core.pool.below import Below
from autohealer.core.pool.brake import Brake, held_after
from autohealer.core.pool.health import Health
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life, Role, describe_exit
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.lives import Lives
from autohealer.core.pool.rollouts import Rollouts
from autohealer.core.pool.slots import Slots
from autohealer.core.pool.snapshot import Snapshot, worker_views
from autohealer.core.pool.spares import Spares
from autohealer.core.rollout_spec import RolloutOrder

# Beyond its timeout, until a dead agent's session is gone: a server looks for such every so often.
TICK_S = 2.0
LOOK_AGAIN_S = 1.0
# A heal that takes no longer is nobody else's business: two writes, and as many reads by the leader, are spared.
HEAL_S = 1.0
FAILED = 1
GAVE_UP = 4
KILLED = 130


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this agent is. ``nonce`` is new with each process, so that no worker id is used twice."""

    agent: str
    nonce: str
    host: str
    pid: int
    version: str
    http: str | None = None


@dataclass(frozen=True, slots=True)
class Drain:
    """This agent is to run nothing. It hands over until ``until`` at the latest, and then ends, or stays (``ends``)."""

    ends: bool
    until: Instant
    operations: tuple[Operation, ...] = ()


class Supervisor:
    """The state of one agent for one pool, changed by ``handle`` alone.

    ``overwrite_target``: this ``run`` asks for another number than the one before it, so it is written even where a
    target stands. ``revision``: number and hash of what workers are started from now; ``unfinished``: the rollout in
    the middle of which this agent's former life ended. ``style``: how this pool's workers were seen to register in that
    life; it says nothing of a command that is run when none of them is left.
    """

    def __init__(
        self,
        spec: PoolSpec,
        me: Identity,
        *,
        overwrite_target: bool,
        revision: tuple[int, str] = (1, ""),
        unfinished: RolloutOrder | None = None,
        style: Style = Style.UNKNOWN,
    ) -> None:
        self._spec, self._me = spec, me
        self._orders: list[Action] = []
        order = self._orders.append
        self._lives = Lives(spec, me.agent, me.nonce, order)
        self._incidents = Incidents(order)
        self._spares = Spares(spec, self._lives)
        self._slots = Slots(spec, self._lives, self._incidents, order, revision[0], take_spare=self._spares.take)
        self._brake = Brake(spec.max_faulty)
        self._health = Health(spec, self._lives, self._brake, incidents=self._incidents, sentence=self, order=order)
        self._below = Below(order)
        self._rollouts = Rollouts(
            spec, self._slots, self._lives, incidents=self._incidents, order=order, present_hash=revision[1]
        )
        if unfinished is not None:
            self._rollouts.ask(unfinished)
        self._former_style = style
        self._registrations = Registrations(
            spec, Style.UNKNOWN, order, self._registration_lost, self._registration_ready
        )
        self._leader = Leader(spec, me.agent, order)
        self._assignment = Assignment(spec, me.agent, order, overwrite_target=overwrite_target)
        self._entry = AgentEntry(
            me.host, me.pid, me.version, capacity=spec.capacity, http=me.http, policy=policy_of(spec)
        )
        self._published: AgentEntry | None = None
        self._now = 0.0
        self._session_timeout_s = 0.0
        self._peers: frozenset[str] = frozenset()
        self._unnamed: frozenset[str] = frozenset()
        self._away_since: Instant | None = 0.0
        self._had_session = self._resumed_session = False
        self._yield_at: Instant | None = None
        self._adopted = False
        self._drain: Drain | None = None
        self._fencing = Fencing(spec.on_partition, order)
        self._tell_at: Instant | None = None
        self._out_of_patience = self._killing = False
        self._leaving = False
        self._exit = Exit(0)
        self._scales: list[Operation] = []
        self._verbs: dict[str, Callable[[Operation, Instant], None]] = {
            "scale": self._scale,
            "stop": self._stop,
            "kill": self._kill_worker,
            "drain": self._drain_and_stay,
            "undrain": self._undrain,
            "hold": self._hold,
            "release": self._hold,
        }
        self._handlers: dict[type[Event], Callable[[Any], object]] = {
            events.WorkerExited: self._exited,
            events.WorkerSpawned: self._spawned,
            events.SpawnFailed: self._spawn_failed,
            events.SparePromoted: self._promoted,
            events.PromotionFailed: lambda e: self._slots.promotion_failed(e.worker, e.at),
            events.OrphansEnded: self._slots.orphans_ended,
            events.EvidenceTaken: self._evidence,
            events.FinishedFound: self._slots.restore,
            events.FormerLifeFound: self._former_life,
            events.WorkerAdopted: self._worker_adopted,
            events.ConnectionsSeen: lambda e: self._registrations.connections_seen(e.workers, e.at),
            events.DrainRequested: self._drain_requested,
            events.KillRequested: self._kill,
            events.OperationRequested: self._operation,
            events.RolloutRequested: lambda e: self._rollouts.ask(e.order),
            events.PoolRequestStands: self._pool_request_stands,
            events.RequestGone: self._request_gone,
            events.SessionOpened: self._session_opened,
            events.ConnectionSuspended: self._suspended,
            events.ConnectionResumed: self._resumed,
            events.SessionLost: self._session_lost,
            events.AuthorityProven: self._fencing.proven,
            events.WatchdogReady: self._fencing.guarding,
            events.WatchdogGone: self._fencing.guarding,
            events.LeadershipWon: self._leadership_won,
            events.LeadershipLost: self._leadership_lost,
            events.IdentityTaken: self._identity_taken,
            events.AccessDenied: self._access_denied,
            events.TargetRead: self._target_read,
            events.PlanRead: self._plan_read,
            events.PlanRefused: lambda e: self._leader.plan_refused(e.at, e.error),
            events.AgentsListed: self._agents_listed,
            events.AgentsRead: self._agents_read,
            events.ChildrenRead: self._children_read,
            events.RegistrationSeen: lambda e: self._registrations.seen(e.worker, e.at),
            events.RegistrationGone: lambda e: self._registrations.gone(e.worker, e.at),
            events.StandInMade: lambda e: self._registrations.stood_in(e.worker),
            events.WorkersRecreated: lambda e: self._unsettle(e.at),
            events.ClusterLeft: self._left,
            events.ProbeAnswered: self._health.probe_answered,
            events.NotifyReceived: self._health.notify_received,
            events.ProgressRead: self._health.progress_read,
            events.UsageSampled: self._usage,
            events.LogMatched: self._health.log_matched,
            events.HoldRead: lambda e: self._health.hold(e.senses, e.at),
            events.DeadlineReached: lambda _: None,
        }

    @property
    def style(self) -> Style:
        """How this pool's workers have been seen to register."""
        return self._registrations.style

    @property
    def target_is_written(self) -> bool:
        """Whether this ``run``'s number has had its say: from now on the target is what ``scale`` makes of it."""
        return self._assignment.target_is_written

    @property
    def is_over(self) -> bool:
        """Whether this agent has drained, and nothing of it is left."""
        return self._leaving

    def handle(self, event: Event) -> list[Action]:
        """Fold the event in, and say what is to be done now."""
        self._now = event.at
        self._handlers[type(event)](event)
        now = event.at
        self._lives.expire(now)
        self._slots.expire(now)
        self._registrations.expire(now)
        self._health.expire(now)
        if self._yield_at is not None and now >= self._yield_at:
            self._yield()
        if (over := self._slots.over) is not None and not self._ending:
            self._exit = Exit(GAVE_UP, over.reason) if over.failed else Exit(0)
            self._begin_drain(over.reason, Drain(ends=True, until=now))
        if self._away_since is None:
            self._fencing.prove(now)
        if not self._killing:
            self._slots.want(self._wanted(now), now)
            self._roll(now)
        self._keep_spares(now)
        self._make_room(now)
        self._below.observe(self._lacking_from, self._serving, now)
        self._publish(now)
        if self._may_decide:
            self._leader.decide(self._entry, now)
        if self._drain is not None and self._lives.empty and not self._leaving:
            self._drained(self._drain)
        orders = self._orders.copy()
        self._orders.clear()
        return orders

    def next_deadline(self) -> Instant | None:
        """When an event is due at the latest, be it only DeadlineReached; None: nothing is waited for."""
        leaders = self._leader.next_deadline() if self._may_decide else None
        drain = self._drain.until if self._drain is not None and not self._out_of_patience else None
        moments = (
            self._lives.next_deadline(),
            self._slots.next_deadline(),
            self._registrations.next_deadline(),
            self._health.next_deadline(),
            self._below.next_deadline(),
            self._spares.next_deadline(),
            leaders,
            drain,
            self._yield_at,
            self._rollouts.next_deadline() if not self._killing else None,
            self._tell_at,
            self._fencing.next_deadline(away=self._away_since is not None, runs=not self._slots.is_unwanted),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def reason_to_stay(self) -> str | None:
        """Why this agent cannot leave its workers to the next one here; None where it can."""
        if self._spec.on_partition is OnPartition.STOP:
            return "with --on-partition stop no worker outlives its agent"
        if self._rollouts.view() is not None:
            return "a rollout is under way"
        return "the agent is about to end" if self._ending or self._leaving else None

    def what_to_hand_over(self, now: Instant) -> tuple[bool, tuple[SlotAccount, ...]]:
        """For the next agent here: whether this one is drained, and the slots' accounts of restarts."""
        return self._drain is not None, self._slots.accounts(now)

    def snapshot(self, now: Instant) -> Snapshot:
        """How things stand."""
        leader, plan = self._leader, self._leader.standing
        return Snapshot(
            at=now,
            pool=self._spec.name,
            agent=self._me.agent,
            connected=self._away_since is None,
            away_since=self._away_since,
            target=self._assignment.target,
            share=self._assignment.share,
            running=self._up,
            registered=self._registrations.identified + min(leader.anonymous, self._registrations.unregistered),
            foreign=plan.foreign if plan else None,
            leader=plan.leader if plan else None,
            epoch=plan.epoch if plan else None,
            draining=self._drain is not None,
            agents={**dict.fromkeys(self._peers), **(leader.agents or {}), self._me.agent: self._entry},
            shares=plan.shares if plan else {},
            ready=sum(life.ready for life in self._lives if life.slot is not None),
            spares=self._spares.waiting if self._spec.spares else None,
            finished=None if self._spec.restart is RestartPolicy.ALWAYS else self._slots.finished,
            held=self._brake.held,
            workers=worker_views(self._slots, self._lives, self._registrations.registered, now),
            rollout=self._rollouts.view(),
        )

    # ---- processes

    def _worker_adopted(self, event: events.WorkerAdopted) -> None:
        self._adopted = True
        self._registrations.style = self._former_style
        life = self._slots.adopt(event)
        self._health.started(life, event.at, adopted=True)
        self._registrations.started(event.worker, event.at)

    def _spawned(self, event: events.WorkerSpawned) -> None:
        life = self._slots.spawned(event)
        if life is not None:
            self._health.started(life, event.at)
            if life.role is Role.SPARE:
                self._spares.started()
            else:
                self._registrations.started(event.worker, event.at)

    def _promoted(self, event: events.SparePromoted) -> None:
        life = self._slots.promoted(event.worker, event.at)
        if life is not None:
            self._health.promoted(life, event.at)
            self._registrations.started(event.worker, event.at)

    def _usage(self, event: events.UsageSampled) -> None:
        self._health.usage_sampled(event)
        if event.available is not None:
            self._spares.memory(event.available, (usage.rss for usage in event.usages.values()))

    def _exited(self, event: events.WorkerExited) -> None:
        life = self._lives.of(event.worker)
        on_trial = life is not None and life.on_trial
        if life is not None and not life.is_stopping and self._rollouts.judges(life):
            on_trial = life.slot is None or not self._slots.ends_for_good(event.code, event.signal)
            if on_trial:
                self._rollouts.ended(life, describe_exit(event.code, event.signal), event.at)
        end = self._slots.exited(event, on_trial=on_trial)
        if end is not None:
            self._health.ended(end.life)
            if end.life.role is Role.SPARE:
                self._spares.ended(end)
            self._rollouts.gone(end.life)
            self._registrations.ended(event.worker, event.at)

    def _evidence(self, event: events.EvidenceTaken) -> None:
        if (life := self._lives.of(event.worker)) is not None:
            self._incidents.learnt(life, event.evidence)
        self._lives.evidence(event)

    def _spawn_failed(self, event: events.SpawnFailed) -> None:
        life = self._lives.of(event.worker)
        on_trial = life is not None and not event.temporary and self._rollouts.judges(life)
        if on_trial and life is not None:
            self._rollouts.ended(life, event.error, event.at)
        failed = self._slots.spawn_failed(event, on_trial=on_trial)
        if failed is not None and failed.role is Role.SPARE:
            self._spares.not_started(failed, event.at)
        elif failed is not None:
            self._rollouts.not_started(failed, event.at, is_temporary=event.temporary)

    def _registration_lost(self, worker: str, detail: str, now: Instant) -> None:
        self._health.registration_lost(worker, detail, now)

    def _registration_ready(self, worker: str, registered: bool | None) -> None:
        if registered:
            self._health.registered(worker, self._now, own=self._registrations.owns(worker))
        else:
            self._health.need_not_register(worker, self._now, unknowable=registered is None)

    # ---- verdicts

    def is_exempt(self, life: Life) -> bool:
        """Verdicts on lives that a rollout judges, or that are beside the slots, are neither braked nor held."""
        return life.role is not Role.REGULAR or self._rollouts.judges(life)

    def carry_out(self, life: Life, verdict: Verdict, now: Instant, *, at_once: bool) -> None:
        """Stop a life that a sense found faulty, whereupon its slot is filled again."""
        if self._rollouts.judges(life):
            life.on_trial = True
            self._rollouts.faulty(life, verdict, now)
        self._lives.condemn(life, verdict, now, at_once=at_once)

    def recycle(self, life: Life, verdict: Verdict | None) -> None:
        """A life outgrew a limit that is not urgent: it is exchanged, replacement first, when its turn comes."""
        self._rollouts.recycle(life, verdict)

    def is_recycling(self, worker: str) -> bool:
        """Whether the worker outgrew a limit and waits to be exchanged."""
        return self._rollouts.is_recycling(worker)

    def _keep_spares(self, now: Instant) -> None:
        """While there are workers, once they are there: a spare is worth less than a worker that is being started."""
        if not self._spec.spares:
            return
        share = self._wanted(now)
        if self._killing or self._drain is not None:
            share = 0
        wanted = None if share is None or self._lives.count(WorkerState.STARTING) else share > 0
        self._spares.reconcile(
            wanted=False if share == 0 else wanted, revision=self._rollouts.revision_of_spares, now=now
        )

    def _make_room(self, now: Instant) -> None:
        """A slot that is not wanted any more, or finished, needs no replacement."""
        more = self._brake.set_share(self._assignment.share or 0, now)
        for index in self._brake.replacing:
            slot = self._slots.at(index)
            if slot is None or not slot.wanted or slot.is_finished:
                more = self._brake.give_back(index, now) or more
        if more:
            self._health.look_again(now)

    # ---- people

    def _former_life(self, event: events.FormerLifeFound) -> None:
        if event.draining:
            self._drain = Drain(ends=False, until=event.at)
        self._slots.carry(event.accounts, event.at)

    def _drain_requested(self, event: events.DrainRequested) -> None:
        if not self._ending:
            patience_s = self._spec.drain_timeout_s if event.hand_over else 0.0
            self._begin_drain(event.cause, Drain(ends=True, until=event.at + patience_s))

    def _begin_drain(self, cause: str, drain: Drain) -> None:
        self._drain = drain
        self._tell(notices.AgentDraining(self._me.agent, cause))

    @property
    def _ending(self) -> bool:
        return self._drain is not None and self._drain.ends

    def _wanted(self, now: Instant) -> int | None:
        """How many workers this agent is to run now. One that drains goes by the plan while others take over."""
        if self._drain is not None:
            self._out_of_patience = now >= self._drain.until
            if self._out_of_patience or not self._may_hand_over:
                return 0
        return self._fencing.allowed(self._assignment.share, now)

    @property
    def _may_hand_over(self) -> bool:
        """Whether there may be another agent that takes what this one gives away: if none does, the plan says so."""
        return self._away_since is None and bool(self._peers - {self._me.agent})

    def _drained(self, drain: Drain) -> None:
        """Nothing of this agent's workers is left."""
        for operation in drain.operations:
            self._answer(operation, done(f"agent {self._me.agent} is empty"))
        if drain.ends:
            self._leaving = True
            self._orders.append(LeaveCluster())
        elif drain.operations:
            self._drain = replace(drain, operations=())

    def _kill(self, event: events.KillRequested) -> None:
        self._drain, self._killing = Drain(ends=True, until=event.at), True
        self._out_of_patience = True
        self._exit = Exit(KILLED)
        self._slots.kill_all(event.at)

    def _operation(self, event: events.OperationRequested) -> None:
        """Begin with it, if it concerns this agent."""
        verb = self._verbs.get(event.operation.verb)
        if verb is not None:
            verb(event.operation, event.at)

    def _answer(self, operation: Operation, answer: Answer) -> None:
        self._orders.append(AnswerOperation(operation, answer))

    def _scale(self, operation: Operation, _: Instant) -> None:
        """Answered once the target has been written; the latest one counts."""
        workers = count_of(operation.subject)
        if workers is None:
            return
        for former in self._scales:
            self._answer(former, refused(f"overtaken by a scale to {workers}"))
        self._scales = []
        if self._away_since is not None and not self._peers - {self._me.agent}:
            self._assignment.scale_alone(workers)
            self._answer(operation, done(f"the target is {workers}; it is written when ZooKeeper is back"))
        else:
            self._scales = [operation]
            self._orders.append(WriteTarget(workers))

    def _stop(self, _: Operation, now: Instant) -> None:
        """Answered by the end of the agent."""
        self._drain_requested(events.DrainRequested(now, "autohealer stop", hand_over=False))

    def _kill_worker(self, operation: Operation, _: Instant) -> None:
        worker = WorkerId.parse(operation.subject)
        if worker is None or worker.agent != self._me.agent:
            return
        if self._lives.of(operation.subject) is None:
            self._answer(operation, refused(f"there is no worker {operation.subject}"))
            return
        self._incidents.killed_by(operation.subject, operation.by or "somebody")
        self._lives.kill(operation.subject)
        self._answer(operation, done(f"killed {operation.subject}"))

    def _hold(self, operation: Operation, now: Instant) -> None:
        """Hold or release verdicts: here at once, elsewhere once it has been written."""
        held = held_after(self._brake.held, operation.subject, release=operation.verb == "release")
        self._health.hold(held, now)
        self._orders.append(WriteHold(held, operation.by or "somebody"))
        what = f"held: {', '.join(sorted(held))}" if held else "nothing is held"
        later = "" if self._away_since is None else "; it is written when ZooKeeper is back"
        self._answer(operation, done(what + later))

    def _drain_and_stay(self, operation: Operation, now: Instant) -> None:
        if operation.subject != self._me.agent:
            return
        if self._drain is None:
            until = now + self._spec.drain_timeout_s
            self._begin_drain("autohealer drain", Drain(ends=False, until=until, operations=(operation,)))
        else:
            self._drain = replace(self._drain, operations=(*self._drain.operations, operation))

    def _undrain(self, operation: Operation, _: Instant) -> None:
        if operation.subject == self._me.agent:
            if self._ending:
                self._answer(operation, refused(f"agent {self._me.agent} is about to end"))
                return
            for overtaken in self._drain.operations if self._drain is not None else ():
                self._answer(overtaken, refused("undone before it was empty"))
            self._drain = None
            self._answer(operation, done(f"agent {self._me.agent} may have workers again"))

    def _roll(self, now: Instant) -> None:
        """One step of the rollout that is under way, if there is one."""
        alone = not self._peers - {self._me.agent}
        self._rollouts.step(
            0 if self._drain is not None else self._assignment.share,
            now,
            has_turn=alone or self._assignment.has_turn,
            readiness_is_told=self._health.ready_when is not ReadyWhen.REGISTERED,
        )

    def _pool_request_stands(self, event: events.PoolRequestStands) -> None:
        self._leader.requests.add(event.request)
        self._rollouts.stands(event.request, event.outcome)

    def _request_gone(self, event: events.RequestGone) -> None:
        self._leader.requests.discard(event.request)
        self._rollouts.request_gone(event.request)

    # ---- ZooKeeper

    def _session_opened(self, event: events.SessionOpened) -> None:
        self._session_timeout_s = event.timeout_s
        self._fencing.session_opened(event.timeout_s)
        self._leader.session_opened(event.at)
        self._tell(notices.ZooKeeperConnected(event.timeout_s, event.resumed))
        if self._adopted or self._had_session:
            self._unsettle(event.at)
        else:
            self._registrations.unsettle(-inf)
        self._end_absence(event.at)
        self._health.zookeeper(away=False, now=event.at)
        self._had_session, self._resumed_session = True, event.resumed
        if not event.resumed:
            self._assignment.session_opened()
        self._published = None

    def _suspended(self, event: events.ConnectionSuspended) -> None:
        if self._away_since is None:
            self._away_since = event.at
            self._registrations.unsettle(inf)
            self._health.zookeeper(away=True, now=event.at)
            self._tell(notices.ZooKeeperSuspended())

    def _resumed(self, event: events.ConnectionResumed) -> None:
        if self._away_since is None:
            return
        self._tell(notices.ZooKeeperConnected(self._session_timeout_s, resumed=True))
        self._unsettle(event.at)
        self._end_absence(event.at)
        self._health.zookeeper(away=False, now=event.at)

    def _session_lost(self, event: events.SessionLost) -> None:
        if self._away_since is None:
            self._away_since = event.at
            self._health.zookeeper(away=True, now=event.at)
        self._registrations.unsettle(inf)
        self._registrations.session_lost()
        self._fencing.session_lost()
        self._assignment.session_lost()
        self._leadership_lost(event)
        self._leader.agents_listed()
        self._tell(notices.ZooKeeperLost())

    def _end_absence(self, now: Instant) -> None:
        """ZooKeeper is there again. After a long absence the other agents are only just coming back, too."""
        if self._had_session and self._away_since is not None and now - self._away_since > self._session_timeout_s / 3:
            self._leader.hold(now + self._session_timeout_s, "ZooKeeper was away")
        self._away_since = None

    def _unsettle(self, now: Instant) -> None:
        """What vanishes within a session timeout of an outage is nobody's fault."""
        self._registrations.unsettle(now + self._session_timeout_s + self._spec.register_grace_s)

    def _leadership_won(self, event: events.LeadershipWon) -> None:
        self._leader.won(event.epoch)
        self._tell(notices.LeaderElected(self._me.agent, event.epoch))

    def _leadership_lost(self, _: Event) -> None:
        if self._leader.epoch is not None:
            self._tell(notices.LeaderLost(self._me.agent, self._leader.epoch))
        self._leader.lost()

    def _identity_taken(self, event: Event) -> None:
        """Two that go by one name would undo each other's work: the one that comes later yields.

        Unless it is this agent's own former life, whose session nobody has noted down and which is about to end.
        """
        if self._yield_at is None:
            patience_s = 0.0 if self._resumed_session else self._session_timeout_s + TICK_S
            self._yield_at = event.at + patience_s

    def _yield(self) -> None:
        self._yield_at = None
        self._orders.append(
            Exit(FAILED, f"another agent goes by the id {self._me.agent}: its state directory is a copy of this one's")
        )

    def _access_denied(self, event: events.AccessDenied) -> None:
        """At the start it is a mistake to be mended; later the workers matter more than ZooKeeper."""
        if self._assignment.share is None:
            self._orders.append(Exit(FAILED, event.error))

    def _target_read(self, event: events.TargetRead) -> None:
        if self._ending:
            return
        self._scales, scales = [], self._scales
        for operation in scales:
            if count_of(operation.subject) == event.workers:
                self._answer(operation, done(f"the target is {event.workers}"))
            else:
                self._scales.append(operation)
        self._assignment.target_read(event)
        self._leader.target_read(self._assignment.target)

    def _plan_read(self, event: events.PlanRead) -> None:
        former = self._leader.standing
        self._leader.plan_read(event.plan, event.mzxid)
        self._assignment.plan_read(event)
        self._lives.epoch = self._assignment.epoch
        if event.plan is None:
            return
        self._check_company(event.plan)
        if self._leader.agents is None and not self._assignment.was_found:
            # The plan names everybody who is there; who was never named yet may only just have come.
            named = frozenset(event.plan.shares)
            gone = (former.shares.keys() if former else named) - named
            self._meet(self._peers - gone | named)
        elsewhere = event.plan.anonymous and event.plan.leader != self._me.agent
        self._registrations.anonymous_elsewhere(elsewhere, event.at)

    def _check_company(self, plan: Plan) -> None:
        """Where workers may finish, only one agent can know how many have: another one that joins is refused."""
        finishes = plan.finishes or self._spec.restart is not RestartPolicy.ALWAYS
        if finishes and plan.leader != self._me.agent and not self._assignment.was_found and not self._ending:
            self._orders.append(
                Exit(
                    FAILED,
                    f"agent {plan.leader} runs pool {self._spec.name}, where workers may finish, and such a pool has"
                    " one agent: stop that one first, or take another --pool",
                )
            )

    def _agents_listed(self, event: events.AgentsListed) -> None:
        self._yield_at = None  # only who has the name gets to see the others
        standing = self._leader.standing
        unnamed = event.names - standing.shares.keys() if standing is not None else frozenset()
        # Whom the plan did not name at the look before either is no agent: a persistent node, as the leader knows.
        self._meet(event.names - (unnamed & self._unnamed) | {self._me.agent})
        self._unnamed = unnamed
        self._leader.agents_listed()

    def _agents_read(self, event: events.AgentsRead) -> None:
        self._yield_at = None
        self._meet(frozenset(event.agents))
        self._leader.agents_read(event.agents, event.at, self._session_timeout_s)

    def _meet(self, peers: frozenset[str]) -> None:
        """These are the agents now."""
        for agent in sorted(peers - self._peers):
            self._tell(notices.AgentJoined(agent))
        for agent in sorted(self._peers - peers):
            self._tell(notices.AgentLeft(agent))
        self._peers = peers

    def _children_read(self, event: events.ChildrenRead) -> None:
        new, left = self._leader.children_read(event.children, event.at)
        self._registrations.anonymous_vanished(left)
        for worker in self._leader.names_of(self._me.agent):
            if self._lives.of(worker) is None:
                self._orders.append(RemoveRegistration(worker))
        if new:
            self._registrations.anonymous_seen(event.at)

    def _left(self, _: events.ClusterLeft) -> None:
        self._orders.append(self._exit)

    # ---- how

    @property
    def _may_decide(self) -> bool:
        """Whether this agent, if it leads, knows enough to change the plan now."""
        return self._away_since is None and not self._registrations.inspecting and not self._leaving

    @property
    def _running(self) -> int:
        """What others go by: workers that do their job; where there may never be too many, every process."""
        if self._spec.on_partition is OnPartition.STOP:
            return len(self._lives) - (len(self._lives.with_role(Role.SPARE)) if self._spec.spares else 0)
        return self._up

    @property
    def _anonymous_spares(self) -> int:
        """Where registrations name nobody, some of them may be of spares, which register as soon as they like."""
        are_nameless = self._registrations.style is Style.ANONYMOUS
        return len(self._lives.with_role(Role.SPARE)) if are_nameless and self._spec.spares else 0

    @property
    def _up(self) -> int:
        """How many of this agent's share run. While a slot is exchanged a surge stands for it."""
        running, surges = (self._lives.count(WorkerState.RUNNING, role) for role in (Role.REGULAR, Role.SURGE))
        return max(running, min(self._assignment.share or 0, running + surges))

    @property
    def _lacking_from(self) -> int:
        """How many workers there should be here, of which people are told when some lack; 0 while that is no news."""
        if self._drain is not None or self._leaving or self._killing:
            return 0
        return max(0, (self._assignment.share or 0) - sum(self._slots.finished))

    @property
    def _serving(self) -> int:
        """How many of those do their job."""
        surges = self._lives.count(WorkerState.RUNNING, Role.SURGE)
        return self._lives.count(WorkerState.RUNNING) + surges - len(self._health.unready)

    def _publish(self, now: Instant) -> None:
        entry = replace(
            self._entry,
            share=self._assignment.share or 0,
            running=self._running,
            unregistered=self._registrations.unregistered + self._anonymous_spares,
            departed=self._registrations.departed(now),
            draining=self._drain is not None,
            plan=self._assignment.followed,
            revision=self._rollouts.entry(),
        )
        self._entry = entry
        if not self._is_healing(entry):
            self._tell_at = None
        elif self._tell_at is None:
            self._tell_at = now + HEAL_S
        if entry != self._published and not self._leaving and (self._tell_at is None or now >= self._tell_at):
            self._tell_at, self._published = None, entry
            self._orders.append(PublishAgent(entry))

    def _is_healing(self, entry: AgentEntry) -> bool:
        """Whether all of the share ran, as was said, and nothing has changed but that some of it does not now.

        Where there may never be too many, others may be waiting for every end.
        """
        published = self._published
        return (
            self._spec.on_partition is OnPartition.KEEP
            and published is not None
            and entry.running < entry.share == published.running
            and entry == replace(published, running=entry.running)
        )

    def _tell(self, notice: notices.Notice) -> None:
        self._orders.append(EmitEvent(notice))
