"""Ties the parts together: one event in, the actions that follow out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from autohealer.core import events
from autohealer.core.actions import Action, EndAgent
from autohealer.core.cluster.membership import Membership
from autohealer.core.cluster.registrations import Style
from autohealer.core.events import Event
from autohealer.core.incident import Incident
from autohealer.core.model import Instant, OnPartition, PoolSpec, RestartPolicy, SlotAccount
from autohealer.core.pool.draining import Draining
from autohealer.core.pool.snapshot import Snapshot, worker_views
from autohealer.core.pool.verbs import Verbs
from autohealer.core.pool.workers import Workers
from autohealer.core.rollout_spec import RolloutOrder

GAVE_UP = 4


class Identity(msgspec.Struct, frozen=True):
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
        self._workers = Workers(spec, me, order, revision=revision, former_style=style)
        if unfinished is not None:
            self._workers.rollouts.ask(unfinished)
        self._draining = Draining(me.agent, spec.drain_timeout_s, order)
        self._membership = Membership(
            spec,
            me,
            order,
            workers=self._workers,
            draining=self._draining,
            overwrite_target=overwrite_target,
        )
        self._verbs = Verbs(me.agent, self._workers, self._membership.assignment, self._draining, order)
        self._handlers: dict[type[Event], Callable[[Any], object]] = {
            **self._workers.handlers(),
            **self._membership.handlers(),
            events.DrainRequested: lambda e: self._draining.ask_to_end(e.cause, e.at, hand_over=e.hand_over),
            events.KillRequested: self._kill,
            events.OperationRequested: self._operation,
            events.FormerLifeFound: self._former_life,
            events.PoolRequestStands: self._pool_request_stands,
            events.RequestGone: self._request_gone,
            events.TargetRead: self._target_read,
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
        return self._membership.assignment.target_is_written

    @property
    def held(self) -> frozenset[str]:
        """The senses whose verdicts somebody holds."""
        return self._workers.brake.held

    @property
    def depends_on_usage(self) -> bool:
        """Whether what workers use leads to anything, beyond whether one is stopped."""
        return self._spec.limits_usage or self._spec.spares > 0

    @property
    def is_over(self) -> bool:
        """Whether this agent has drained, and nothing of it is left."""
        return self._draining.is_leaving

    @property
    def open_incidents(self) -> list[Incident]:
        """How those stand whose end is not known yet."""
        return self._workers.incidents.open

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
        return self._draining.drain is not None, self._workers.vacancies.accounts(self._workers.slots, now)

    def next_deadline(self) -> Instant | None:
        """When an event is due at the latest, be it only DeadlineReached; None: nothing is waited for."""
        moments = (
            *self._workers.deadlines(),
            *self._membership.deadlines(),
            self._draining.next_deadline(),
            self._workers.rollouts.next_deadline() if not self._draining.is_killing else None,
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def snapshot(self, now: Instant) -> Snapshot:
        """How things stand."""
        member, workers = self._membership, self._workers
        leader, plan, registrations = member.leader, member.leader.standing, workers.registrations
        return Snapshot(
            at=now,
            pool=self._spec.name,
            agent=self._me.agent,
            connected=not member.is_away,
            away_since=member.away_since,
            target=member.assignment.target,
            share=member.assignment.share,
            running=workers.up(member.assignment.share),
            registered=registrations.identified + min(leader.registered.anonymous, registrations.unregistered),
            foreign=plan.foreign if plan else None,
            leader=plan.leader if plan else None,
            epoch=plan.epoch if plan else None,
            draining=self._draining.drain is not None,
            agents={
                **dict.fromkeys(member.company.agents),
                **(leader.agents or {}),
                self._me.agent: member.publication.entry,
            },
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
        return [*self.take_in(event), *self.conclude(event.at)]

    def take_in(self, event: Event) -> list[Action]:
        """The first half of ``handle``, of which several may come before one ``conclude``, as in a storm of deaths."""
        return [*self.react(event), *self.follow(event.at)]

    def react(self, event: Event) -> list[Action]:
        """What cannot wait, such as the start of a dead worker's replacement.

        ``follow`` must follow, before the next event.
        """
        self._workers.begin(event.at)
        self._handlers[type(event)](event)
        return self._ordered()

    def follow(self, now: Instant) -> list[Action]:
        """What else belongs to this event, such as to tell of the death."""
        self._workers.follow(now)
        return self._ordered()

    def conclude(self, now: Instant) -> list[Action]:
        """The second half: all that follows from how things stand now, and from the time."""
        workers, member, draining = self._workers, self._membership, self._draining
        workers.expire(now)
        member.expire(now)
        if (over := workers.slots.over) is not None:
            draining.end(over.reason, now, leave_with=EndAgent(GAVE_UP, over.reason) if over.failed else EndAgent(0))
        member.prove(now)
        share = member.assignment.share if draining.drain is None else 0
        if not draining.is_killing:
            wanted = self._wanted(now)
            workers.slots.want(wanted, now)
            # Where less may run than the plan says, there is nothing to see of what is to be rolled out.
            is_held_back = draining.drain is None and wanted != share
            workers.roll(None if is_held_back else share, now, has_turn=member.has_turn)
        if self._spec.spares:
            workers.keep_spares(0 if draining.drain is not None else self._wanted(now), now)
        workers.make_room(member.assignment.share or 0, now)
        # Of what lacks in a pool that is to end nobody wants to know.
        workers.below.observe(max(0, (share or 0) - sum(workers.slots.finished)), workers.serving, now)
        member.speak(now)
        if workers.is_empty:
            draining.empty()
        return self._ordered()

    def _ordered(self) -> list[Action]:
        orders = self._orders.copy()
        self._orders.clear()
        return orders

    def _wanted(self, now: Instant) -> int | None:
        """How many workers this agent is to run now; None: those that it has. One that drains goes by the plan."""
        if self._draining.must_be_empty(now, may_hand_over=self._membership.may_hand_over):
            return 0
        return self._membership.allowed(now)

    # ---- people

    def _kill(self, event: events.KillRequested) -> None:
        self._draining.kill(event.at)
        self._workers.kill_all(event.at)

    def _operation(self, event: events.OperationRequested) -> None:
        member = self._membership
        self._verbs.begin(event.operation, event.at, is_away=member.is_away, is_alone=member.company.is_alone)

    def _former_life(self, event: events.FormerLifeFound) -> None:
        if event.draining:
            self._draining.go_on(event.at)
        self._workers.vacancies.carry(event.accounts, event.at)

    def _pool_request_stands(self, event: events.PoolRequestStands) -> None:
        self._membership.leader.request_stands(event.request)
        self._workers.rollouts.stands(event.request, event.outcome)

    def _request_gone(self, event: events.RequestGone) -> None:
        self._membership.leader.request_gone(event.request)
        self._workers.rollouts.request_gone(event.request)

    def _target_read(self, event: events.TargetRead) -> None:
        """The target that an agent which ends has read is the next one's business."""
        if not self._draining.is_ending:
            self._verbs.target_read(event.workers)
            self._membership.target_read(event)
