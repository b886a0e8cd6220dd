"""Who waits for which event where.

Two tables, as in ZooKeeper: watches for a node's data (and its coming and going), and for its children. In a table a
connection watches a path in one mode: a later watch replaces it, even a persistent one by a one-shot one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from autohealer.zkserver.connection import MAX_WATCHES
from autohealer.zkserver.paths import parent_of
from autohealer.zkserver.protocol import NODE_CHILDREN_CHANGED, NODE_DATA_CHANGED, NODE_DELETED, LimitExceeded
from autohealer.zkserver.records import write_event

if TYPE_CHECKING:
    from autohealer.zkserver.connection import Connection

ONE_SHOT: Final = 0
PERSISTENT: Final = 1
RECURSIVE: Final = 2

# which table a removal or a check means (Watcher.WatcherType)
CHILDREN: Final = 1
DATA: Final = 2
ANY: Final = 3


class WatchTable:
    """Watches of one of the two kinds."""

    def __init__(self) -> None:
        self.by_path: dict[str, dict[Connection, int]] = {}
        self.by_connection: dict[Connection, dict[str, None]] = {}
        self._recursive = 0  # how many: while there are none, no event has to climb to the root

    def add(self, path: str, connection: Connection, mode: int = ONE_SHOT) -> None:
        """Watch a path, in one mode: the former one is forgotten."""
        watchers = self.by_path.setdefault(path, {})
        self._recursive += (mode == RECURSIVE) - (watchers.get(connection) == RECURSIVE)
        watchers[connection] = mode
        paths = self.by_connection.setdefault(connection, {})
        paths[path] = None
        if len(paths) > MAX_WATCHES:
            raise LimitExceeded(f"it has set more than {MAX_WATCHES:,} watches")

    def remove(self, path: str, connection: Connection) -> bool:
        """Take a watch back. False: there was none."""
        watchers = self.by_path.get(path)
        if watchers is None or connection not in watchers:
            return False
        self._recursive -= watchers.pop(connection) == RECURSIVE
        if not watchers:
            del self.by_path[path]
        paths = self.by_connection[connection]
        del paths[path]
        if not paths:
            del self.by_connection[connection]
        return True

    def forget(self, connection: Connection) -> None:
        """All watches of a connection that is gone."""
        for path in list(self.by_connection.get(connection, ())):
            self.remove(path, connection)

    def take(self, path: str, kind: int) -> dict[Connection, None]:
        """Those who are to hear of this event; what was one-shot is used up."""
        found: dict[Connection, None] = {}
        watchers = self.by_path.get(path)
        if watchers is not None:
            for connection, mode in list(watchers.items()):
                if mode == ONE_SHOT:
                    self.remove(path, connection)
                elif mode == RECURSIVE and kind == NODE_CHILDREN_CHANGED:
                    continue
                found[connection] = None
        if self._recursive and kind != NODE_CHILDREN_CHANGED:
            self._add_recursive(path, found)
        return found

    def _add_recursive(self, path: str, found: dict[Connection, None]) -> None:
        while path != "/":
            path = parent_of(path) or "/"
            for connection, mode in self.by_path.get(path, {}).items():
                if mode == RECURSIVE:
                    found[connection] = None


class Watches:
    """Both tables, and what a change of the tree means to them."""

    def __init__(self) -> None:
        self.data = WatchTable()
        self.children = WatchTable()

    def forget(self, connection: Connection) -> None:
        """All watches of a connection that is gone."""
        self.data.forget(connection)
        self.children.forget(connection)

    def trigger(self, kind: int, path: str) -> None:
        """Send the events of one change to all who wait for them."""
        data, children = self.data, self.children
        if data.by_path:
            heard = data.take(path, kind)
            if heard:
                _send(heard, kind, path)
        else:
            heard = {}
        if kind == NODE_DATA_CHANGED or not children.by_path:
            return
        if kind == NODE_DELETED:
            # one event for each connection, however many watches it has there
            unheard = {connection: None for connection in children.take(path, kind) if connection not in heard}
            _send(unheard, kind, path)
        parent = parent_of(path) or "/"
        _send(children.take(parent, NODE_CHILDREN_CHANGED), NODE_CHILDREN_CHANGED, parent)

    def add(self, path: str, connection: Connection, mode: int) -> None:
        """A persistent or recursive watch, for as long as the connection lasts."""
        # a recursive watch hears nothing through the children's table, but can be looked for there
        self.data.add(path, connection, mode)
        self.children.add(path, connection, mode)

    def remove(self, path: str, connection: Connection, kind: int) -> bool:
        """Take a watch back. False: there was none."""
        removed = [table.remove(path, connection) for table in self._tables(kind)]
        return any(removed)

    def has_any(self, path: str, kind: int) -> bool:
        """Is the path watched? By anyone: the real server does not look whose watch it is."""
        return any(path in table.by_path for table in self._tables(kind))

    def _tables(self, kind: int) -> list[WatchTable]:
        return [table for mark, table in ((CHILDREN, self.children), (DATA, self.data)) if kind & mark]


def _send(connections: dict[Connection, None], kind: int, path: str) -> None:
    if connections:
        event = write_event(kind, path)
        for connection in connections:
            connection.send(event)
