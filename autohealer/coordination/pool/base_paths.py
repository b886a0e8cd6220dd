"""The persistent nodes that everything else stands on: made where missing, and again whenever somebody deletes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kazoo.exceptions import NodeExistsError, NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.pool.paths import Layout
from autohealer.coordination.session.access import Access
from autohealer.coordination.session.port import SessionPort


class BasePaths:
    """``laid`` is called whenever all of them stand, with those that had to be made for it."""

    def __init__(
        self, link: SessionPort, paths: Layout, access: Access, laid: Callable[[frozenset[str]], None]
    ) -> None:
        self._link, self._paths, self._access, self._laid = link, paths, access, laid
        self._needed = paths.needed()
        self._looking = 0
        self._again = False
        self._refused = False
        self._missing: list[str] = []
        self._made: set[str] = set()

    def lay(self) -> None:
        """Look at all of them, with a watch on each, and make those that are missing."""
        if self._looking:
            self._again = True
        elif self._link.up:
            self._looking = len(self._needed)
            self._missing = []
            self._refused = False
            for path in self._needed:
                self._link.exists(path, partial(self._looked, path), self._fired)

    def cut(self) -> None:
        """The connection is gone."""
        self._looking = 0
        self._again = False

    def _looked(self, path: str, stat: Any, error: Exception | None) -> None:
        if error is None and stat is None:
            self._missing.append(path)
        self._looking -= 1
        if self._looking == 0:
            self._make()

    def _make(self) -> None:
        if self._missing:
            # Requests are carried out in the order in which they are sent, and parents come first.
            self._looking = len(self._missing)
            for path in self._missing:
                self._link.create(path, b"", self._access.acl_of(path, self._paths), partial(self._created, path))
        elif self._again:
            self._again = False
            self.lay()
        else:
            made, self._made = frozenset(self._made), set()
            self._laid(made)

    def _created(self, path: str, _value: Any, error: Exception | None) -> None:
        if error is None:
            self._made.add(path)
        elif not isinstance(error, NodeExistsError | NoNodeError):
            self._refused = True
        self._looking -= 1
        if self._looking == 0 and not self._refused:
            # The watches that the look has left were used up by these very nodes.
            self.lay()

    def _fired(self, event: WatchedEvent) -> None:
        if event.type == EventType.DELETED:
            self.lay()
