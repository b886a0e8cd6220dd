"""Writes: what may be done, and in which order ZooKeeper finds out that it may not.

The order of the checks is part of the protocol: the first that fails is the error that the client gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from autohealer.zkserver import acl as acls
from autohealer.zkserver.jute import MalformedError, write_string
from autohealer.zkserver.paths import is_valid
from autohealer.zkserver.protocol import (
    ADMIN,
    BAD_ARGUMENTS,
    BAD_VERSION,
    CHECK,
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_PERMISSION,
    CREATE_TTL,
    DELETE,
    DELETE_PERMISSION,
    EPHEMERAL,
    EPHEMERAL_SEQUENTIAL,
    ERROR,
    NO_CHILDREN_FOR_EPHEMERALS,
    NO_NODE,
    NODE_EXISTS,
    NOT_EMPTY,
    OK,
    PERSISTENT,
    PERSISTENT_SEQUENTIAL,
    PERSISTENT_SEQUENTIAL_WITH_TTL,
    READ,
    RUNTIME_INCONSISTENCY,
    SET_DATA,
    WITH_TTL,
    WRITE,
    RequestError,
)
from autohealer.zkserver.records import CreateRequest, write_results, write_stat
from autohealer.zkserver.tree import CONTAINER_OWNER, MAX_TTL_MS, Node, Tree, ttl_owner

if TYPE_CHECKING:
    from collections.abc import Iterable

_EPHEMERAL: Final = {EPHEMERAL, EPHEMERAL_SEQUENTIAL}
_SEQUENTIAL: Final = {PERSISTENT_SEQUENTIAL, EPHEMERAL_SEQUENTIAL, PERSISTENT_SEQUENTIAL_WITH_TTL}
_SPECIAL: Final = {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}


class Transaction:
    """One write: who makes it, its zxid and its time."""

    __slots__ = ("identities", "session_id", "time_ms", "tree", "zxid")

    def __init__(
        self, tree: Tree, session_id: int, identities: Iterable[acls.Identity], zxid: int, time_ms: int
    ) -> None:
        self.tree = tree
        self.session_id = session_id
        self.identities = identities
        self.zxid = zxid
        self.time_ms = time_ms

    def create(self, operation: int, request: CreateRequest) -> tuple[str, Node]:
        """Make a node; its path comes back with the sequence number that was put behind it."""
        given, data, entries, flags, ttl_ms = request
        if not PERSISTENT <= flags <= PERSISTENT_SEQUENTIAL_WITH_TTL:
            raise RequestError(BAD_ARGUMENTS)
        if operation == CREATE_TTL and flags not in WITH_TTL:
            raise RequestError(BAD_ARGUMENTS)
        if flags in WITH_TTL and not 0 < ttl_ms <= MAX_TTL_MS:
            raise RequestError(BAD_ARGUMENTS)
        path, parent_path = _with_parent(given)
        acl = acls.resolve(entries, self.identities)
        parent = self._node(parent_path)
        acls.check(parent.acl, CREATE_PERMISSION, self.identities)
        if flags in _SEQUENTIAL:
            path += f"{parent.cversion:010d}"
        if not is_valid(path):
            raise RequestError(BAD_ARGUMENTS)
        if path in self.tree.nodes:
            raise RequestError(NODE_EXISTS)
        if parent.owner > 0:
            raise RequestError(NO_CHILDREN_FOR_EPHEMERALS)
        if operation == CREATE_TTL:
            owner = ttl_owner(ttl_ms)
        elif operation == CREATE_CONTAINER:  # the flag alone makes none: it says something in a multi only
            owner = CONTAINER_OWNER
        else:
            owner = self.session_id if flags in _EPHEMERAL else 0
        node = Node(data, acl, owner, self.zxid, self.time_ms)
        self.tree.create(path, node)
        return path, node

    def delete(self, given: str | None, version: int) -> None:
        """Remove a node without children."""
        path, parent_path = _with_parent(given)
        if path in _SPECIAL:
            raise RequestError(BAD_ARGUMENTS)
        parent = self._node(parent_path)
        acls.check(parent.acl, DELETE_PERMISSION, self.identities)
        node = self._node(path)
        _check_version(node.version, version)
        if node.children:
            raise RequestError(NOT_EMPTY)
        self.tree.delete(path, self.zxid)

    def set_data(self, path: str | None, data: bytes | None, version: int) -> Node:
        """Put data into a node."""
        path = _valid(path)
        node = self._node(path)
        acls.check(node.acl, WRITE, self.identities)
        _check_version(node.version, version)
        return self.tree.set_data(path, data, self.zxid, self.time_ms)

    def set_acl(self, path: str | None, entries: list[acls.Entry] | None, version: int) -> Node:
        """Put an ACL on a node."""
        path = _valid(path)
        acl = acls.resolve(entries, self.identities)
        node = self._node(path)
        acls.check(node.acl, ADMIN, self.identities)
        _check_version(node.aversion, version)
        return self.tree.set_acl(path, acl)

    def check(self, path: str | None, version: int) -> None:
        """Be sure that a node exists, in this version."""
        node = self._node(_valid(path))
        acls.check(node.acl, READ, self.identities)
        _check_version(node.version, version)

    def multi(self, operations: list[tuple[int, tuple[object, ...]]]) -> bytes:
        """All of them or none. That it failed is said in the results: the reply itself is without error."""
        results: list[tuple[int, int, bytes]] = []
        self.tree.begin()
        try:
            for operation, request in operations:
                results.append(self._part(operation, request))
        except RequestError as error:
            self.tree.roll_back()
            failed = len(results)
            codes = [OK] * failed + [error.code] + [RUNTIME_INCONSISTENCY] * (len(operations) - failed - 1)
            return write_results([(ERROR, code, code.to_bytes(4, "big", signed=True)) for code in codes])
        except BaseException:
            self.tree.roll_back()
            raise
        self.tree.commit()
        return write_results(results)

    def _part(self, operation: int, request: tuple[object, ...]) -> tuple[int, int, bytes]:
        # `request` is what records.read_multi read for this operation
        if isinstance(request, CreateRequest):
            if operation == CREATE and request.flags in WITH_TTL:
                raise MalformedError("a TTL's flag without a TTL")
            path, node = self.create(operation, request)
            if operation == CREATE:
                return CREATE, OK, write_string(path)
            return CREATE2, OK, write_string(path) + write_stat(node)
        if operation == SET_DATA:
            changed = self.set_data(*cast("tuple[str | None, bytes | None, int]", request))
            return SET_DATA, OK, write_stat(changed)
        target = cast("tuple[str | None, int]", request)
        if operation == DELETE:
            self.delete(*target)
        elif operation == CHECK:
            self.check(*target)
        else:
            raise MalformedError("a read in a multi of writes")
        return operation, OK, b""

    def _node(self, path: str) -> Node:
        node = self.tree.nodes.get(path)
        if node is None:
            raise RequestError(NO_NODE)
        return node


def _with_parent(path: str | None) -> tuple[str, str]:
    """The path and its parent's. That much is checked before all else; whether the path itself is valid, only later."""
    if path is None:
        raise MalformedError("a null path")
    slash = path.rfind("/")
    if slash == -1 or "\0" in path:
        raise RequestError(BAD_ARGUMENTS)
    return path, path[:slash]


def _valid(path: str | None) -> str:
    if path is None or not is_valid(path):
        raise RequestError(BAD_ARGUMENTS)
    return path


def _check_version(current: int, expected: int) -> None:
    if expected not in {-1, current}:
        raise RequestError(BAD_VERSION)
