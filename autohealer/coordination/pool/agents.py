"""Who the agents are; and, for who has to know it, what each of them says of itself.

A leader follows every entry, and so does an agent that somebody is looking at. All others are content with the names,
read now and then: of who comes and goes they hear by the plan, which names every agent. If each agent followed each
other, whatever all of them do at once would cost requests by the square of their number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import partial
from typing import Any

import msgspec

from autohealer.coordination.pool.codec import read_agent
from autohealer.coordination.session.node_watcher import NodeWatcher
from autohealer.coordination.session.port import SessionPort
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core.cluster.judgements import is_calm
from autohealer.core.model import AgentEntry

# A leader thinks anew about all agents at each news, and when there are many of them they come in showers.
PAUSE_S_PER_AGENT = 0.00002


class _NoEntry(Enum):
    """Why no entry is known of a node."""

    UNREAD = "not read yet"
    NO_AGENT = "it belongs to no session: somebody made it, or a tool restored it"


Entries = dict[str, AgentEntry | None]


class AgentsCallbacks(msgspec.Struct, frozen=True):
    """Who hears which agents there are."""

    read: Callable[[Entries], None]
    """Gets all entries while they are followed, whenever one comes, goes or changes."""

    listed: Callable[[frozenset[str]], None]
    """Gets the names, at each look, while entries are not followed."""

    lost: Callable[[Callable[[], None]], None]
    """Called when agents have gone, with what is to be called once their workers have been looked for: who reads that
    an agent is gone will want to know which registrations went with it."""

    missed: Callable[[], None]
    """Called when this agent's own entry is not among them."""


class Agents:
    """The entries of all agents of a pool."""

    def __init__(
        self,
        link: SessionPort,
        path: str,
        agent: str,
        callbacks: AgentsCallbacks,
        scheduler: Scheduler,
    ) -> None:
        self._link, self._path, self._agent = link, path, agent
        self._read, self._listed = callbacks.read, callbacks.listed
        self._lost, self._missed = callbacks.lost, callbacks.missed
        self._call_later, self._clock = scheduler.call_later, scheduler.clock
        self._list: NodeWatcher | None = None
        self._readers: dict[str, NodeWatcher] = {}
        self._entries: dict[str, AgentEntry | _NoEntry | None] = {}
        self._names: set[str] = set()
        self._unread = 0
        self._own: AgentEntry | None = None
        self._told: Entries | None = None
        self._tell_at = 0.0
        self._waiting = False
        self._life = self._searches = 0

    def look(self) -> None:
        """Read the list anew, and every entry that is followed."""
        if self._list is None:
            self._link.children(self._path, self._counted)
            return
        self._list.read()
        for reader in self._readers.values():
            reader.read()

    def follow(self) -> None:
        """Tell of every entry from now on."""
        if self._list is None:
            self._list = NodeWatcher(self._link, self._path, self._link.children, self._named)
            self._list.read()

    def unfollow(self) -> None:
        """The names are enough again."""
        if self._list is not None:
            self._list.stop()
            self._list = None
            for reader in self._readers.values():
                reader.stop()
            self._names = set()
            self._forget()
            if self._link.up:
                self.look()

    def cut(self) -> None:
        """The connection is gone: what is read in the next one is news."""
        if self._list is not None:
            self._list.cut()
        for reader in self._readers.values():
            reader.cut()
        self._forget()

    def has_seen(self, agent: str) -> bool:
        """Whether it was among the agents at the last look."""
        return agent in self._names or agent == self._agent

    @property
    def is_rolling_out(self) -> bool:
        """Whether one of those that are followed has workers to exchange."""
        revisions = (entry.revision for entry in self._entries.values() if isinstance(entry, AgentEntry))
        return any(revision is not None and revision.old > 0 for revision in revisions)

    def wrote_own(self, entry: AgentEntry) -> None:
        """This agent's own entry need not be read back."""
        self._own = entry
        if self._agent in self._entries:
            self._entries[self._agent] = entry
            self._tell()

    def explain(self, owners: AbstractSet[str], count: int) -> bool:
        """Whether so many registrations, of these agents' workers, are what the agents that live say they run."""
        return is_calm(owners, count, self._told or {})

    def _forget(self) -> None:
        self._told = None
        self._readers.clear()
        self._entries.clear()
        self._life += 1
        self._searches = self._unread = 0
        self._waiting = False

    def _counted(self, names: Any, error: Exception | None) -> None:
        if error is None and self._list is None:
            self._check_own(names)
            self._listed(frozenset(names))

    def _named(self, names: list[str] | None) -> None:
        present = sorted(names or ())
        # Also those that went while there was no connection.
        lost, self._names = self._names.difference(present), set(present)
        for name in sorted(self._entries.keys() - self._names):
            self._unread -= self._entries.pop(name) is _NoEntry.UNREAD
            gone = self._readers.pop(name, None)
            if gone is not None:
                gone.stop()
        for name in present:
            if name in self._entries:
                continue
            if name == self._agent:
                self._entries[name] = self._own
                continue
            self._entries[name] = _NoEntry.UNREAD
            self._unread += 1
            reader = self._readers[name] = NodeWatcher(
                self._link, f"{self._path}/{name}", self._link.get_foreign, partial(self._found, name)
            )
            reader.read()
        self._check_own(present)
        if lost:
            self._searches += 1
            self._lost(partial(self._searched, self._life))
        self._tell()

    def _check_own(self, names: Collection[str]) -> None:
        if self._agent not in names:
            self._missed()

    def _searched(self, life: int) -> None:
        if life == self._life:
            self._searches -= 1
            self._tell()

    def _found(self, name: str, value: tuple[bytes, Any] | None) -> None:
        # None: it is gone; that the list has changed will be told as well.
        if name in self._entries and value is not None:
            self._unread -= self._entries[name] is _NoEntry.UNREAD
            data, stat = value
            self._entries[name] = read_agent(data) if stat.ephemeralOwner else _NoEntry.NO_AGENT
            self._tell()

    def _tell(self) -> None:
        if self._searches or self._unread or self._waiting:
            return
        wait_s = self._tell_at - self._clock()
        if wait_s > 0:
            self._waiting = True
            self._call_later(wait_s, self._waited, self._life)
            return
        agents = {name: entry for name, entry in self._entries.items() if not isinstance(entry, _NoEntry)}
        if agents != self._told:
            self._tell_at = self._clock() + len(agents) * PAUSE_S_PER_AGENT
            self._told = agents
            self._read(dict(agents))

    def _waited(self, life: int) -> None:
        if life == self._life:
            self._waiting = False
            self._tell()
