"""ZooKeeper in our words: the orders that an agent gives, and the events that come of them.

Everything happens in the loop's thread. Each part (registrations of workers and of the agent, election …) knows what is
wanted of it, closes the gap to what ZooKeeper holds while there is a connection (``resume``), and forgets what it was
about when there is none (``cut``). A connection is of use once the base paths exist and this agent's name is known to
be its own.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

import msgspec
from msgspec.structs import replace

from autohealer.coordination.election.election import Election, ElectionCallbacks, random_token
from autohealer.coordination.pool.agent_registration import AdmissionCallbacks, AgentRegistration
from autohealer.coordination.pool.agents import Agents, AgentsCallbacks
from autohealer.coordination.pool.assignment import Plans, Setting
from autohealer.coordination.pool.base_paths import BasePaths
from autohealer.coordination.pool.codec import (
    RegistrationData,
    Request,
    read_hold,
    read_target,
    write_hold,
    write_target,
    write_worker,
)
from autohealer.coordination.pool.departure import Departure
from autohealer.coordination.pool.ephemeral_node import NodeSession
from autohealer.coordination.pool.listing import Listing
from autohealer.coordination.pool.paths import Paths
from autohealer.coordination.pool.requests import Requests
from autohealer.coordination.pool.worker_registrations import RegistrationCallbacks, WorkerRegistrations
from autohealer.coordination.session.access import Access
from autohealer.coordination.session.batch import Batch
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.link import Link
from autohealer.coordination.session.port import Joinable, SessionId
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core import events
from autohealer.core.cluster.judgements import SECOND_LOOK_S
from autohealer.core.model import AgentEntry, Hold, Plan
from autohealer.core.operations import VERBS, Operation

LOOK_AGAIN_S = 30.0
LEAVE_WITHIN_S = 2.0
SHOWN_S = 10.0
CLOSE_WITHIN_S = 1.0


class Joining(msgspec.Struct, frozen=True):
    """The agent that joins a pool."""

    pool: str
    agent: str
    prior_session: SessionId | None = None
    """The session of its former life, to go on with."""


class Cluster:
    """One agent's place in its pool's cluster."""

    def __init__(
        self,
        ensemble: Ensemble,
        joining: Joining,
        scheduler: Scheduler,
        *,
        post: Callable[[events.Event], None],
        token: Callable[[], str] = random_token,
    ) -> None:
        access, agent, prior_session = ensemble.access, joining.agent, joining.prior_session
        self.hosts = ensemble.hosts
        self._agent, self._host = agent, socket.gethostname()
        self._scheduler, self._wall, self._clock = scheduler, scheduler.wall, scheduler.clock
        self._tell, self._call_soon, self._call_later = post, scheduler.call_soon, scheduler.call_later
        self._paths = paths = Paths(ensemble.chroot, joining.pool)
        told = self._telling
        self._link = link = Link(ensemble, observer=self, call_soon=scheduler.call_soon, prior=prior_session)
        self._bulk = Batch(link)
        session = NodeSession(link, self._bulk, access)
        self._base_paths = BasePaths(link, paths, access, self._laid)
        self._answered: list[str] = []
        self._agent_registration = self._make_agent_registration(access, prior_session)
        callbacks = ElectionCallbacks(self._won, self._deposed)
        self._election = Election(link, paths.election, agent, access, callbacks, token=token)
        self._registrations = self._make_registrations(session)
        self._agents = self._make_agents()
        self._listing = self._make_listing()
        self._requests = self._make_requests(session)
        self._target: Setting[int] = Setting(
            link, paths.target, access, told(events.TargetRead), read=read_target, write=write_target
        )
        self._hold: Setting[Hold] = Setting(link, paths.hold, access, self._hold_read, read=read_hold, write=write_hold)
        self._plans = Plans(link, paths.plan, access, read=told(events.PlanRead), refused=told(events.PlanRefused))
        self._has_base_paths = self._admitted = self._taken_told = self._workers_stood = False
        self._pumping = self._leaving = self._silent = self._closed = False
        self._has_inherited = False
        self._looked_at = (0, 0)
        """The last transaction of ZooKeeper as of the last two looks at everything; 0: none in this connection."""
        self._departure: Departure | None = None
        self._shown_until = -inf
        self._denied_paths: set[str] = set()

    # ---- its parts

    def _make_agent_registration(self, access: Access, prior: SessionId | None) -> AgentRegistration:
        return AgentRegistration(
            self._link,
            self._paths.agent(self._agent),
            access,
            AdmissionCallbacks(self._admit, self._taken, self._wrote_own),
            self._scheduler,
            former=prior[0] if prior is not None else None,
        )

    def _make_registrations(self, session: NodeSession) -> WorkerRegistrations:
        callbacks = RegistrationCallbacks(
            seen=self._telling(events.RegistrationSeen),
            gone=self._telling(events.RegistrationGone),
            made=self._telling(events.StandInMade),
        )
        return WorkerRegistrations(session, self._paths, self._agent, callbacks, pump=self._pump, clock=self._clock)

    def _make_agents(self) -> Agents:
        callbacks = AgentsCallbacks(
            read=self._telling(events.AgentsRead),
            listed=self._telling(events.AgentsListed),
            lost=self._agents_lost,
            missed=self._agent_registration.missed,
        )
        return Agents(self._link, self._paths.agents, self._agent, callbacks, self._scheduler)

    def _make_listing(self) -> Listing:
        return Listing(
            self._link,
            self._paths.workers,
            self._scheduler,
            read=self._telling(events.ChildrenRead),
            looked=self._looked,
            is_calm=self._agents.explain,
        )

    def _make_requests(self, session: NodeSession) -> Requests:
        return Requests(
            session,
            self._paths.requests,
            told=self._requested,
            gone=lambda name: self._post(events.RequestGone(self._clock(), name)),
            pump=self._pump,
            wall=self._wall,
        )

    # ---- life

    def connect(self) -> None:
        """Begin. Whether and when ZooKeeper answers is told by events."""
        self._link.connect()
        self._call_later(LOOK_AGAIN_S, self._look_again)

    @property
    def session(self) -> SessionId | None:
        """The session's id and password, for a next life of this agent."""
        return self._link.session

    @property
    def is_up(self) -> bool:
        """Whether this agent is a member now: connected, with its name and all that it stands on."""
        return self._link.up and self._has_base_paths and self._admitted

    def leave(self) -> None:
        """Take away all that is this agent's; the last one takes the target too. Ends in ClusterLeft, soon."""
        if self._leaving:
            return
        self._leaving = True
        self._call_later(LEAVE_WITHIN_S, self._left)
        if not self.is_up:
            self._call_soon(self._left)
            return
        self._link.forget_waiting()
        self._bulk.cut()
        paths = self._registrations.standing()
        paths += [node for node in (self._election.node,) if node is not None]
        paths.append(self._paths.agent(self._agent))
        of_pool = [self._paths.target, self._paths.plan, self._paths.hold, *self._requests.leave()]
        for part in (self._agent_registration, self._election, self._target, self._hold):
            part.leave()
        self._listing.unfollow()
        self._departure = Departure(
            self._link, self._bulk, self._paths.agents, own=paths, of_pool=of_pool, ended=self._left
        )

    def close(self) -> None:
        """End the session, if the server can be reached; takes a second at most."""
        if (ending := self.begin_close()) is not None:
            ending.join(CLOSE_WITHIN_S)

    def abandon(self) -> None:
        """Go without ending the session: the next agent here takes it up."""
        self._closed = self._leaving = self._silent = True
        self._cut()
        self._link.abandon()

    def begin_close(self) -> Joinable | None:
        """Order nothing more, and end the session; what is waited for until it has ended."""
        if self._closed:
            return None
        self._closed = self._leaving = self._silent = True
        self._cut()
        if not self._agent_registration.shared:
            return self._link.begin_close()
        self._link.abandon()
        return None

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
        self._plans.write(plan, self._election.node if self._admitted else None)

    def cut(self, seconds: float) -> None:
        """Be cut off from ZooKeeper for so long: for drills."""
        self._link.cut(seconds)

    def show_agents(self) -> None:
        """Somebody looks: for a while tell what every agent says of itself, as to a leader."""
        if self._shown_until == -inf:
            self._agents.follow()
            self._call_later(SHOWN_S, self._still_shown)
        self._shown_until = self._clock() + SHOWN_S

    def _still_shown(self) -> None:
        left_s = self._shown_until - self._clock()
        if left_s > 0:
            self._call_later(left_s, self._still_shown)
            return
        self._shown_until = -inf
        if not self._election.leading:
            self._agents.unfollow()

    def forward(self, operation: Operation, subjects: Iterable[str], done: Callable[[frozenset[str]], None]) -> None:
        """Ask the agents whom these subjects concern; ``done`` gets the requests' names when all are answered."""
        expires_s = VERBS[operation.verb].expires_s
        if expires_s is None:
            raise ValueError(f"{operation.verb} is no request in ZooKeeper")
        until = self._wall() + expires_s
        # Ids of their own: this agent may be among those who are asked, and knows the operation already.
        asked = (replace(operation, id=f"{operation.id}/{subject}", subject=subject) for subject in subjects)
        self._requests.forward([Request(each, until) for each in asked], done)

    def answer_request(self, request: str) -> None:
        """The request is done with. It goes once what this agent says of itself stands: its outcome may be in that."""
        self._answered.append(request)
        self._take_answered_away()

    def _take_answered_away(self) -> None:
        if self._agent_registration.is_written:
            answered, self._answered = self._answered, []
            for request in answered:
                self._requests.answer(request)

    def prove(self, asked_at: float) -> None:
        """Ends in AuthorityProven, or in nothing.

        By a transaction that only checks: it changes nothing and wakes nobody, and yet it is a write, so that it is
        answered by a majority of the ensemble. A read would be answered by a server that is cut off from the others.
        Nothing is proven by an agent whose name still belongs to another session, its former life's perhaps: when that
        one ends, others take over what it ran.
        """

        def done(_value: Any, error: Exception | None) -> None:
            if error is None:
                self._post(events.AuthorityProven(self._clock(), asked_at))

        path = self._paths.workers
        if self.is_up:
            self._link.commit(path, lambda transaction: transaction.check(path, -1), done)

    # ---- the connection (LinkObserver)

    def opened(self, granted_s: float, *, resumed: bool) -> None:
        """A session is there."""
        if resumed:
            self._agent_registration.moved_in()
        self._has_inherited = resumed
        self._post(events.SessionOpened(self._clock(), granted_s, resumed))
        self._begin()

    def suspended(self) -> None:
        """The server does not answer."""
        self._cut()
        self._post(events.ConnectionSuspended(self._clock()))

    def resumed(self) -> None:
        """It answers again, in the same session."""
        self._post(events.ConnectionResumed(self._clock()))
        self._begin()

    def lost(self) -> None:
        """The session has ended."""
        self._cut()
        self._registrations.session_ended()
        self._election.session_ended()
        self._unfollow()
        self._post(events.SessionLost(self._clock()))

    def denied(self, path: str) -> None:
        """The server refuses these credentials."""
        if path not in self._denied_paths:
            self._denied_paths.add(path)
            what = f"ZooKeeper denies access to {path}" if path else "ZooKeeper refuses the credentials"
            self._post(events.AccessDenied(self._clock(), f"{what}: check AUTOHEALER_ZK_AUTH"))

    def _begin(self) -> None:
        if not self._leaving:
            self._base_paths.lay()
            self._agent_registration.check()

    def _cut(self) -> None:
        self._has_base_paths = self._admitted = False
        self._looked_at = (0, 0)
        self._bulk.cut()
        for part in (
            self._base_paths,
            self._agent_registration,
            self._election,
            self._registrations,
            self._listing,
            self._agents,
            self._requests,
            self._target,
            self._hold,
            self._plans,
        ):
            part.cut()
        if self._departure is not None:
            self._departure.cut()

    def _laid(self, made: frozenset[str]) -> None:
        if made and self._workers_stood:
            self._registrations.uprooted(made)
        if self._paths.workers in made and self._workers_stood:
            self._post(events.WorkersRecreated(self._clock()))
        self._workers_stood = self._has_base_paths = True
        self._resume()

    def _admit(self) -> None:
        self._taken_told = False
        if not self._admitted:
            self._admitted = True
            self._resume()

    def _taken(self) -> None:
        self._admitted = False
        if not self._taken_told:
            self._taken_told = True
            self._post(events.IdentityTaken(self._clock()))

    def _resume(self) -> None:
        """BasePaths and name are there, or have been looked at again: close every gap."""
        if self._leaving or not (self._has_base_paths and self._admitted):
            return
        self._election.resume()
        self._target.resume()
        self._hold.resume()
        self._plans.look()
        self._agent_registration.resume()
        self._agents.look()
        self._registrations.resume()
        if self._has_inherited:
            self._link.children(self._paths.services, self._looked_at_addresses)
        self._requests.resume()
        self._listing.look()

    def _look_again(self) -> None:
        """What a lost watch has missed is found by looking at everything now and then."""
        if self._leaving:
            return
        self._call_later(LOOK_AGAIN_S, self._look_again)
        if self._has_base_paths and self._admitted:
            if self._election.leading:
                self._requests.sweep()
            self._registrations.tidy()
            self._link.ask_zxid(self._look_at_changes)

    def _look_at_changes(self, zxid: int) -> None:
        """Nothing can have been missed where nothing was written since the last two looks.

        One is not enough, for some things are so only where two looks in a row have found them.
        """
        former, self._looked_at = self._looked_at, (self._looked_at[1], zxid)
        if former != (zxid, zxid) and not self._leaving:
            self._base_paths.lay()

    def _pump(self) -> None:
        if not self._pumping:
            self._pumping = True
            self._call_soon(self._pumped)

    def _pumped(self) -> None:
        self._pumping = False
        self._registrations.step()
        self._requests.step()
        self._bulk.flush()

    def _left(self) -> None:
        if self._departure is not None:
            self._departure.stop()
        self._post(events.ClusterLeft(self._clock()))
        self._silent = True

    def _hold_read(self, hold: Hold | None) -> None:
        self._post(events.HoldRead(self._clock(), frozenset() if hold is None else hold.senses))

    def _telling(self, kind: Callable[..., events.Event]) -> Callable[..., None]:
        """Something to be called with what makes up an event of this kind."""
        return lambda *facts: self._post(kind(self._clock(), *facts))

    def _post(self, event: events.Event) -> None:
        """What comes after the end (answers that were under way, a second ClusterLeft) is no news to anybody."""
        if not self._silent:
            self._tell(event)

    # ---- news

    def _won(self, epoch: int) -> None:
        self._post(events.LeadershipWon(self._clock(), epoch))
        self._agents.follow()
        self._listing.follow()

    def _deposed(self) -> None:
        self._unfollow()
        self._post(events.LeadershipLost(self._clock()))

    def _unfollow(self) -> None:
        """A leader knows more than others need."""
        self._listing.unfollow()
        if self._shown_until == -inf:
            self._agents.unfollow()

    def _agents_lost(self, then: Callable[[], None]) -> None:
        """A leader that hears of it has to know which registrations went with them."""
        if self._election.leading:
            self._listing.look_for(then)
        else:
            then()

    def _wrote_own(self, entry: AgentEntry) -> None:
        self._agents.wrote_own(entry)
        self._take_answered_away()

    def _looked(self, names: list[str]) -> None:
        if self._registrations.look(names):
            self._call_later(SECOND_LOOK_S * 1.25, self._look_twice)

    def _looked_at_addresses(self, names: Any, error: Exception | None) -> None:
        """The session is that of a former life: what it made and nobody needs any more is still there."""
        if error is None:
            self._has_inherited = False
            self._registrations.look_at_addresses(names)

    def _look_twice(self) -> None:
        if self._has_base_paths and self._admitted and not self._leaving:
            self._listing.look()

    def _requested(self, request: Request, stood: bool) -> None:
        self._post(events.OperationRequested(self._clock(), request.operation, stood))
