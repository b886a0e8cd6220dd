"""ZooKeeper in our words: the orders that an agent gives, and the events that come of them.

Everything happens in the loop's thread. Each part (registrations of workers and of the agent, election …) knows what is
wanted of it, closes the gap to what ZooKeeper holds while there is a connection (``resume``), and forgets what it was
about when there is none (``cut``). When that is so, ``pool_connection`` tells.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

from autohealer.coordination.pool.assignment import Plans, Setting
from autohealer.coordination.pool.codec import (
    RegistrationData,
    read_hold,
    read_target,
    write_hold,
    write_target,
    write_worker,
)
from autohealer.coordination.pool.departure import Departure
from autohealer.coordination.pool.ephemeral_node import NodeSession
from autohealer.coordination.pool.event_emitter import EventEmitter
from autohealer.coordination.pool.joining import Joining
from autohealer.coordination.pool.leadership import Leadership, LeadershipCallbacks
from autohealer.coordination.pool.paths import Paths
from autohealer.coordination.pool.pool_connection import ConnectionCallbacks, PoolConnection
from autohealer.coordination.pool.requests import RequestCallbacks, Requests
from autohealer.coordination.pool.worker_registrations import RegistrationCallbacks, WorkerRegistrations
from autohealer.coordination.session.batch import Batch
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.port import Joinable, SessionId
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core import events
from autohealer.core.cluster.judgements import SECOND_LOOK_S
from autohealer.core.model import AgentEntry, Hold, Plan
from autohealer.core.operations import Operation

LOOK_AGAIN_S = 30.0
LEAVE_WITHIN_S = 2.0


class Cluster:
    """One agent's place in its pool's cluster."""

    def __init__(
        self, ensemble: Ensemble, joining: Joining, scheduler: Scheduler, *, post: Callable[[events.Event], None]
    ) -> None:
        self.hosts = ensemble.hosts
        self._agent, self._host, self._scheduler = joining.agent, socket.gethostname(), scheduler
        self._call_soon, self._call_later = scheduler.call_soon, scheduler.call_later
        self._emitter = emitter = EventEmitter(post, scheduler.clock)
        self._emit, emitting = emitter.emit, emitter.emitting
        self._paths = paths = Paths(ensemble.chroot, joining.pool)
        callbacks = ConnectionCallbacks(
            resume=self._resume,
            cut=self._cut,
            session_ended=self._session_ended,
            uprooted=self._uprooted,
            written=self._wrote_own,
        )
        self._connection = PoolConnection(ensemble, joining, paths, scheduler, emitter, callbacks=callbacks)
        self._link = link = self._connection.link
        self._agent_registration = self._connection.registration
        access, self._bulk = ensemble.access, Batch(link)
        session = NodeSession(link, self._bulk, access)
        looking = LeadershipCallbacks(missed=self._agent_registration.missed, looked=self._looked)
        self._leadership = Leadership(session, paths, joining, scheduler, emitter, callbacks=looking)
        self._registrations = self._make_registrations(session)
        self._requests = self._make_requests(session)
        self._target: Setting[int] = Setting(
            link, paths.target, access, emitting(events.TargetRead), read=read_target, write=write_target
        )
        self._hold: Setting[Hold] = Setting(link, paths.hold, access, self._hold_read, read=read_hold, write=write_hold)
        self._plans = Plans(
            link, paths.plan, access, read=emitting(events.PlanRead), refused=emitting(events.PlanRefused)
        )
        self._is_pumping = self._is_leaving = self._has_looked_at_addresses = False
        self._departure: Departure | None = None

    def _make_registrations(self, session: NodeSession) -> WorkerRegistrations:
        emitting = self._emitter.emitting
        callbacks = RegistrationCallbacks(
            seen=emitting(events.RegistrationSeen),
            gone=emitting(events.RegistrationGone),
            made=emitting(events.StandInMade),
        )
        return WorkerRegistrations(
            session, self._paths, self._agent, callbacks, pump=self._pump, clock=self._scheduler.clock
        )

    def _make_requests(self, session: NodeSession) -> Requests:
        callbacks = RequestCallbacks(
            told=self._emitter.emitting(events.OperationRequested),
            gone=self._emitter.emitting(events.RequestGone),
            is_written=lambda: self._agent_registration.is_written,
            has_seen=self._leadership.has_seen,
            is_rolling_out=lambda: self._leadership.is_rolling_out,
        )
        return Requests(session, self._paths.requests, callbacks, pump=self._pump, now=self._connection.server_time)

    # ---- life

    def connect(self) -> None:
        """Begin. Whether and when ZooKeeper answers is told by events."""
        self._link.connect()
        self._call_later(LOOK_AGAIN_S, self._look_again)

    @property
    def session(self) -> SessionId | None:
        """The session's id and password, for a next life of this agent."""
        return self._link.session

    def leave(self) -> None:
        """Take away all that is this agent's; the last one takes the target too. Ends in ClusterLeft, soon."""
        if self._is_leaving:
            return
        self._is_leaving = True
        self._call_later(LEAVE_WITHIN_S, self._left)
        self._connection.leave()
        if not self._connection.is_member:
            self._call_soon(self._left)
            return
        self._link.forget_waiting()
        self._bulk.cut()
        own = [*self._registrations.standing(), *self._leadership.leave(), self._paths.agent(self._agent)]
        of_pool = [self._paths.target, self._paths.plan, self._paths.hold, *self._requests.leave()]
        self._target.leave()
        self._hold.leave()
        self._departure = Departure(
            self._link, self._bulk, self._paths.agents, own=own, of_pool=of_pool, ended=self._left
        )

    def _left(self) -> None:
        if self._departure is not None:
            self._departure.stop()
        self._emit(events.ClusterLeft)
        self._emitter.silence()

    def abandon(self) -> None:
        """Go without ending the session: the next agent here takes it up."""
        self._end()
        self._connection.abandon()

    def begin_close(self) -> Joinable | None:
        """Order nothing more, and end the session; what is waited for until it has ended."""
        self._end()
        return self._connection.begin_close()

    def _end(self) -> None:
        self._is_leaving = True
        self._emitter.silence()

    # ---- orders

    def watch_registration(self, worker: str) -> None:
        """Tell of the worker's own registration from now on."""
        self._registrations.watch(worker)

    def make_stand_in(
        self, worker: str, slot: int | None, pid: int, started: str, *, address: str | None = None
    ) -> None:
        """Register for the worker."""
        who = {"worker": worker, "agent": self._agent, "host": self._host}
        entry = RegistrationData(**who, pid=pid, slot=slot, address=address, started=started)
        self._registrations.stand_in(worker, write_worker(entry))

    def withdraw_stand_in(self, worker: str) -> None:
        """The worker's own registration is enough."""
        self._registrations.withdraw(worker)

    def announce_address(self, worker: str, address: str | None) -> None:
        """Where the worker is reached is to stand in the service registry; None: nothing of it."""
        self._registrations.announce(worker, address)

    def remove_registration(self, worker: str) -> None:
        """The worker is dead: none of its registrations may stay."""
        self._registrations.remove(worker)

    def publish_agent(self, entry: AgentEntry) -> None:
        """What this agent says of itself."""
        self._agent_registration.publish(entry)

    def write_target(self, workers: int) -> None:
        """Ends in TargetRead."""
        self._target.write(workers)

    @property
    def unwritten_hold(self) -> Hold | None:
        """What ``write_hold`` was given and ZooKeeper has not got yet."""
        return self._hold.unwritten

    def write_hold(self, hold: Hold) -> None:
        """Ends in HoldRead."""
        self._hold.write(hold)

    def write_plan(self, plan: Plan) -> None:
        """Ends in PlanRead, or in PlanRefused where this agent does not lead (any more)."""
        self._plans.write(plan, self._leadership.node if self._connection.is_admitted else None)

    def cut(self, seconds: float) -> None:
        """Be cut off from ZooKeeper for so long: for drills."""
        self._link.cut(seconds)

    def show_agents(self) -> None:
        """Somebody looks: for a while tell what every agent says of itself, as to a leader."""
        self._leadership.show_agents()

    def forward(self, operation: Operation, subjects: Iterable[str], done: Callable[[frozenset[str]], None]) -> None:
        """Ask the agents whom these subjects concern; ``done`` gets the requests' names when all are answered."""
        self._requests.forward(operation, subjects, done)

    def answer_request(self, request: str) -> None:
        """The request is done with."""
        self._requests.answer(request)

    def prove(self, asked_at: float) -> None:
        """Ends in AuthorityProven, or in nothing."""
        self._connection.prove(asked_at)

    # ---- the connection

    def _resume(self) -> None:
        """This agent is a member, or everything has been looked at again: close every gap."""
        self._leadership.stand()
        self._target.resume()
        self._hold.resume()
        self._plans.look()
        self._agent_registration.resume()
        self._registrations.resume()
        if self._connection.is_inherited and not self._has_looked_at_addresses:
            self._link.children(self._paths.services, self._looked_at_addresses)
        self._leadership.look()
        self._requests.resume()

    def _cut(self) -> None:
        self._bulk.cut()
        for part in (self._leadership, self._registrations, self._requests, self._target, self._hold, self._plans):
            part.cut()
        if self._departure is not None:
            self._departure.cut()

    def _session_ended(self) -> None:
        self._registrations.session_ended()
        self._leadership.session_ended()

    def _uprooted(self, made: frozenset[str]) -> None:
        self._registrations.uprooted(made)

    def _look_again(self) -> None:
        """What a lost watch has missed is found by looking at everything now and then."""
        if self._is_leaving:
            return
        self._call_later(LOOK_AGAIN_S, self._look_again)
        if self._connection.is_member:
            if self._leadership.is_leading:
                self._requests.sweep()
            self._registrations.tidy()
            self._connection.look_again()

    def _pump(self) -> None:
        if not self._is_pumping:
            self._is_pumping = True
            self._call_soon(self._pumped)

    def _pumped(self) -> None:
        self._is_pumping = False
        self._registrations.step()
        self._requests.step()
        self._bulk.flush()

    def _hold_read(self, hold: Hold | None) -> None:
        self._emit(events.HoldRead, frozenset() if hold is None else hold.senses)

    def _wrote_own(self, entry: AgentEntry) -> None:
        self._leadership.wrote_own(entry)
        self._requests.own_written()

    def _looked(self, names: list[str]) -> None:
        if self._registrations.look(names):
            self._call_later(SECOND_LOOK_S * 1.25, self._look_twice)

    def _look_twice(self) -> None:
        if self._connection.is_member and not self._is_leaving:
            self._leadership.look_at_workers()

    def _looked_at_addresses(self, names: Any, error: Exception | None) -> None:
        """The session is that of a former life: what it made and nobody needs any more is still there."""
        if error is None:
            self._has_looked_at_addresses = True
            self._registrations.look_at_addresses(names)
