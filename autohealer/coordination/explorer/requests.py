"""The nodes of any ZooKeeper, for commands: one request a method, answered within a time, errors in words.

There is no recipe and no layout here. Paths are within the connection string's chroot, which is not made: a node that
is not there is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Self

from kazoo.exceptions import KazooException, NoNodeError
from kazoo.protocol.serialization import Create, SetData
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.admin.blocking_client import BlockingClient
from autohealer.coordination.explorer.acl import OPEN, Permission, parse_acl, read_acl
from autohealer.coordination.explorer.create_requests import (
    EPHEMERAL,
    PERSISTENT,
    SEQUENTIAL,
    CreateContainer,
    CreateTTL,
)
from autohealer.coordination.explorer.error_messages import in_words
from autohealer.coordination.pool.paths import split_hosts
from autohealer.coordination.session.access import PLAIN, Access
from autohealer.errors import AutohealerError, UsageError
from autohealer.zkserver.paths import is_valid, parent_of

Told = Callable[[str], None]

_EVENTS = {
    EventType.CREATED: "NodeCreated",
    EventType.DELETED: "NodeDeleted",
    EventType.CHANGED: "NodeDataChanged",
    EventType.CHILD: "NodeChildrenChanged",
    EventType.NONE: "None",
}


class CreateMode(NamedTuple):
    """When a new node ends (three ways, one at most), and whether a number completes its name."""

    ephemeral: bool = False
    sequential: bool = False
    container: bool = False
    ttl_ms: int | None = None


PLAIN_NODE = CreateMode()


class NodeStat(NamedTuple):
    """ZooKeeper's record of a node: its fields, in its order."""

    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    ephemeral_owner: int
    data_length: int
    num_children: int
    pzxid: int


class Nodes:
    """A ZooKeeper, in one session. ``told`` is called with the kind of event, once, when what was read changes."""

    def __init__(self, hosts: str, timeout: float, access: Access = PLAIN) -> None:
        """Raises UnreachableError where no ZooKeeper answers in time."""
        servers, self._root = split_hosts(hosts)
        self.hosts = hosts
        self._asker = BlockingClient(hosts, servers, timeout, access)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_connected(self) -> bool:
        """Whether the server answers, as far as is known."""
        return self._asker.is_connected

    def on_lost(self, told: Callable[[], None]) -> None:
        """Have this called, in another thread, whenever the session has ended, and its ephemerals with it."""
        self._asker.on_lost(told)

    def close(self) -> None:
        """End the session."""
        self._asker.close()

    def authenticate(self, auth: str) -> None:
        """Add credentials, for this session and every later one."""
        for scheme, credential in Access.parse(auth).credentials:
            self._asker.ask(partial(self._asker.client.add_auth_async, scheme, credential))

    # ---- reading

    def get(self, path: str, told: Told | None = None) -> tuple[bytes | None, NodeStat]:
        """Its data (None is ZooKeeper's null) and stat."""
        with self._refused(path):
            data, stat = self._asker.ask(
                partial(self._asker.client.get_async, self._full(path), told and _telling(told))
            )
        return data, NodeStat(*stat)

    def stat(self, path: str, told: Told | None = None) -> NodeStat:
        """Its stat."""
        with self._refused(path):
            call = partial(self._asker.client.exists_async, self._full(path), told and _telling(told))
            stat = self._asker.ask(call)
            if stat is None:
                raise NoNodeError
        return NodeStat(*stat)

    def children(self, path: str, told: Told | None = None) -> tuple[list[str], NodeStat]:
        """The sorted names of its children, and its stat."""
        full = self._full(path)
        watch = told and _telling(told)
        with self._refused(path):
            names, stat = self._asker.ask(
                partial(self._asker.client.get_children_async, full, watch, include_data=True)
            )
        return sorted(names), NodeStat(*stat)

    def acl(self, path: str) -> tuple[list[Permission], NodeStat]:
        """Who may do what with it, and its stat."""
        with self._refused(path):
            acl, stat = self._asker.ask(partial(self._asker.client.get_acls_async, self._full(path)))
        return read_acl(acl), NodeStat(*stat)

    def each_children(self, paths: Sequence[str]) -> Iterator[list[str] | None]:
        """The sorted names of the children of each; None where there is no such node."""
        calls = (partial(self._asker.client.get_children_async, self._full(path)) for path in paths)
        for path, outcome in zip(paths, self._asker.each(calls), strict=True):
            if isinstance(outcome, NoNodeError):
                yield None
            elif isinstance(outcome, KazooException):
                raise in_words(outcome, path) from outcome
            else:
                yield sorted(outcome)

    # ---- writing

    def create(
        self,
        path: str,
        data: bytes | None = None,
        acl: str = OPEN,
        mode: CreateMode = PLAIN_NODE,
    ) -> str:
        """The path of the new node."""
        full, permissions = self._full(path, sequential=mode.sequential), parse_acl(acl)
        request: Any
        if mode.container:
            request = CreateContainer(full, data, permissions)
        elif mode.ttl_ms is not None:
            request = CreateTTL(full, data, permissions, mode.sequential, mode.ttl_ms)
        else:
            flags = (EPHEMERAL if mode.ephemeral else PERSISTENT) | (SEQUENTIAL if mode.sequential else 0)
            request = Create(full, data, permissions, flags)
        try:
            made = self._asker.ask_once(partial(self._asker.send, request))
        except NoNodeError as error:
            raise self._no_parent(path) from error
        except KazooException as error:
            raise in_words(error, path) from error
        return str(made)[len(self._root) :]

    def set(self, path: str, data: bytes, version: int = -1) -> NodeStat:
        """Its new stat."""
        request = SetData(self._full(path), data, version)
        with self._refused(path):
            return NodeStat(*self._asker.ask_once(partial(self._asker.send, request)))

    def set_acl(self, path: str, acl: str, version: int = -1) -> NodeStat:
        """Its new stat."""
        call = partial(self._asker.client.set_acls_async, self._full(path), parse_acl(acl), version)
        with self._refused(path):
            return NodeStat(*self._asker.ask_once(call))

    def delete(self, path: str, version: int = -1) -> None:
        """Delete a node that has no children."""
        with self._refused(path):
            self._asker.ask_once(partial(self._asker.client.delete_async, self._full(path), version))

    def delete_batches(self, batches: Sequence[Sequence[str]]) -> Iterator[bool]:
        """Delete all nodes of a batch, or none and say False where one of them cannot be."""
        for outcome in self._asker.each(partial(self._delete_all_of, batch) for batch in batches):
            yield not isinstance(outcome, Exception) and not any(isinstance(one, Exception) for one in outcome)

    def delete_each(self, paths: Sequence[str]) -> Iterator[AutohealerError | None]:
        """Delete these; why not, where one stands still. One that is gone already is fine."""
        calls = (partial(self._asker.client.delete_async, self._full(path)) for path in paths)
        for path, outcome in zip(paths, self._asker.each(calls), strict=True):
            refused = isinstance(outcome, KazooException) and not isinstance(outcome, NoNodeError)
            yield in_words(outcome, path) if refused else None

    def _delete_all_of(self, paths: Sequence[str]) -> Any:
        transaction = self._asker.client.transaction()
        for path in paths:
            transaction.delete(self._full(path))
        return transaction.commit_async()

    # ---- paths and errors

    def _full(self, path: str, *, sequential: bool = False) -> str:
        # The number that the server appends makes a path of what ends with a slash.
        check_path(f"{path}0" if sequential and path.endswith("/") else path)
        return (self._root + path).rstrip("/" if not sequential else "") or "/"

    @contextmanager
    def _refused(self, path: str) -> Iterator[None]:
        try:
            yield
        except KazooException as error:
            if isinstance(error, NoNodeError) and path == "/":
                raise self._no_chroot() from error
            raise in_words(error, path) from error

    def _no_parent(self, path: str) -> AutohealerError:
        parent = parent_of(path)
        if not parent:
            return self._no_chroot()
        return AutohealerError(f"Node does not exist: {parent}", f"create it first: autohealer zk create {parent}")

    def _no_chroot(self) -> AutohealerError:
        return AutohealerError(
            f"Node does not exist: {self._root}, the chroot of {self.hosts}",
            "create it first, with --zk less this part",
        )


def check_path(path: str) -> None:
    """Raises UsageError for what cannot be the path of a node."""
    if not path.startswith("/"):
        raise UsageError(f"Path must start with / character: {path!r}", "write it from the root, as in /workers")
    if path != "/" and path.endswith("/"):
        raise UsageError(f"Path must not end with / character: {path!r}", "leave the last one out")
    if not is_valid(path):
        raise UsageError(
            f"{path!r} cannot be the path of a node", "it has an empty name, a dot for a name, or odd characters"
        )


def _telling(told: Told) -> Callable[[WatchedEvent], None]:
    return lambda event: told(_EVENTS[event.type])
