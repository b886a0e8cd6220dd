"""What people ask of the pool, each told once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autohealer.coordination.pool.codec import Request, read_request
from autohealer.coordination.session.batch import Bulk
from autohealer.coordination.session.link import Link
from autohealer.coordination.session.node_watcher import Reader

# More than anybody types; who floods the pool with requests is not to fill its memory.
AT_ONCE = 1000


class Requests:
    """``told`` gets the name and the content of each request that has not expired."""

    def __init__(
        self,
        link: Link,
        bulk: Bulk,
        path: str,
        *,
        told: Callable[[str, Request], None],
        pump: Callable[[], None],
        wall: Callable[[], float],
    ) -> None:
        self._link, self._bulk, self._path = link, bulk, path
        self._told, self._pump, self._wall = told, pump, wall
        self._list = Reader(link, path, link.children, self._listed)
        self._known: dict[str, Request | None] = {}
        self._asking: set[str] = set()
        self._answers: dict[str, bool] = {}
        self._open = False

    def answer(self, name: str) -> None:
        """The request is done with."""
        self._answers.setdefault(name, False)
        self._pump()

    def resume(self) -> None:
        """There is a connection: read the list, and delete what has been answered."""
        self._open = True
        self._list.read()
        self._pump()

    def cut(self) -> None:
        """The connection is gone."""
        self._open = False
        self._list.cut()
        self._asking.clear()
        self._answers = dict.fromkeys(self._answers, False)

    def leave(self) -> list[str]:
        """Paths of the requests to stop, on leaving as the last one."""
        self._open = False
        return [f"{self._path}/{name}" for name, r in self._known.items() if r is not None and r.verb == "stop"]

    def sweep(self) -> None:
        """Delete what has expired without an answer."""
        now = self._wall()
        for name, request in self._known.items():
            if request is not None and request.expires < now:
                self.answer(name)

    def step(self) -> None:
        """Delete what is done with. Called by the pump."""
        if self._open:
            for name, deleting in self._answers.items():
                if not deleting:
                    self._answers[name] = True
                    self._bulk.delete(f"{self._path}/{name}", partial(self._deleted, name))

    def _deleted(self, name: str, _error: Exception | None) -> None:
        self._answers.pop(name, None)

    def _listed(self, names: list[str] | None) -> None:
        present = sorted(names or ())[:AT_ONCE]
        self._known = {name: self._known[name] for name in present if name in self._known}
        for name in present:
            if name not in self._known and name not in self._asking:
                self._asking.add(name)
                self._link.get_foreign(f"{self._path}/{name}", partial(self._got, name))

    def _got(self, name: str, value: Any, error: Exception | None) -> None:
        self._asking.discard(name)
        if error is not None:
            return
        request = self._known[name] = read_request(value[0])
        if request is not None and request.expires >= self._wall():
            self._told(name, request)
