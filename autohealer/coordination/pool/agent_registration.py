"""This agent's own entry among the agents, and the proof that no other one goes by its name."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import msgspec
from kazoo.exceptions import NodeExistsError, NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.pool.codec import write_agent
from autohealer.coordination.session.access import Access
from autohealer.coordination.session.port import SessionPort, TransactionRequest
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core.cluster.judgements import NameHolder, holder_of_name
from autohealer.core.model import AgentEntry

# The numbers of an entry change together and often: what comes within this time is told at once.
SETTLE_S = 0.02

# Of two that live in one session, the one that moved in within this time gives way.
NEWCOMER_S = 10.0


class AdmissionCallbacks(msgspec.Struct, frozen=True):
    """Who hears how an agent's own entry fares."""

    admitted: Callable[[], None]
    """Called when the name is this agent's in this connection."""

    taken: Callable[[], None]
    """Called when it is another's."""

    written: Callable[[AgentEntry], None]
    """Called with what stands in ZooKeeper from now on."""

    dated: Callable[[int], None]
    """Called with the moment at which ZooKeeper took it in, by its own clock, in milliseconds."""


class AgentRegistration:
    """``former`` is the id of the session that this agent's former life had."""

    def __init__(
        self,
        link: SessionPort,
        path: str,
        access: Access,
        callbacks: AdmissionCallbacks,
        scheduler: Scheduler,
        *,
        former: int | None,
    ) -> None:
        self._link, self._path, self._access, self._former = link, path, access, former
        self._admitted, self._taken, self._written = callbacks.admitted, callbacks.taken, callbacks.written
        self._dated = callbacks.dated
        self._call_later, self._clock = scheduler.call_later, scheduler.clock
        self._wanted: AgentEntry | None = None
        self._stands: bytes | None = None
        self._last: bytes | None = None
        self._attempt: bytes | None = None
        self._newcomer_until = -inf
        self.shared = False
        self._replaces: int | None = None
        self._open = self._checking = self._busy = self._settling = False

    def publish(self, entry: AgentEntry) -> None:
        """Say this from now on; the latest wins."""
        write_agent(entry)
        self._wanted = entry
        if self._last is None:
            # Nobody knows of this agent yet, nor that its name is taken.
            self.pump()
        elif not self._settling:
            self._settling = True
            self._call_later(SETTLE_S, self._settled)

    @property
    def is_written(self) -> bool:
        """Whether all that this agent wants to say of itself stands."""
        return self._wanted is None or write_agent(self._wanted) == self._stands

    def moved_in(self) -> None:
        """The session is the one of a former life, which may not be over: its state directory may be a copy."""
        self._newcomer_until = self._clock() + NEWCOMER_S

    def check(self) -> None:
        """Whose is the name?"""
        if not self._checking and self._link.up:
            self._checking = True
            self._link.get_foreign(self._path, self._checked, self._fired)

    def resume(self) -> None:
        """There is a connection, and the base paths stand."""
        self._open = True
        self.pump()

    def cut(self) -> None:
        """The connection is gone, and with it the knowledge of what stands."""
        self._open = self._checking = self._busy = False
        self._stands = self._replaces = None

    def missed(self) -> None:
        """The entry is not among the agents: somebody has deleted it."""
        if self._stands is not None and not self._busy:
            self._stands = None
            self.pump()

    def leave(self) -> None:
        """Nothing is written any more."""
        self._open = False

    def pump(self) -> None:
        """Write what is wanted, if that does not stand."""
        if self._wanted is None or self._settling or self._busy or not self._open:
            return
        entry, data = self._wanted, write_agent(self._wanted)
        if data == self._stands:
            return
        self._busy = True
        self._attempt = data

        def done(_value: Any, error: Exception | None) -> None:
            self._ended(entry, data, error)

        def set_done(stat: Any, error: Exception | None) -> None:
            if error is None:
                self._dated(stat.mtime)
            self._ended(entry, data, error)

        if self._replaces is not None:
            self._link.commit(self._path, self._replace(self._replaces, data), done)
        elif self._stands is None:
            self._link.create(self._path, data, self._access.acl, done, ephemeral=True)
        else:
            self._link.set(self._path, data, set_done)

    def _replace(self, version: int, data: bytes) -> Callable[[TransactionRequest], None]:
        """In one transaction, so that nobody sees the agent gone in between."""

        def fill(transaction: TransactionRequest) -> None:
            transaction.delete(self._path, version)
            transaction.create(self._path, data, acl=self._access.acl, ephemeral=True)

        return fill

    def _ended(self, entry: AgentEntry, data: bytes, error: Exception | None) -> None:
        self._busy = False
        self._replaces = None
        if error is None:
            if self._stands is None:
                self._watch()
            self._stands = self._last = data
            self._written(entry)
            self.pump()
        elif isinstance(error, NoNodeError):
            # Deleted by somebody, alone or with its parent; in the latter case the base paths come back first.
            self._stands = None
            self.check()
        else:
            self._stands = None
            if isinstance(error, NodeExistsError):
                self.check()

    def _checked(self, value: Any, error: Exception | None) -> None:
        self._checking = False
        session = self._link.session
        if session is None or not (error is None or isinstance(error, NoNodeError)):
            return
        data, stat = value if error is None else (None, None)
        # Two that live in one session cut each other's connection, and find each other's words on return.
        foreign = self._last is not None and data not in {self._last, self._attempt}
        holder = holder_of_name(
            None if stat is None else stat.ephemeralOwner,
            session=session[0],
            former=self._former,
            is_foreign=foreign and self._clock() < self._newcomer_until,
        )
        self.shared = holder is NameHolder.TWIN
        self._stands = data if holder in {NameHolder.OWN, NameHolder.TWIN} else None
        self._replaces = stat.version if stat is not None and holder is NameHolder.FORMER else None
        if holder in {NameHolder.TWIN, NameHolder.OTHER}:
            self._open = False
            self._taken()
        else:
            self._admitted()
            if self._stands is not None:
                self._watch()
            self.pump()

    def _watch(self) -> None:
        """Have it told when somebody deletes the entry: it never has children, so a watch for these tells no more."""

        def watched(_names: Any, error: Exception | None) -> None:
            if isinstance(error, NoNodeError):
                self.missed()

        def fired(event: WatchedEvent) -> None:
            if event.type == EventType.DELETED:
                self.missed()

        self._link.children(self._path, watched, fired)

    def _settled(self) -> None:
        self._settling = False
        self.pump()

    def _fired(self, event: WatchedEvent) -> None:
        # Only a name that was taken is waited for; this agent's own entry has a watch of another kind.
        if event.type != EventType.NONE and not self._open:
            self.check()
