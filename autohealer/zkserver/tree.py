"""The znodes, and the four changes that can be made to them.

Nothing is checked here: `transactions` decides what may be done, and the tree does it. Each change notes itself in
``changes``, from which the watches and the journal are served once the whole transaction stands. Inside a multi each
change also notes its reverse.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from autohealer.zkserver import acl as acls
from autohealer.zkserver.jute import int32
from autohealer.zkserver.paths import parent_of
from autohealer.zkserver.protocol import NODE_CREATED, NODE_DATA_CHANGED, NODE_DELETED

if TYPE_CHECKING:
    from collections.abc import Callable

#: What stands in ``changes`` for a new ACL, of which no event tells.
ACL_CHANGED: Final = 0

# who owns a node: nobody (0), a session (positive), or one of two marks
CONTAINER_OWNER: Final = -(1 << 63)
_TTL_MARK: Final = -(1 << 56)
MAX_TTL_MS: Final = (1 << 40) - 1

#: Where there is none, every client's getConfig would fail: an ensemble of one has an empty configuration.
_INITIAL_PATHS: Final = ("/zookeeper", "/zookeeper/quota", "/zookeeper/config")


def ttl_owner(ttl_ms: int) -> int:
    """The mark of a node that may go when it has not been changed for so long."""
    return _TTL_MARK | ttl_ms


class Node:
    """One znode. ``cversion`` counts the children ever created: the version that clients see is made from it.

    The three versions are signed integers of 32 bits, as on the wire: past the largest they go on with the smallest.
    """

    __slots__ = (
        "acl",
        "aversion",
        "children",
        "ctime",
        "cversion",
        "czxid",
        "data",
        "mtime",
        "mzxid",
        "owner",
        "pzxid",
        "version",
    )

    def __init__(self, data: bytes | None, acl: acls.Acl, owner: int, zxid: int, time_ms: int) -> None:
        self.data = data
        self.acl = acl
        self.owner = owner
        self.czxid = self.mzxid = self.pzxid = zxid
        self.ctime = self.mtime = time_ms
        self.version = self.cversion = self.aversion = 0
        self.children: dict[str, None] | None = None  # a dict keeps the order; most nodes have none

    @property
    def is_ttl(self) -> bool:
        """May it go when it has not been changed for a while?"""
        return _TTL_MARK <= self.owner < 0

    @property
    def ttl_ms(self) -> int:
        """For how long."""
        return self.owner & MAX_TTL_MS


class Tree:
    """All nodes by their path; the root also by ``""``, so that every parent is what stands before the last slash."""

    def __init__(self) -> None:
        root = Node(b"", acls.OPEN, 0, 0, 0)
        self.nodes: dict[str, Node] = {"": root, "/": root}
        self.ephemerals: dict[int, dict[str, None]] = {}  # session id -> paths
        self.transient: dict[str, None] = {}  # containers and nodes with a TTL: what the sweep has to look at
        self.changes: list[tuple[int, str]] = []
        self.undo: list[Callable[[], None]] | None = None
        for path in _INITIAL_PATHS:
            acl = acls.READ_ONLY if path == "/zookeeper/config" else acls.OPEN
            self.link(path, Node(b"", acl, 0, 0, 0))

    # the four changes

    def create(self, path: str, node: Node) -> None:
        """Link a node in, under a parent that is there."""
        parent = self.nodes[parent_of(path)]
        if self.undo is not None:
            self.undo.append(partial(self._uncreate, path, parent, parent.pzxid))
        self.link(path, node)
        parent.cversion = int32(parent.cversion + 1)
        parent.pzxid = node.czxid
        self.changes.append((NODE_CREATED, path))

    def delete(self, path: str, zxid: int) -> None:
        """Take a node out that is there and has no children."""
        parent = self.nodes[parent_of(path)]
        node = self._unlink(path)
        if self.undo is not None:
            self.undo.append(partial(self._undelete, path, node, parent, parent.pzxid))
        parent.pzxid = zxid
        self.changes.append((NODE_DELETED, path))

    def set_data(self, path: str, data: bytes | None, zxid: int, time_ms: int) -> Node:
        """Put data into a node that is there."""
        node = self.nodes[path]
        if self.undo is not None:
            self.undo.append(partial(_restore_data, node, (node.data, node.mzxid, node.mtime, node.version)))
        node.data = data
        node.mzxid = zxid
        node.mtime = time_ms
        node.version = int32(node.version + 1)
        self.changes.append((NODE_DATA_CHANGED, path))
        return node

    def set_acl(self, path: str, acl: acls.Acl) -> Node:
        """Put an ACL on a node that is there."""
        # never part of a multi: nothing to note for undoing it
        node = self.nodes[path]
        node.acl = acl
        node.aversion = int32(node.aversion + 1)
        self.changes.append((ACL_CHANGED, path))
        return node

    # a multi

    def begin(self) -> None:
        """What follows may have to be undone."""
        self.undo = []

    def commit(self) -> None:
        """What was done since `begin` stays."""
        self.undo = None

    def roll_back(self) -> None:
        """What was done since `begin` is undone."""
        undo, self.undo = self.undo or [], None
        for reverse in reversed(undo):
            reverse()
        self.changes.clear()

    # what the changes are made of

    def link(self, path: str, node: Node) -> None:
        """Hang a node below its parent without any trace in the parent's counts."""
        parent = self.nodes[parent_of(path)]
        self.nodes[path] = node
        name = path[path.rindex("/") + 1 :]
        if parent.children is None:
            parent.children = {name: None}
        else:
            parent.children[name] = None
        if node.owner > 0:
            self.ephemerals.setdefault(node.owner, {})[path] = None
        elif node.owner < 0:
            self.transient[path] = None

    def _unlink(self, path: str) -> Node:
        node = self.nodes.pop(path)
        parent = self.nodes[parent_of(path)]
        if parent.children is not None:
            del parent.children[path[path.rindex("/") + 1 :]]
        if node.owner > 0:
            owned = self.ephemerals[node.owner]
            del owned[path]
            if not owned:
                del self.ephemerals[node.owner]
        elif node.owner < 0:
            del self.transient[path]
        return node

    def _uncreate(self, path: str, parent: Node, pzxid: int) -> None:
        self._unlink(path)
        parent.cversion = int32(parent.cversion - 1)
        parent.pzxid = pzxid

    def _undelete(self, path: str, node: Node, parent: Node, pzxid: int) -> None:
        self.link(path, node)
        parent.pzxid = pzxid

    # what is asked of the whole

    def sweepable(self, time_ms: int) -> list[str]:
        """Containers that had children and have none now, childless nodes whose time is up."""
        due = []
        for path in self.transient:
            node = self.nodes[path]
            if node.children:
                continue
            if node.is_ttl:
                if time_ms - node.mtime > node.ttl_ms:
                    due.append(path)
            elif node.cversion:
                due.append(path)
        return due

    def count_below(self, path: str) -> int:
        """How many nodes there are below this path, at any depth."""
        if path == "/":
            return len(self.nodes) - 2
        prefix = path + "/"
        return sum(other.startswith(prefix) for other in self.nodes)


def _restore_data(node: Node, former: tuple[bytes | None, int, int, int]) -> None:
    node.data, node.mzxid, node.mtime, node.version = former
