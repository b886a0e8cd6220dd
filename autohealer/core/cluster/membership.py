"""This agent's place among the agents of its pool: its session, what it reads of the others, and what it says.

What happens in ZooKeeper comes in here. It knows who leads, who is there, and how many workers this agent is to run;
what becomes of those is told to ``workers``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from autohealer.core import events, notices
from autohealer.core.actions import Action, EmitEvent, EndAgent, RemoveRegistration
from autohealer.core.cluster.assignment import Assignment
from autohealer.core.cluster.company import FAILED, TICK_S, Company
from autohealer.core.cluster.fencing import Fencing
from autohealer.core.cluster.leader import Leader
from autohealer.core.cluster.policy import policy_of
from autohealer.core.cluster.publication import Publication
from autohealer.core.events import Event
from autohealer.core.model import AgentEntry, Instant, OnPartition, PoolSpec

if TYPE_CHECKING:
    from autohealer.core.pool.draining import Draining
    from autohealer.core.pool.supervisor import Identity
    from autohealer.core.pool.workers import Workers


class Membership:
    """``workers`` are this agent's own.

    ``overwrite_target``: this ``run`` asks for another number than the one before it did.
    """

    def __init__(
        self,
        spec: PoolSpec,
        me: Identity,
        order: Callable[[Action], None],
        *,
        workers: Workers,
        draining: Draining,
        overwrite_target: bool,
    ) -> None:
        agent = me.agent
        entry = AgentEntry(me.host, me.pid, me.version, capacity=spec.capacity, http=me.http, policy=policy_of(spec))
        self._spec, self._agent, self._order = spec, agent, order
        self._workers, self._draining = workers, draining
        self.leader = Leader(spec, agent, order)
        self.assignment = Assignment(spec, agent, order, overwrite_target=overwrite_target)
        self.company = Company(spec, agent, order)
        self.publication = Publication(spec.on_partition, entry, order)
        self.fencing = Fencing(spec.on_partition, order)
        self.away_since: Instant | None = 0.0
        """Since when ZooKeeper has not answered; None while it does."""
        self._timeout_s = 0.0
        self._had_session = self._resumed_session = False

    def handlers(self) -> Mapping[type[Event], Callable[[Any], object]]:
        """Who takes which event."""
        return {
            events.SessionOpened: self._session_opened,
            events.ConnectionSuspended: self._suspended,
            events.ConnectionResumed: self._resumed,
            events.SessionLost: self._session_lost,
            events.AuthorityProven: self.fencing.proven,
            events.WatchdogReady: self.fencing.guarding,
            events.WatchdogGone: self.fencing.guarding,
            events.LeadershipWon: self._leadership_won,
            events.LeadershipLost: self._leadership_lost,
            events.IdentityTaken: self._identity_taken,
            events.AccessDenied: self._access_denied,
            events.PlanRead: self._plan_read,
            events.PlanRefused: lambda e: self.leader.plan_refused(e.at, e.error),
            events.AgentsListed: self._agents_listed,
            events.AgentsRead: self._agents_read,
            events.ChildrenRead: self._children_read,
            events.WorkersRecreated: lambda e: self._unsettle(e.at),
        }

    # ---- what can be asked

    @property
    def is_away(self) -> bool:
        """Whether ZooKeeper does not answer."""
        return self.away_since is not None

    @property
    def may_hand_over(self) -> bool:
        """Whether there may be another agent that takes what this one gives away: if none does, the plan says so."""
        return not self.is_away and not self.company.is_alone

    @property
    def has_turn(self) -> bool:
        """Whether this agent may roll out what the whole pool was asked for."""
        return self.company.is_alone or self.assignment.has_turn

    @property
    def _may_decide(self) -> bool:
        """Whether this agent, if it leads, knows enough to change the plan now."""
        is_inspecting = self._workers.registrations.anonymous.is_inspecting
        return not self.is_away and not is_inspecting and not self._draining.is_leaving

    def allowed(self, now: Instant) -> int | None:
        """How many workers this agent may run now; None: those that it has, and no new ones."""
        return self.fencing.allowed(self.assignment.share, now)

    def deadlines(self) -> Iterable[Instant | None]:
        """When ``expire`` or ``speak`` is to be called next, of each part."""
        return (
            self.leader.next_deadline() if self._may_decide else None,
            self.company.next_deadline(),
            self.publication.next_deadline(),
            self.fencing.next_deadline(away=self.is_away, runs=not self._workers.slots.is_unwanted),
        )

    # ---- time

    def expire(self, now: Instant) -> None:
        """Do what the time has come for."""
        self.company.expire(now)

    def prove(self, now: Instant) -> None:
        """Have the session prove itself again, if it is time for that."""
        if not self.is_away:
            self.fencing.prove(now)

    def speak(self, now: Instant) -> None:
        """Say what has changed of this agent, and, if it leads, what all are to run."""
        if not self._draining.is_leaving:
            self.publication.say(self._entry(now), now)
        if self._may_decide:
            self.leader.decide(self.publication.entry, now)

    def _entry(self, now: Instant) -> AgentEntry:
        """What others go by: workers that do their job; where there may never be too many, every process."""
        workers, share = self._workers, self.assignment.share
        is_strict = self._spec.on_partition is OnPartition.STOP
        return replace(
            self.publication.entry,
            share=share or 0,
            running=workers.processes if is_strict else workers.up(share),
            unregistered=workers.unregistered,
            departed=workers.registrations.anonymous.departed(now),
            draining=self._draining.drain is not None,
            plan=self.assignment.followed,
            revision=workers.rollouts.entry(),
        )

    # ---- what is observed

    def _session_opened(self, event: events.SessionOpened) -> None:
        self._timeout_s = event.timeout_s
        self.fencing.session_opened(event.timeout_s)
        self.leader.session_opened(event.at)
        self._tell(notices.ZooKeeperConnected(event.timeout_s, event.resumed))
        if self._workers.were_adopted or self._had_session:
            self._unsettle(event.at)
        else:
            self._workers.registrations.unsettle(-inf)
        self._end_absence(event.at)
        self._workers.health.zookeeper(away=False, now=event.at)
        self._had_session, self._resumed_session = True, event.resumed
        if not event.resumed:
            self.assignment.session_opened()
        self.publication.session_opened()

    def _suspended(self, event: events.ConnectionSuspended) -> None:
        if self.away_since is None:
            self.away_since = event.at
            self._workers.registrations.unsettle(inf)
            self._workers.health.zookeeper(away=True, now=event.at)
            self._tell(notices.ZooKeeperSuspended())

    def _resumed(self, event: events.ConnectionResumed) -> None:
        if self.away_since is None:
            return
        self._tell(notices.ZooKeeperConnected(self._timeout_s, resumed=True))
        self._unsettle(event.at)
        self._end_absence(event.at)
        self._workers.health.zookeeper(away=False, now=event.at)

    def _session_lost(self, event: events.SessionLost) -> None:
        if self.away_since is None:
            self.away_since = event.at
            self._workers.health.zookeeper(away=True, now=event.at)
        self._workers.registrations.unsettle(inf)
        self._workers.registrations.session_lost()
        self.fencing.session_lost()
        self.assignment.session_lost()
        self._leadership_lost(event)
        self.leader.agents_listed()
        self._tell(notices.ZooKeeperLost())

    def _end_absence(self, now: Instant) -> None:
        """ZooKeeper is there again. After a long absence the other agents are only just coming back, too."""
        if self._had_session and self.away_since is not None and now - self.away_since > self._timeout_s / 3:
            self.leader.hold(now + self._timeout_s, "ZooKeeper was away")
        self.away_since = None

    def _unsettle(self, now: Instant) -> None:
        """What vanishes within a session timeout of an outage is nobody's fault."""
        self._workers.registrations.unsettle(now + self._timeout_s + self._spec.register_grace_s)

    def _leadership_won(self, event: events.LeadershipWon) -> None:
        self.leader.won(event.epoch)
        self._tell(notices.LeaderElected(self._agent, event.epoch))

    def _leadership_lost(self, _: Event) -> None:
        if self.leader.epoch is not None:
            self._tell(notices.LeaderLost(self._agent, self.leader.epoch))
        self.leader.lost()

    def _identity_taken(self, event: Event) -> None:
        self.company.name_taken(event.at, 0.0 if self._resumed_session else self._timeout_s + TICK_S)

    def _access_denied(self, event: events.AccessDenied) -> None:
        """At the start it is a mistake to be mended; later the workers matter more than ZooKeeper."""
        if self.assignment.share is None:
            self._order(EndAgent(FAILED, event.error))

    def target_read(self, event: events.TargetRead) -> None:
        """The target as it stands."""
        self.assignment.target_read(event)
        self.leader.target_read(self.assignment.target)

    def _plan_read(self, event: events.PlanRead) -> None:
        former = self.leader.standing
        self.leader.plan_read(event.plan, event.mzxid)
        self.assignment.plan_read(event)
        self._workers.lives.epoch = self.assignment.epoch
        if event.plan is None:
            return
        if not self.assignment.was_found and not self._draining.is_ending:
            self.company.check(event.plan)
        if self.leader.agents is None and not self.assignment.was_found:
            self.company.named(event.plan.shares, former)
        elsewhere = event.plan.anonymous and event.plan.leader != self._agent
        self._workers.registrations.anonymous.seen_elsewhere(elsewhere, event.at)

    def _agents_listed(self, event: events.AgentsListed) -> None:
        self.company.listed(event.names, self.leader.standing)
        self.leader.agents_listed()

    def _agents_read(self, event: events.AgentsRead) -> None:
        self.company.read(frozenset(event.agents))
        self.leader.agents_read(event.agents, event.at, self._timeout_s)

    def _children_read(self, event: events.ChildrenRead) -> None:
        new, left = self.leader.children_read(event.children, event.at)
        self._workers.registrations.anonymous.vanished(left)
        for worker in self.leader.registered.names_of(self._agent):
            if self._workers.lives.of(worker) is None:
                self._order(RemoveRegistration(worker))
        if new:
            self._workers.registrations.anonymous.seen(event.at)

    def _tell(self, notice: notices.Notice) -> None:
        self._order(EmitEvent(notice))
