"""The children of /workers: who is registered.

Only a leader follows them. What changes within a moment is read at once, for a pool of a thousand that starts is a
thousand changes; and where nobody waits for the answer (all that is registered is what the agents say they run), it is
read once the replacement of what has just died may be expected to be there, too: one listing for a heal. A name that is
a worker's id needs no further question; any other is asked about once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kazoo.exceptions import NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.pool.codec import read_worker
from autohealer.coordination.pool.paths import STAND_IN
from autohealer.coordination.session.port import SessionPort
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core.model import Child, WorkerId

GAP_S = 0.05
GAP_S_PER_CHILD = 0.0001
CALM_S = 1.0

_UNKNOWN = Child("", None)


class Listing:
    """``read`` gets the ephemeral children while this agent leads, ``looked`` all names at each full look.

    ``is_calm`` is asked, of the agents whose workers are registered and how many these are, whether that is as it
    should be.
    """

    def __init__(
        self,
        link: SessionPort,
        path: str,
        scheduler: Scheduler,
        *,
        read: Callable[[tuple[Child, ...]], None],
        looked: Callable[[list[str]], None],
        is_calm: Callable[[frozenset[str], int], bool],
    ) -> None:
        self._link, self._path = link, path
        self._read, self._looked, self._is_calm = read, looked, is_calm
        self._call_later, self._clock = scheduler.call_later, scheduler.clock
        self._following = self._full = self._busy = False
        self._again_at: float | None = None
        self._due_at: float | None = None
        self._rested_at = 0.0
        self._waiting = 0
        self._known: dict[str, Child | None] = {}
        self._owners: dict[str, str | None] = {}
        self._news: dict[str, None] = {}
        self._told: frozenset[str] | None = None
        self._for_next: list[Callable[[], None]] = []
        self._for_this: list[Callable[[], None]] = []
        self._life = 0

    def look(self) -> None:
        """Read all names once, whether this agent leads or not."""
        self._full = True
        self._list_at(0.0)

    def look_for(self, then: Callable[[], None]) -> None:
        """Read all names now, and call this when they have been told (or ZooKeeper has refused to)."""
        self._for_next.append(then)
        self._list_at(0.0)

    def follow(self) -> None:
        """This agent leads: tell what is there, and every change."""
        self._following, self._told = True, None
        self._list_at(0.0)

    def unfollow(self) -> None:
        """This agent does not lead any more."""
        self._following = False

    def cut(self) -> None:
        """The connection is gone."""
        self._life += 1
        self._told = None
        self._full = self._busy = False
        self._due_at = self._again_at = None
        self._for_next, self._for_this = [], []

    def _list_at(self, at: float) -> None:
        """At that moment, or before it if that has been wanted already."""
        if self._busy:
            self._again_at = at if self._again_at is None else min(at, self._again_at)
        elif at <= self._clock():
            self._list()
        elif self._due_at is None or at < self._due_at:
            self._due_at = at
            self._call_later(at - self._clock(), self._come_due, self._life, at)

    def _come_due(self, life: int, at: float) -> None:
        if life == self._life and at == self._due_at:
            self._list()

    def _list(self) -> None:
        self._due_at = None
        if self._link.up:
            self._busy = True
            full, self._full = self._full, False
            self._for_this, self._for_next = self._for_next, []
            self._link.children(self._path, partial(self._listed, full), self._fired if self._following else None)

    def _listed(self, full: bool, names: Any, error: Exception | None) -> None:
        if error is not None:
            # Without its parent there is nobody; once that stands again a look is ordered.
            names = []
            if not isinstance(error, NoNodeError):
                self._rest()
                return
        if full:
            self._looked(names)
        if not self._following:
            self._rest()
            return
        present = set(names)
        for name in self._known.keys() - present:
            del self._known[name]
            self._owners.pop(name, None)
        fresh = dict.fromkeys(name for name in names if name not in self._known)
        self._known.update((name, _identified(name)) for name in fresh)
        self._news |= fresh
        unknown = [name for name in self._news if self._known.get(name) is _UNKNOWN]
        self._waiting = len(unknown)
        for name in unknown:
            self._link.get_foreign(f"{self._path}/{name}", partial(self._got, name))
        if not unknown:
            self._conclude()

    def _got(self, name: str, value: Any, error: Exception | None) -> None:
        if error is None:
            data, stat = value
            self._known[name] = Child(name, read_worker(data).worker) if stat.ephemeralOwner else None
        self._waiting -= 1
        if self._waiting == 0:
            self._conclude()

    def _conclude(self) -> None:
        news = {name: child for name in self._news if (child := self._known.get(name)) is not None}
        # Of what could not be read nothing is told; it is asked about again at the next look.
        self._news = {name: None for name, child in news.items() if child is _UNKNOWN}
        self._owners.update((name, _owner(child)) for name, child in news.items() if child is not _UNKNOWN)
        if self._following and (self._told is None or self._owners.keys() != self._told):
            self._told = frozenset(self._owners)
            self._read(tuple(child for name in self._owners if (child := self._known[name]) is not None))
        self._rest()

    def _rest(self) -> None:
        self._busy = False
        self._rested_at = self._clock() + max(GAP_S, len(self._known) * GAP_S_PER_CHILD)
        done, self._for_this = self._for_this, []
        for then in done:
            then()
        if self._again_at is not None:
            at, self._again_at = self._again_at, None
            self._list_at(at)

    def _patience(self) -> float:
        """When to look at what has changed."""
        owners = frozenset(self._owners.values())
        calm = None not in owners and self._is_calm(frozenset(filter(None, owners)), len(self._owners))
        return max(self._rested_at, self._clock() + CALM_S if calm else 0.0)

    def _fired(self, event: WatchedEvent) -> None:
        if event.type != EventType.NONE and self._following:
            self._list_at(self._patience())


def _identified(name: str) -> Child:
    """A child whose name tells whose it is."""
    worker = name.removesuffix(STAND_IN)
    return _UNKNOWN if WorkerId.parse(worker) is None else Child(name, worker)


def _owner(child: Child) -> str | None:
    """The agent whose worker this is, None where that cannot be told."""
    identity = WorkerId.parse(child.worker) if child.worker is not None else None
    return identity.agent if identity is not None else None
