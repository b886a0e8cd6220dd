"""What is remembered, entry by entry: the state of a node, of a session, of the server.

An entry says what something *is* now, not what happened to it: the last entry about a path or a session holds. So
entries may be read twice, and a copy of everything may be written bit by bit while changes go on between its bits.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from autohealer.zkserver import acl as acls
from autohealer.zkserver.jute import INT, LONG, MalformedError, RecordReader, write_buffer, write_string
from autohealer.zkserver.paths import parent_of
from autohealer.zkserver.protocol import NODE_CREATED, NODE_DELETED
from autohealer.zkserver.records import OPEN_ACL, read_acl, write_acl
from autohealer.zkserver.tree import Node, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from autohealer.zkserver.sessions import Session

_NODE: Final = b"N"
_CHILDREN: Final = b"C"  # the counts of a parent, whose child came or went
_GONE: Final = b"D"
_SESSION: Final = b"S"
_CLOSED: Final = b"X"
_EPOCH: Final = b"E"

#: How long a piece of `write_everything` may become before its last node: what is written in one go.
_PIECE: Final = 32 << 10

#: What an entry is about: a node's path, or a session's id.
Key = str | int

_STAT: Final = Struct(">qqqqqqiii")
_COUNTS: Final = Struct(">qi")
_TIMEOUT: Final = Struct(">qi")


class State:
    """What a journal held, read up to some point."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.sessions: dict[int, tuple[int, bytes]] = {}  # id -> timeout in ms, password
        self.epoch = 0

    def apply(self, data: bytes) -> None:
        """Read one batch of entries."""
        reader = RecordReader(data)
        while reader.remaining:
            self._apply_one(reader)

    def _apply_one(self, reader: RecordReader) -> None:
        kind = reader.read_bytes(1)
        if kind == _NODE:
            path = _string(reader)
            self.nodes[path] = _read_node(reader)
        elif kind == _CHILDREN:
            path = _string(reader)
            pzxid, cversion = _COUNTS.unpack(reader.read_bytes(_COUNTS.size))
            node = self.nodes.get(path)
            if node is not None:  # else its own entry is still to come
                node.pzxid, node.cversion = pzxid, cversion
        elif kind == _GONE:
            self.nodes.pop(_string(reader), None)
        elif kind == _SESSION:
            session_id, timeout_ms = _TIMEOUT.unpack(reader.read_bytes(_TIMEOUT.size))
            self.sessions[session_id] = (timeout_ms, reader.read_buffer() or b"")
        elif kind == _CLOSED:
            self.sessions.pop(reader.read_long(), None)
        elif kind == _EPOCH:
            self.epoch = max(self.epoch, reader.read_int())
        else:
            raise MalformedError(f"an entry of kind {kind!r}")

    def grow(self, tree: Tree) -> None:
        """Put the nodes into an empty tree, parents first."""
        for path in sorted(self.nodes, key=lambda path: path.count("/") if path != "/" else 0):
            node = self.nodes[path]
            if path == "/" or path in tree.nodes:
                _adopt(tree.nodes[path], node)
                continue
            if not path.startswith("/") or parent_of(path) not in tree.nodes:
                raise MalformedError(f"{path} has no parent")
            tree.link(path, node)


def write_node(path: str, node: Node) -> bytes:
    """All of a node but its children, who have entries of their own."""
    stat = _STAT.pack(
        node.czxid,
        node.mzxid,
        node.pzxid,
        node.ctime,
        node.mtime,
        node.owner,
        node.version,
        node.cversion,
        node.aversion,
    )
    return b"".join((_NODE, write_string(path), stat, write_buffer(node.data), write_acl(node.acl)))


def write_children(path: str, node: Node) -> bytes:
    """A parent's counts, after a child came or went."""
    return _CHILDREN + write_string(path) + _COUNTS.pack(node.pzxid, node.cversion)


def write_gone(path: str) -> bytes:
    """A node is no more."""
    return _GONE + write_string(path)


def write_session(session_id: int, timeout_ms: int, password: bytes) -> bytes:
    """A session, as it was granted."""
    return _SESSION + _TIMEOUT.pack(session_id, timeout_ms) + write_buffer(password)


def write_closed(session_id: int) -> bytes:
    """A session is no more."""
    return _CLOSED + LONG.pack(session_id)


def write_epoch(epoch: int) -> bytes:
    """A life has begun."""
    return _EPOCH + INT.pack(epoch)


def write_changes(tree: Tree, changes: Iterable[tuple[int, str]]) -> bytes:
    """The entries that bring a copy up to date after these changes."""
    nodes: dict[str, None] = {}
    parents: dict[str, None] = {}
    for kind, path in changes:
        nodes[path] = None
        if kind in {NODE_CREATED, NODE_DELETED}:
            parents[parent_of(path)] = None
    parts = []
    for path in nodes:
        node = tree.nodes.get(path)
        parts.append(write_gone(path) if node is None else write_node(path, node))
    for path in parents:
        parent = tree.nodes.get(path)
        if parent is not None:
            parts.append(write_children(path or "/", parent))
    return b"".join(parts)


def keys_of(data: bytes) -> set[Key]:
    """What the entries of a batch are about."""
    keys: set[Key] = set()
    reader = RecordReader(data)
    while reader.remaining:
        kind = reader.read_bytes(1)
        if kind in {_NODE, _CHILDREN, _GONE}:
            keys.add(_string(reader))
            if kind == _NODE:
                _read_node(reader)
            elif kind == _CHILDREN:
                reader.read_bytes(_COUNTS.size)
        elif kind == _SESSION:
            keys.add(_TIMEOUT.unpack(reader.read_bytes(_TIMEOUT.size))[0])
            reader.read_buffer()
        elif kind == _CLOSED:
            keys.add(reader.read_long())
        else:
            reader.read_int()  # an epoch: written whenever keys are
    return keys


def write_current(keys: Iterable[Key], tree: Tree, sessions: Mapping[int, Session], epoch: int) -> bytes:
    """The entries that say what these nodes and sessions are now."""
    parts = [write_epoch(epoch)]
    for key in keys:
        if isinstance(key, str):
            node = tree.nodes.get(key)
            parts.append(write_gone(key) if node is None else write_node(key, node))
        else:
            session = sessions.get(key)
            parts.append(
                write_closed(key)
                if session is None
                else write_session(session.id, session.timeout_ms, session.password)
            )
    return b"".join(parts)


def write_everything(tree: Tree, sessions: Iterable[Session], epoch: int) -> Iterator[bytes]:
    """All there is, in pieces. Whatever changes between two of them has to be written behind the first."""
    yield write_epoch(epoch) + b"".join(
        write_session(session.id, session.timeout_ms, session.password) for session in sessions
    )
    parts: list[bytes] = []
    size = 0
    for path in list(tree.nodes):
        node = tree.nodes.get(path)
        if node is None or not path:
            continue
        parts.append(write_node(path, node))
        size += len(parts[-1])
        if size > _PIECE:
            yield b"".join(parts)
            parts.clear()
            size = 0
    yield b"".join(parts)


def _read_node(reader: RecordReader) -> Node:
    node = Node.__new__(Node)
    node.children = None
    (
        node.czxid,
        node.mzxid,
        node.pzxid,
        node.ctime,
        node.mtime,
        node.owner,
        node.version,
        node.cversion,
        node.aversion,
    ) = _STAT.unpack(reader.read_bytes(_STAT.size))
    node.data = reader.read_buffer()
    node.acl = acls.OPEN if reader.skip(OPEN_ACL) else acls.stored(read_acl(reader) or [])
    return node


def _adopt(own: Node, other: Node) -> None:
    """Take over all but the children: the nodes that every tree has from the start keep their identity."""
    for name in Node.__slots__:
        if name != "children":
            setattr(own, name, getattr(other, name))


def _string(reader: RecordReader) -> str:
    value = reader.read_string()
    if value is None:
        raise MalformedError("a null string")
    return value
