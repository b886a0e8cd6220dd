"""What people ask of the pool from elsewhere, each told once; and what this agent asks of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from autohealer.coordination.pool.codec import Request, read_request, write_request
from autohealer.coordination.pool.ephemeral_node import NodeSession
from autohealer.coordination.session.node_watcher import NodeWatcher

# More than anybody types; who floods the pool with requests is not to fill its memory.
AT_ONCE = 1000


class _Forwarded(msgspec.Struct):
    """Requests of ours to others, until all are answered.

    ``waiting`` are those that no node was made for yet, ``sent`` those whose node is being made, ``names`` the nodes.
    """

    done: Callable[[frozenset[str]], None]
    waiting: list[Request]
    sent: list[Request] = msgspec.field(default_factory=list)
    names: set[str] = msgspec.field(default_factory=set)
    answered: set[str] = msgspec.field(default_factory=set)


class Requests:
    """``told`` gets each request that has not expired, and whether it stood before this agent's first session; ``gone``
    the name of each that was told and is there no more.
    """

    def __init__(
        self,
        session: NodeSession,
        path: str,
        *,
        told: Callable[[Request, bool], None],
        gone: Callable[[str], None],
        pump: Callable[[], None],
        wall: Callable[[], float],
    ) -> None:
        link = session.link
        self._link, self._bulk, self._path, self._access = link, session.bulk, path, session.access
        self._told, self._gone, self._pump, self._wall = told, gone, pump, wall
        self._list = NodeWatcher(link, path, link.children, self._listed)
        self._known: dict[str, Request | None] = {}
        self._asking: set[str] = set()
        self._answers: dict[str, bool] = {}
        self._forwarded: list[_Forwarded] = []
        self._found: frozenset[str] | None = None
        """What stood when this agent first looked."""
        self._open = False

    def answer(self, name: str) -> None:
        """The request is done with."""
        self._answers.setdefault(name, False)
        self._pump()

    def forward(self, requests: Iterable[Request], done: Callable[[frozenset[str]], None]) -> None:
        """Ask other agents for this; ``done`` gets their names once each has been answered."""
        self._forwarded.append(_Forwarded(done, list(requests)))
        self._make_nodes()

    def resume(self) -> None:
        """There is a connection: read the list, and delete what has been answered."""
        self._open = True
        self._list.read()
        self._make_nodes()
        self._pump()

    def cut(self) -> None:
        """The connection is gone."""
        self._open = False
        self._list.cut()
        self._asking.clear()
        self._answers = dict.fromkeys(self._answers, False)
        for forwarded in self._forwarded:
            # Whether a node was made nobody knows. A second one has the same id: it is answered, not repeated.
            forwarded.waiting += forwarded.sent
            forwarded.sent = []

    def leave(self) -> list[str]:
        """Paths of the requests to stop, on leaving as the last one."""
        self._open = False
        stops = (name for name, known in self._known.items() if known is not None and known.operation.verb == "stop")
        return [f"{self._path}/{name}" for name in stops]

    def sweep(self) -> None:
        """Delete what has expired without an answer, and what makes no sense: only a leader does."""
        now = self._wall()
        for name, request in self._known.items():
            if request is None or request.expires < now:
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

    # ---- reading

    def _listed(self, names: list[str] | None) -> None:
        if self._found is None:
            self._found = frozenset(names or ())
        # By their numbers, the newest last: what came first is carried out first, and a flood loses its beginning.
        present = sorted(names or (), key=_number)[-AT_ONCE:]
        for name in self._known.keys() - set(names or ()):
            self._gone(name)
        self._known = {name: self._known[name] for name in present if name in self._known}
        for name in present:
            if name not in self._known and name not in self._asking:
                self._asking.add(name)
                self._link.get_foreign(f"{self._path}/{name}", partial(self._got, name))
        self._conclude(frozenset(names or ()))

    def _got(self, name: str, value: Any, error: Exception | None) -> None:
        self._asking.discard(name)
        if error is not None:
            return
        request = self._known[name] = read_request(value[0], name)
        if request is not None and request.expires >= self._wall():
            self._told(request, name in (self._found or ()))

    # ---- asking others

    def _make_nodes(self) -> None:
        for forwarded in self._forwarded if self._open else ():
            forwarded.sent += forwarded.waiting
            requests, forwarded.waiting = forwarded.waiting, []
            for request in requests:
                made = partial(self._made, forwarded, request)
                data = write_request(request)
                self._link.create(f"{self._path}/request-", data, self._access.acl, made, sequence=True)

    def _made(self, forwarded: _Forwarded, request: Request, path: Any, error: Exception | None) -> None:
        forwarded.sent.remove(request)
        if error is None:
            forwarded.names.add(str(path).rpartition("/")[2])
            self._list.read()
        else:
            forwarded.waiting.append(request)  # tried again with the next connection

    def _conclude(self, present: frozenset[str]) -> None:
        """Those of whose requests none is left have been answered."""
        for forwarded in list(self._forwarded):
            if forwarded.names and not (forwarded.waiting or forwarded.sent):
                forwarded.answered |= forwarded.names - present
                if forwarded.names <= forwarded.answered:
                    self._forwarded.remove(forwarded)
                    forwarded.done(frozenset(forwarded.names))


def _number(name: str) -> tuple[int, str]:
    """In the order in which they were made; one without a number is older than all.

    The counter is one of 32 bits with a sign: past its end the names have a minus (after the dash of ``request-``).
    """
    digits = name[-10:]
    if not (digits.isascii() and digits.isdigit() and len(digits) == 10):
        return -1, name
    return (2**32 - int(digits) if name[-12:-10] == "--" else int(digits)), name
