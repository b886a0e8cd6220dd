"""This agent's connection to its pool: when it is a member, and when it is not any more.

A connection is of use once the base paths exist and this agent's name is known to be its own: then it is a member. That
is found out anew with each connection. What is due then and afterwards is the cluster's, which is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from autohealer.coordination.pool.agent_registration import AdmissionCallbacks, AgentRegistration
from autohealer.coordination.pool.base_paths import BasePaths
from autohealer.coordination.pool.event_emitter import EventEmitter
from autohealer.coordination.pool.joining import Joining
from autohealer.coordination.pool.paths import Paths
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.link import Link
from autohealer.coordination.session.port import Joinable
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.coordination.session.server_clock import ServerClock
from autohealer.core import events
from autohealer.core.model import AgentEntry


class ConnectionCallbacks(msgspec.Struct, frozen=True):
    """Who hears how an agent is connected to its pool, beside the events."""

    resume: Callable[[], None]
    """Called when the agent has become a member, and again after each look at what may have changed."""

    cut: Callable[[], None]
    """Called when the connection is gone."""

    session_ended: Callable[[], None]
    """Called when the session is gone, too."""

    uprooted: Callable[[frozenset[str]], None]
    """Called with those of the base paths that somebody has deleted, and that have been made again."""

    written: Callable[[AgentEntry], None]
    """Called with what this agent says of itself when that stands."""


class PoolConnection:
    """The link, observed: base paths and name are seen to in each connection."""

    def __init__(
        self,
        ensemble: Ensemble,
        joining: Joining,
        paths: Paths,
        scheduler: Scheduler,
        emitter: EventEmitter,
        *,
        callbacks: ConnectionCallbacks,
    ) -> None:
        access, prior = ensemble.access, joining.prior_session
        self._workers, self._callbacks, self._emit = paths.workers, callbacks, emitter.emit
        server_clock = ServerClock(scheduler)
        self.server_time = server_clock.now
        self.link = Link(ensemble, observer=self, call_soon=scheduler.call_soon, prior=prior)
        self.registration = AgentRegistration(
            self.link,
            paths.agent(joining.agent),
            access,
            AdmissionCallbacks(self._admit, self._taken, callbacks.written, server_clock.wrote),
            scheduler,
            former=prior[0] if prior is not None else None,
        )
        self._base_paths = BasePaths(self.link, paths, access, self._laid)
        self._has_base_paths = self._admitted = self._taken_told = self._workers_stood = False
        self._is_leaving = self._is_closed = False
        self.is_inherited = False
        """Whether the session is that of a former life of this agent."""

        self._looked_at = (0, 0)
        """The last transaction of ZooKeeper as of the last two looks at everything; 0: none in this connection."""
        self._denied_paths: set[str] = set()

    @property
    def is_member(self) -> bool:
        """Whether this agent is a member now: connected, with its name and all that it stands on."""
        return self.link.up and self._has_base_paths and self._admitted

    @property
    def is_admitted(self) -> bool:
        """Whether the name is this agent's, as far as is known in this connection."""
        return self._admitted

    def look_again(self) -> None:
        """Look at everything, if anything may have been missed: where something was written since the last two looks.

        One is not enough, for some things are so only where two looks in a row have found them.
        """
        self.link.ask_zxid(self._look_at_changes)

    def _look_at_changes(self, zxid: int) -> None:
        former, self._looked_at = self._looked_at, (self._looked_at[1], zxid)
        if former != (zxid, zxid) and not self._is_leaving:
            self._base_paths.lay()

    def prove(self, asked_at: float) -> None:
        """Ends in AuthorityProven, or in nothing.

        By a transaction that only checks: it changes nothing and wakes nobody, and yet it is a write, so that it is
        answered by a majority of the ensemble. A read would be answered by a server that is cut off from the others.
        Nothing is proven by an agent whose name still belongs to another session, its former life's perhaps: when that
        one ends, others take over what it ran.
        """

        def done(_value: Any, error: Exception | None) -> None:
            if error is None:
                self._emit(events.AuthorityProven, asked_at)

        if self.is_member:
            self.link.commit(self._workers, lambda transaction: transaction.check(self._workers, -1), done)

    # ---- the end

    def leave(self) -> None:
        """Look after nothing any more."""
        self._is_leaving = True
        self.registration.leave()

    def abandon(self) -> None:
        """Go without ending the session: the next agent here takes it up."""
        self._use_no_more()
        self.link.abandon()

    def begin_close(self) -> Joinable | None:
        """Use it no more, and end the session; what is waited for until it has ended."""
        if self._is_closed:
            return None
        self._use_no_more()
        if not self.registration.shared:
            return self.link.begin_close()
        self.link.abandon()
        return None

    def _use_no_more(self) -> None:
        self._is_closed = self._is_leaving = True
        self._cut()

    # ---- the link (LinkObserver)

    def opened(self, granted_s: float, *, resumed: bool) -> None:
        """A session is there."""
        if resumed:
            self.registration.moved_in()
        self.is_inherited = resumed
        self._emit(events.SessionOpened, granted_s, resumed)
        self._begin()

    def suspended(self) -> None:
        """The server does not answer."""
        self._cut()
        self._emit(events.ConnectionSuspended)

    def resumed(self) -> None:
        """It answers again, in the same session."""
        self._emit(events.ConnectionResumed)
        self._begin()

    def lost(self) -> None:
        """The session has ended."""
        self._cut()
        self._callbacks.session_ended()
        self._emit(events.SessionLost)

    def denied(self, path: str) -> None:
        """The server refuses these credentials."""
        if path not in self._denied_paths:
            self._denied_paths.add(path)
            what = f"ZooKeeper denies access to {path}" if path else "ZooKeeper refuses the credentials"
            self._emit(events.AccessDenied, f"{what}: check AUTOHEALER_ZK_AUTH")

    # ---- member or not

    def _begin(self) -> None:
        if not self._is_leaving:
            self._base_paths.lay()
            self.registration.check()

    def _cut(self) -> None:
        self._has_base_paths = self._admitted = False
        self._looked_at = (0, 0)
        self._base_paths.cut()
        self.registration.cut()
        self._callbacks.cut()

    def _laid(self, made: frozenset[str]) -> None:
        if made and self._workers_stood:
            self._callbacks.uprooted(made)
        if self._workers in made and self._workers_stood:
            self._emit(events.WorkersRecreated)
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
            self._emit(events.IdentityTaken)

    def _resume(self) -> None:
        """Base paths and name are there, or have been looked at again."""
        if self._has_base_paths and self._admitted and not self._is_leaving:
            self._callbacks.resume()
