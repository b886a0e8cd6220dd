"""The children of /workers: who is registered.

Only a leader follows them, and what changes within a moment is read at once, for a pool of a thousand that starts is
a thousand changes. A name that is a worker's id needs no further question; any other is asked about once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kazoo.exceptions import NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.entries import read_worker
from autohealer.coordination.link import Link
from autohealer.coordination.paths import STAND_IN
from autohealer.core.model import Child, WorkerId

GAP_S = 0.05
GAP_S_PER_CHILD = 0.0001

_UNKNOWN = Child("", None)


class Listing:
    """``read`` gets the ephemeral children while this agent leads, ``looked`` all names at each full look."""

    def __init__(
        self,
        link: Link,
        path: str,
        *,
        read: Callable[[tuple[Child, ...]], None],
        looked: Callable[[list[str]], None],
        call_later: Callable[..., Any],
    ) -> None:
        self._link, self._path = link, path
        self._read, self._looked, self._call_later = read, looked, call_later
        self._following = False
        self._busy = self._wanted = self._full = False
        self._waiting = 0
        self._known: dict[str, Child | None] = {}
        self._told: tuple[Child, ...] | None = None
        self._life = 0

    def look(self) -> None:
        """Read all names once, whether this agent leads or not."""
        self._full = True
        self._list()

    def follow(self) -> None:
        """This agent leads: tell what is there, and every change."""
        self._following, self._told = True, None
        self._list()

    def unfollow(self) -> None:
        """This agent does not lead any more."""
        self._following = False

    def cut(self) -> None:
        """The connection is gone."""
        self._life += 1
        self._told = None
        self._busy = self._wanted = self._full = False
        self._waiting = 0

    def _list(self) -> None:
        if self._busy:
            self._wanted = True
        elif self._link.up:
            self._busy, self._wanted = True, False
            full, self._full = self._full, False
            self._link.children(self._path, partial(self._listed, full), self._fired if self._following else None)

    def _listed(self, full: bool, names: Any, error: Exception | None) -> None:
        if error is not None:
            # Without its parent there is nobody; once that stands again a look is ordered.
            names = []
            if not isinstance(error, NoNodeError):
                self._rested(self._life)
                return
        if full:
            self._looked(names)
        if not self._following:
            self._rested(self._life)
            return
        known = self._known
        self._known = {name: known[name] if name in known else _identified(name) for name in names}
        unknown = [name for name, child in self._known.items() if child is _UNKNOWN]
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
        known = [self._known[name] for name in sorted(self._known)]
        told = tuple(child for child in known if child is not None and child is not _UNKNOWN)
        if self._following and told != self._told:
            self._told = told
            self._read(told)
        self._call_later(max(GAP_S, len(self._known) * GAP_S_PER_CHILD), self._rested, self._life)

    def _rested(self, life: int) -> None:
        if life == self._life:
            self._busy = False
            if self._wanted:
                self._list()

    def _fired(self, event: WatchedEvent) -> None:
        if event.type != EventType.NONE and self._following:
            self._list()


def _identified(name: str) -> Child:
    """A child whose name tells whose it is."""
    worker = name.removesuffix(STAND_IN)
    return _UNKNOWN if WorkerId.parse(worker) is None else Child(name, worker)
