"""What people ask of the pool from elsewhere, each told once; and what this agent asks of others.

How old a request is goes by ZooKeeper's clock alone: who asks and who is asked need not agree about the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from autohealer.coordination.pool.codec import Request, read_request, write_request
from autohealer.coordination.pool.ephemeral_node import NodeSession
from autohealer.coordination.session.node_watcher import NodeWatcher
from autohealer.core.model import WorkerId
from autohealer.core.operations import ROLLOUTS, VERBS, Operation, is_of_whole_pool

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


class RequestCallbacks(msgspec.Struct, frozen=True):
    """Who hears of requests, and what is asked before one that is done with goes."""

    told: Callable[[Operation, bool, bool], None]
    """Gets what each request asks for, whether it stood before this agent's first session, and whether it has expired:
    that is told of rollouts alone, which take their time.
    """

    gone: Callable[[str], None]
    """Gets the name of each that is there no more."""

    is_written: Callable[[], bool]
    """Says whether all that this agent wants to say of itself stands."""

    has_seen: Callable[[str], bool]
    """Says whether there was such an agent at the last look."""

    is_rolling_out: Callable[[], bool]
    """Says whether an agent has workers to exchange."""


class Requests:
    """The requests of a pool. ``pump`` has what was asked for sent soon; ``now`` is ZooKeeper's time."""

    def __init__(
        self,
        session: NodeSession,
        path: str,
        callbacks: RequestCallbacks,
        *,
        pump: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        link = session.link
        self._link, self._bulk, self._path, self._access = link, session.bulk, path, session.access
        self._told, self._gone, self._is_written = callbacks.told, callbacks.gone, callbacks.is_written
        self._has_seen, self._is_rolling_out = callbacks.has_seen, callbacks.is_rolling_out
        self._pump, self._now = pump, now
        self._list = NodeWatcher(link, path, link.children, self._listed)
        self._known: dict[str, Request | None] = {}
        self._asking: set[str] = set()
        self._done: list[str] = []
        self._deleting: dict[str, bool] = {}
        """Whether each that is to be deleted is being deleted."""
        self._forwarded: list[_Forwarded] = []
        self._found: frozenset[str] | None = None
        """What stood when this agent first looked."""
        self._open = False

    def answer(self, name: str) -> None:
        """The request is done with. It goes once what this agent says of itself stands: its outcome may be in that."""
        self._done.append(name)
        self.own_written()

    def own_written(self) -> None:
        """What this agent says of itself may stand now."""
        if self._is_written():
            done, self._done = self._done, []
            for name in done:
                self._delete(name)

    def forward(self, operation: Operation, subjects: Iterable[str], done: Callable[[frozenset[str]], None]) -> None:
        """Ask the agents whom these subjects concern; ``done`` gets the requests' names when all are answered."""
        expires_s = VERBS[operation.verb].expires_s
        if expires_s is None:
            raise ValueError(f"{operation.verb} is no request in ZooKeeper")
        until = self._now() + expires_s
        # Ids of their own: this agent may be among those who are asked, and knows the operation already.
        asked = (replace(operation, id=f"{operation.id}/{subject}", subject=subject) for subject in subjects)
        self._forwarded.append(_Forwarded(done, [Request(each, until) for each in asked]))
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
        self._deleting = dict.fromkeys(self._deleting, False)
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
        """Delete what has expired without an answer, and what makes no sense: only a leader does.

        A rollout is not the leader's to delete as long as there is who does it: it may have been begun in time, and
        takes as long as it takes. It goes with its outcome, or when nobody has anything to exchange any more.
        """
        now = self._now()
        for name, request in self._known.items():
            if request is None or (request.expires < now and not self._may_be_under_way(request.operation)):
                self._delete(name)

    def _may_be_under_way(self, operation: Operation) -> bool:
        if operation.verb not in ROLLOUTS:
            return False
        subject = operation.subject
        agent = WorkerId.agent_of(subject) or subject
        if is_of_whole_pool(operation):
            return self._is_rolling_out()
        return self._has_seen(subject) or self._has_seen(agent)

    def _delete(self, name: str) -> None:
        self._deleting.setdefault(name, False)
        self._pump()

    def step(self) -> None:
        """Delete what is done with. Called by the pump."""
        if self._open:
            for name, deleting in self._deleting.items():
                if not deleting:
                    self._deleting[name] = True
                    self._bulk.delete(f"{self._path}/{name}", partial(self._deleted, name))

    def _deleted(self, name: str, _error: Exception | None) -> None:
        self._deleting.pop(name, None)

    # ---- reading

    def _listed(self, names: list[str] | None) -> None:
        if self._found is None:
            self._found = frozenset(names or ())
        # By their numbers, the newest last: what came first is carried out first, and a flood loses its beginning.
        present = sorted(names or (), key=_number)[-AT_ONCE:]
        for name in self._known.keys() - set(present):
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
        data, stat = value
        request = self._known[name] = read_request(data, name)
        if request is not None:
            longest_s = VERBS[request.operation.verb].expires_s or 0.0
            until = min(request.expires, stat.ctime / 1000 + longest_s)
            self._known[name] = replace(request, expires=until)
            expired = until < self._now()
            if not expired or request.operation.verb in ROLLOUTS:
                self._told(request.operation, name in (self._found or ()), expired)

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
