"""Reads, and the requests about watches: each takes a frame and gives the body of its reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from autohealer.zkserver import acl as acls
from autohealer.zkserver import records, watches
from autohealer.zkserver.jute import INT, MalformedError, RecordReader, write_string, write_strings
from autohealer.zkserver.protocol import (
    ADD_WATCH,
    ADMIN,
    BAD_ARGUMENTS,
    CHECK_WATCHES,
    ERROR,
    EXISTS,
    GET_ACL,
    GET_ALL_CHILDREN_NUMBER,
    GET_CHILDREN,
    GET_CHILDREN2,
    GET_DATA,
    GET_EPHEMERALS,
    MARSHALLING_ERROR,
    MULTI_READ,
    NO_NODE,
    NO_WATCHER,
    NODE_CHILDREN_CHANGED,
    NODE_CREATED,
    NODE_DATA_CHANGED,
    NODE_DELETED,
    OK,
    READ,
    REMOVE_WATCHES,
    SET_WATCHES,
    SET_WATCHES2,
    SYNC,
    WHO_AM_I,
    LimitExceeded,
    RequestError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from autohealer.zkserver.connection import Connection
    from autohealer.zkserver.tree import Node, Tree

    Read = Callable[[Connection, bytes], bytes]

#: A multiRead of 1 MiB can ask for a node of 1 MiB thirty thousand times.
MAX_REPLY: Final = 8 << 20


class Reads:
    """Answers from the tree; sets watches on the way."""

    def __init__(self, tree: Tree, watches_: watches.Watches) -> None:
        self._tree = tree
        self._watches = watches_

    def table(self) -> dict[int, Read]:
        """The handlers by their operations."""
        return {
            EXISTS: self.exists,
            GET_DATA: self.get_data,
            GET_CHILDREN: self.get_children,
            GET_CHILDREN2: self.get_children2,
            GET_ACL: self.get_acl,
            GET_ALL_CHILDREN_NUMBER: self.get_all_children_number,
            GET_EPHEMERALS: self.get_ephemerals,
            MULTI_READ: self.multi_read,
            SYNC: self.sync,
            WHO_AM_I: self.who_am_i,
            ADD_WATCH: self.add_watch,
            CHECK_WATCHES: self.check_watches,
            REMOVE_WATCHES: self.remove_watches,
            SET_WATCHES: self.set_watches,
            SET_WATCHES2: self.set_watches2,
        }

    def exists(self, connection: Connection, frame: bytes) -> bytes:
        """A node's Stat. A watch is set where there is none, too: it waits for the node."""
        path, watch = records.read_path_and_flag(frame)
        if "\0" in path:
            raise RequestError(BAD_ARGUMENTS)
        if watch:
            self._watches.data.add(path, connection)
        node = self._tree.nodes.get(path)
        if node is None:
            raise RequestError(NO_NODE)
        return records.write_stat(node)

    def get_data(self, connection: Connection, frame: bytes) -> bytes:
        """A node's data and Stat."""
        path, watch = records.read_path_and_flag(frame)
        node = self._readable(connection, path)
        if watch:
            self._watches.data.add(path, connection)
        return records.write_data(node)

    def get_children(self, connection: Connection, frame: bytes) -> bytes:
        """The names of a node's children."""
        return write_strings(self._children(connection, frame).children or ())

    def get_children2(self, connection: Connection, frame: bytes) -> bytes:
        """The names of a node's children, and its Stat."""
        node = self._children(connection, frame)
        return write_strings(node.children or ()) + records.write_stat(node)

    def get_acl(self, connection: Connection, frame: bytes) -> bytes:
        """Who may do what; digests are shown only to those who may change them."""
        node = self._readable(connection, records.read_path(frame), READ | ADMIN)
        acl = node.acl
        try:
            acls.check(acl, ADMIN, connection.identities)
        except RequestError:
            acl = acls.masked(acl)
        return records.write_acl(acl) + records.write_stat(node)

    def get_all_children_number(self, connection: Connection, frame: bytes) -> bytes:
        """How many nodes there are below this one, at any depth."""
        path = records.read_path(frame)
        self._readable(connection, path)
        return INT.pack(self._tree.count_below(path))

    def get_ephemerals(self, connection: Connection, frame: bytes) -> bytes:
        """The session's own ephemeral nodes below a prefix."""
        prefix = RecordReader(frame, records.HEADER).read_string()
        session = connection.session
        paths = self._tree.ephemerals.get(session.id, {}) if session else {}
        if prefix and prefix.strip() not in {"", "/"}:
            return write_strings([path for path in paths if path.startswith(prefix)])
        return write_strings(paths)

    def multi_read(self, connection: Connection, frame: bytes) -> bytes:
        """Several gets, each with its own error."""
        results: list[tuple[int, int, bytes]] = []
        size = 0
        for operation, request in records.read_multi(RecordReader(frame, records.HEADER)):
            path = cast("str | None", request[0])
            if path is None or operation not in {GET_CHILDREN, GET_DATA}:
                # the real server fails after it has begun its answer, and sends what it has of it
                raise RequestError(MARSHALLING_ERROR, records.write_results(results))
            try:
                node = self._readable(connection, path)
            except RequestError as error:
                results.append((ERROR, error.code, INT.pack(error.code)))
                continue
            body = records.write_data(node) if operation == GET_DATA else write_strings(node.children or ())
            size += len(body)
            if size > MAX_REPLY:
                raise LimitExceeded(f"it asked for a multiRead of more than {MAX_REPLY} bytes")
            results.append((operation, OK, body))
        return records.write_results(results)

    def sync(self, _connection: Connection, frame: bytes) -> bytes:
        """Nothing is to be done: one server is always in step with itself."""
        # one server is always in step with itself
        path = RecordReader(frame, records.HEADER).read_string()
        return write_string(path) if path is not None else INT.pack(-1)

    def who_am_i(self, connection: Connection, _frame: bytes) -> bytes:
        """The identities of this connection, without their secrets."""
        return records.write_client_infos(
            [
                (scheme, identity.partition(":")[0] if scheme == "digest" else identity)
                for scheme, identity in connection.identities
            ]
        )

    def add_watch(self, connection: Connection, frame: bytes) -> bytes:
        """Watch for good, this node alone or all below it too."""
        reader = RecordReader(frame, records.HEADER)
        path, mode = reader.read_string(), reader.read_int()
        if mode not in {0, 1}:
            raise MalformedError("a mode of watching")
        if path is not None:  # of a null path nothing will ever be heard, but it is no error
            self._watches.add(path, connection, watches.RECURSIVE if mode else watches.PERSISTENT)
        return INT.pack(OK)

    def check_watches(self, _connection: Connection, frame: bytes) -> bytes:
        """Is there such a watch?"""
        path, kind = self._watch_of(frame)
        if not self._watches.has_any(path, kind):
            raise RequestError(NO_WATCHER)
        return b""

    def remove_watches(self, connection: Connection, frame: bytes) -> bytes:
        """Take back watches of this connection."""
        path, kind = self._watch_of(frame)
        if not self._watches.remove(path, connection, kind):
            raise RequestError(NO_WATCHER)
        return b""

    def set_watches(self, connection: Connection, frame: bytes) -> bytes:
        """A client that comes back names its watches: what has changed since it left is told at once."""
        reader = RecordReader(frame, records.HEADER)
        since = reader.read_long()
        self._set_watches(connection, since, [reader.read_strings() for _ in range(3)])
        return b""

    def set_watches2(self, connection: Connection, frame: bytes) -> bytes:
        """The same with persistent watches, which are only set again: what was missed is not told."""
        reader = RecordReader(frame, records.HEADER)
        since = reader.read_long()
        *one_shot, persistent, recursive = [reader.read_strings() for _ in range(5)]
        self._set_watches(connection, since, one_shot)
        for path in persistent:
            self._watches.add(path, connection, watches.PERSISTENT)
        for path in recursive:
            self._watches.add(path, connection, watches.RECURSIVE)
        return b""

    def _set_watches(self, connection: Connection, since: int, paths: list[list[str]]) -> None:
        data, exist, children = paths
        nodes = self._tree.nodes
        for path in data:
            node = nodes.get(path)
            if node is None:
                connection.send(records.write_event(NODE_DELETED, path))
            elif node.mzxid > since:
                connection.send(records.write_event(NODE_DATA_CHANGED, path))
            else:
                self._watches.data.add(path, connection)
        for path in exist:
            if path in nodes:
                connection.send(records.write_event(NODE_CREATED, path))
            else:
                self._watches.data.add(path, connection)
        for path in children:
            node = nodes.get(path)
            if node is None:
                connection.send(records.write_event(NODE_DELETED, path))
            elif node.pzxid > since:
                connection.send(records.write_event(NODE_CHILDREN_CHANGED, path))
            else:
                self._watches.children.add(path, connection)

    @staticmethod
    def _watch_of(frame: bytes) -> tuple[str, int]:
        reader = RecordReader(frame, records.HEADER)
        path, kind = reader.read_string(), reader.read_int()
        if kind not in {watches.CHILDREN, watches.DATA, watches.ANY}:
            raise MalformedError("a kind of watch")
        if path is None:
            raise RequestError(NO_WATCHER)
        return path, kind

    def _children(self, connection: Connection, frame: bytes) -> Node:
        path, watch = records.read_path_and_flag(frame)
        node = self._readable(connection, path)
        if watch:
            self._watches.children.add(path, connection)
        return node

    def _readable(self, connection: Connection, path: str, permission: int = READ) -> Node:
        node = self._tree.nodes.get(path)
        if node is None:
            raise RequestError(NO_NODE)
        if node.acl is not acls.OPEN:
            acls.check(node.acl, permission, connection.identities)
        return node
