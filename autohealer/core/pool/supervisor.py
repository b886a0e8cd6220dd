"""Ties the parts together: one event in, the actions that follow out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from autohealer.core import events, notices
from autohealer.core.actions import Action, EmitEvent, Exit, RemoveRegistration
from autohealer.core.cluster.assignment import Assignment
from autohealer.core.cluster.company import FAILED, TICK_S, Company
from autohealer.core.cluster.fencing import Fencing
from autohealer.core.cluster.leader import Leader
from autohealer.core.cluster.policy import policy_of
from autohealer.core.cluster.publication import Publication
from autohealer.core.cluster.registrations import Style
from autohealer.core.events import Event
from autohealer.core.model import AgentEntry, Instant, OnPartition, PoolSpec, RestartPolicy, SlotAccount
from autohealer.core.pool.draining import Draining
from autohealer.core.pool.snapshot import Snapshot, worker_views
from autohealer.core.pool.verbs import Verbs
from autohealer.core.pool.workers import Workers
from autohealer.core.rollout_spec import RolloutOrder

GAVE_UP = 4


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this agent is. ``nonce`` is new with each process, so that no worker id is used twice."""

    agent: str
    nonce: str
    host: str
    pid: int
    version: str
    http: str | None = None


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
        self._workers = Workers(spec, me.agent, me.nonce, order, revision=revision, former_style=style)
        if unfinished is not None:
            self._workers.rollouts.ask(unfinished)
        self._leader = Leader(spec, me.agent, order)
        self._assignment = Assignment(spec, me.agent, order, overwrite_target=overwrite_target)
        entry = AgentEntry(me.host, me.pid, me.version, capacity=spec.capacity, http=me.http, policy=policy_of(spec))
        self._publication = Publication(spec.on_partition, entry, order)
        self._company = Company(spec, me.agent, order)
        self._draining = Draining(me.agent, spec.drain_timeout_s, order)
        self._fencing = Fencing(spec.on_partition, order)
        self._verbs = Verbs(me.agent, self._workers, self._assignment, self._draining, order)
        self._session_timeout_s = 0.0
        self._away_since: Instant | None = 0.0
        self._had_session = self._resumed_session = False
        self._handlers: dict[type[Event], Callable[[Any], object]] = {
            **self._workers.handlers(),
            events.DrainRequested: lambda e: self._draining.ask_to_end(e.cause, e.at, hand_over=e.hand_over),
            events.KillRequested: self._kill,
            events.OperationRequested: self._operation,
            events.FormerLifeFound: self._former_life,
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
            events.WorkersRecreated: lambda e: self._unsettle(e.at),
            events.ClusterLeft: lambda _: order(self._draining.exit),
            events.DeadlineReached: lambda _: None,
        }

    # ---- what can be asked

    @property
    def style(self) -> Style:
        """How this pool's workers have been seen to register."""
        return self._workers.registrations.style

    @property
    def target_is_written(self) -> bool:
        """Whether this ``run``'s number has had its say: from now on the target is what ``scale`` makes of it."""
        return self._assignment.target_is_written

    @property
    def is_over(self) -> bool:
        """Whether this agent has drained, and nothing of it is left."""
        return self._draining.is_leaving

    def is_recycling(self, worker: str) -> bool:
        """Whether the worker outgrew a limit and waits to be exchanged."""
        return self._workers.rollouts.is_recycling(worker)

    def reason_to_stay(self) -> str | None:
        """Why this agent cannot leave its workers to the next one here; None where it can."""
        if self._spec.on_partition is OnPartition.STOP:
            return "with --on-partition stop no worker outlives its agent"
        if self._workers.rollouts.view() is not None:
            return "a rollout is under way"
        is_ending = self._draining.is_ending or self._draining.is_leaving
        return "the agent is about to end" if is_ending else None

    def what_to_hand_over(self, now: Instant) -> tuple[bool, tuple[SlotAccount, ...]]:
        """For the next agent here: whether this one is drained, and the slots' accounts of restarts."""
        return self._draining.drain is not None, self._workers.slots.accounts(now)

    def next_deadline(self) -> Instant | None:
        """When an event is due at the latest, be it only DeadlineReached; None: nothing is waited for."""
        workers = self._workers
        moments = (
            *workers.deadlines(),
            self._leader.next_deadline() if self._may_decide else None,
            self._draining.next_deadline(),
            self._company.next_deadline(),
            workers.rollouts.next_deadline() if not self._draining.is_killing else None,
            self._publication.next_deadline(),
            self._fencing.next_deadline(away=self._away_since is not None, runs=not workers.slots.is_unwanted),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def snapshot(self, now: Instant) -> Snapshot:
        """How things stand."""
        leader, plan, workers = self._leader, self._leader.standing, self._workers
        entry, registrations = self._publication.entry, workers.registrations
        return Snapshot(
            at=now,
            pool=self._spec.name,
            agent=self._me.agent,
            connected=self._away_since is None,
            away_since=self._away_since,
            target=self._assignment.target,
            share=self._assignment.share,
            running=workers.up(self._assignment.share),
            registered=registrations.identified + min(leader.anonymous, registrations.unregistered),
            foreign=plan.foreign if plan else None,
            leader=plan.leader if plan else None,
            epoch=plan.epoch if plan else None,
            draining=self._draining.drain is not None,
            agents={**dict.fromkeys(self._company.agents), **(leader.agents or {}), self._me.agent: entry},
            shares=plan.shares if plan else {},
            ready=sum(life.ready for life in workers.lives if life.slot is not None),
            spares=workers.spares.waiting if self._spec.spares else None,
            finished=None if self._spec.restart is RestartPolicy.ALWAYS else workers.slots.finished,
            held=workers.brake.held,
            workers=worker_views(workers.slots, workers.lives, registrations.registered, now),
            rollout=workers.rollouts.view(),
        )

    # ---- one event in

    def handle(self, event: Event) -> list[Action]:
        """Fold the event in, and say what is to be done now."""
        now, workers, draining = event.at, self._workers, self._draining
        workers.begin(now)
        self._handlers[type(event)](event)
        workers.expire(now)
        self._company.expire(now)
        if (over := workers.slots.over) is not None:
            draining.end(over.reason, now, leave_with=Exit(GAVE_UP, over.reason) if over.failed else Exit(0))
        if self._away_since is None:
            self._fencing.prove(now)
        if not draining.is_killing:
            share = None if draining.drain is None else 0
            workers.slots.want(self._wanted(now), now)
            has_turn = self._company.is_alone or self._assignment.has_turn
            workers.roll(self._assignment.share if share is None else share, now, has_turn=has_turn)
        workers.keep_spares(0 if draining.drain is not None else self._wanted(now), now)
        workers.make_room(self._assignment.share or 0, now)
        workers.below.observe(self._expected, workers.serving, now)
        self._publish(now)
        if self._may_decide:
            self._leader.decide(self._publication.entry, now)
        if workers.lives.empty:
            draining.empty()
        orders = self._orders.copy()
        self._orders.clear()
        return orders

    def _wanted(self, now: Instant) -> int | None:
        """How many workers this agent is to run now; None: those that it has. One that drains goes by the plan."""
        # There may be another agent that takes what this one gives away: if none does, the plan says so.
        may_hand_over = self._away_since is None and not self._company.is_alone
        if self._draining.must_be_empty(now, may_hand_over=may_hand_over):
            return 0
        return self._fencing.allowed(self._assignment.share, now)

    @property
    def _may_decide(self) -> bool:
        """Whether this agent, if it leads, knows enough to change the plan now."""
        is_inspecting = self._workers.registrations.inspecting
        return self._away_since is None and not is_inspecting and not self._draining.is_leaving

    @property
    def _expected(self) -> int:
        """How many workers there should be here, of which people are told when some lack; 0 while that is no news."""
        if self._draining.drain is not None:
            return 0
        return max(0, (self._assignment.share or 0) - sum(self._workers.slots.finished))

    def _publish(self, now: Instant) -> None:
        """What others go by: workers that do their job; where there may never be too many, every process."""
        if self._draining.is_leaving:
            return
        workers, share = self._workers, self._assignment.share
        is_strict = self._spec.on_partition is OnPartition.STOP
        entry = replace(
            self._publication.entry,
            share=share or 0,
            running=workers.processes if is_strict else workers.up(share),
            unregistered=workers.unregistered,
            departed=workers.registrations.departed(now),
            draining=self._draining.drain is not None,
            plan=self._assignment.followed,
            revision=workers.rollouts.entry(),
        )
        self._publication.say(entry, now)

    # ---- people

    def _kill(self, event: events.KillRequested) -> None:
        self._draining.kill(event.at)
        self._workers.slots.kill_all(event.at)

    def _operation(self, event: events.OperationRequested) -> None:
        is_away = self._away_since is not None
        self._verbs.begin(event.operation, event.at, is_away=is_away, is_alone=self._company.is_alone)

    def _former_life(self, event: events.FormerLifeFound) -> None:
        if event.draining:
            self._draining.go_on(event.at)
        self._workers.slots.carry(event.accounts, event.at)

    def _pool_request_stands(self, event: events.PoolRequestStands) -> None:
        self._leader.requests.add(event.request)
        self._workers.rollouts.stands(event.request, event.outcome)

    def _request_gone(self, event: events.RequestGone) -> None:
        self._leader.requests.discard(event.request)
        self._workers.rollouts.request_gone(event.request)

    # ---- ZooKeeper

    def _session_opened(self, event: events.SessionOpened) -> None:
        self._session_timeout_s = event.timeout_s
        self._fencing.session_opened(event.timeout_s)
        self._leader.session_opened(event.at)
        self._tell(notices.ZooKeeperConnected(event.timeout_s, event.resumed))
        if self._workers.were_adopted or self._had_session:
            self._unsettle(event.at)
        else:
            self._workers.registrations.unsettle(-inf)
        self._end_absence(event.at)
        self._workers.health.zookeeper(away=False, now=event.at)
        self._had_session, self._resumed_session = True, event.resumed
        if not event.resumed:
            self._assignment.session_opened()
        self._publication.session_opened()

    def _suspended(self, event: events.ConnectionSuspended) -> None:
        if self._away_since is None:
            self._away_since = event.at
            self._workers.registrations.unsettle(inf)
            self._workers.health.zookeeper(away=True, now=event.at)
            self._tell(notices.ZooKeeperSuspended())

    def _resumed(self, event: events.ConnectionResumed) -> None:
        if self._away_since is None:
            return
        self._tell(notices.ZooKeeperConnected(self._session_timeout_s, resumed=True))
        self._unsettle(event.at)
        self._end_absence(event.at)
        self._workers.health.zookeeper(away=False, now=event.at)

    def _session_lost(self, event: events.SessionLost) -> None:
        if self._away_since is None:
            self._away_since = event.at
            self._workers.health.zookeeper(away=True, now=event.at)
        self._workers.registrations.unsettle(inf)
        self._workers.registrations.session_lost()
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
        self._workers.registrations.unsettle(now + self._session_timeout_s + self._spec.register_grace_s)

    def _leadership_won(self, event: events.LeadershipWon) -> None:
        self._leader.won(event.epoch)
        self._tell(notices.LeaderElected(self._me.agent, event.epoch))

    def _leadership_lost(self, _: Event) -> None:
        if self._leader.epoch is not None:
            self._tell(notices.LeaderLost(self._me.agent, self._leader.epoch))
        self._leader.lost()

    def _identity_taken(self, event: Event) -> None:
        self._company.name_taken(event.at, 0.0 if self._resumed_session else self._session_timeout_s + TICK_S)

    def _access_denied(self, event: events.AccessDenied) -> None:
        """At the start it is a mistake to be mended; later the workers matter more than ZooKeeper."""
        if self._assignment.share is None:
            self._orders.append(Exit(FAILED, event.error))

    def _target_read(self, event: events.TargetRead) -> None:
        if self._draining.is_ending:
            return
        self._verbs.target_read(event.workers)
        self._assignment.target_read(event)
        self._leader.target_read(self._assignment.target)

    def _plan_read(self, event: events.PlanRead) -> None:
        former = self._leader.standing
        self._leader.plan_read(event.plan, event.mzxid)
        self._assignment.plan_read(event)
        self._workers.lives.epoch = self._assignment.epoch
        if event.plan is None:
            return
        if not self._assignment.was_found and not self._draining.is_ending:
            self._company.check(event.plan)
        if self._leader.agents is None and not self._assignment.was_found:
            self._company.named(event.plan.shares, former)
        elsewhere = event.plan.anonymous and event.plan.leader != self._me.agent
        self._workers.registrations.anonymous_elsewhere(elsewhere, event.at)

    def _agents_listed(self, event: events.AgentsListed) -> None:
        self._company.listed(event.names, self._leader.standing)
        self._leader.agents_listed()

    def _agents_read(self, event: events.AgentsRead) -> None:
        self._company.read(frozenset(event.agents))
        self._leader.agents_read(event.agents, event.at, self._session_timeout_s)

    def _children_read(self, event: events.ChildrenRead) -> None:
        new, left = self._leader.children_read(event.children, event.at)
        self._workers.registrations.anonymous_vanished(left)
        for worker in self._leader.names_of(self._me.agent):
            if self._workers.lives.of(worker) is None:
                self._orders.append(RemoveRegistration(worker))
        if new:
            self._workers.registrations.anonymous_seen(event.at)

    def _tell(self, notice: notices.Notice) -> None:
        self._orders.append(EmitEvent(notice))
