"""The registrations of this agent's workers: their own ones watched, stand-ins made and withdrawn, the dead's removed.

A worker's address in the service registry is kept in the same way as its stand-in.

For each worker it is known what is wanted and what ZooKeeper holds; ``_step`` asks for what lies between. Whatever
may have changed (an order, an answer, a watch, a new connection) leads to another step, so nothing depends on which
of them comes first, twice or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from kazoo.exceptions import NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.pool.codec import read_worker
from autohealer.coordination.pool.ephemeral_node import EphemeralNode, NodeSession, Stands
from autohealer.coordination.pool.paths import STAND_IN, Paths
from autohealer.core.cluster.judgements import StrayJudgement, judge_stray

# So many workers are seen to before the loop may turn to something more urgent, such as a death.
AT_ONCE = 50


class _Item(msgspec.Struct, eq=False):
    """One worker: what is wanted first, then what is known (``own`` is None while that is not known).

    ``has_come``: the watch has said that the worker's own registration is there. ``nodes``: what the agent keeps for
    the worker, by path.
    """

    worker: str
    home: WorkerRegistrations
    watching: bool = False
    dead: bool = False
    own: bool | None = None
    has_come: bool = False
    told: bool = False
    told_address: str | None = None
    asking: bool = False
    armed: bool = False
    deleting: bool = False
    nodes: tuple[EphemeralNode, ...] = ()

    def node(self, path: str) -> EphemeralNode | None:
        """The one of this path that the agent keeps."""
        return next((node for node in self.nodes if node.path == path), None)

    def made_node(self, session: NodeSession, path: str) -> EphemeralNode:
        """The one of this path, from now on if there was none."""
        node = self.node(path)
        if node is None:
            node = EphemeralNode(session, path, self)
            self.nodes = (*self.nodes, node)
        return node

    @property
    def is_over(self) -> bool:
        """It is dead, and nothing of it is left or under way."""
        is_settled = self.dead and not (self.asking or self.deleting or self.own)
        return is_settled and all(node.is_gone for node in self.nodes)

    def cut(self) -> None:
        """The connection is gone: what was known is not known any more, and nothing is under way."""
        self.own = None
        self.asking = self.armed = self.deleting = self.has_come = False
        for node in self.nodes:
            node.cut()

    def fired(self, event: WatchedEvent) -> None:
        """The watch on the worker's own registration. A method, so that kazoo sees the same watch as the same."""
        if event.type != EventType.NONE:
            self.home.fired(self, event)

    def touched(self) -> None:
        """There is more to do for it."""
        self.home.touch(self)

    def made(self, node: EphemeralNode) -> None:
        """What the agent keeps for it stands."""
        self.home.node_made(self, node)


class RegistrationCallbacks(msgspec.Struct, frozen=True):
    """Who hears how workers are registered."""

    seen: Callable[[str, str | None], None]
    """Called with a worker whose own registration is there, and the address in it."""

    gone: Callable[[str], None]
    """Called with a worker whose own registration is not there any more."""

    made: Callable[[str], None]
    """Called with a worker whose stand-in has been made."""


class WorkerRegistrations:
    """``pump`` has what was asked for sent soon."""

    def __init__(
        self,
        session: NodeSession,
        paths: Paths,
        agent: str,
        callbacks: RegistrationCallbacks,
        *,
        pump: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._link, self._bulk, self._session = session.link, session.bulk, session
        self._paths, self._agent, self._pump, self._clock = paths, agent, pump, clock
        self._seen, self._gone, self._made = callbacks.seen, callbacks.gone, callbacks.made
        self._items: dict[str, _Item] = {}
        self._dirty: dict[str, None] = {}
        self._strays: dict[str, float] = {}
        self._dangling: dict[str, _Item] = {}
        self._open = False

    # ---- orders

    def watch(self, worker: str) -> None:
        """Tell of the worker's own registration from now on."""
        item = self._item(worker)
        item.watching, item.dead = True, False
        self.touch(item)

    def stand_in(self, worker: str, data: bytes) -> None:
        """Register for the worker."""
        self._want(worker, self._paths.stand_in(worker), data)

    def withdraw(self, worker: str) -> None:
        """The worker's own registration is enough."""
        self._want(worker, self._paths.stand_in(worker), None)

    def announce(self, worker: str, address: str | None) -> None:
        """Where the worker is reached is to stand in the service registry; None: nothing of it."""
        self._want(worker, self._paths.service(worker), None if address is None else address.encode())

    def remove(self, worker: str) -> None:
        """The worker is dead."""
        is_known = worker in self._items
        item = self._item(worker)
        item.dead = True
        if not is_known:
            # Somebody has registered under an id of ours that no process has: it goes without a further look.
            item.own = True
            item.made_node(self._session, self._paths.stand_in(worker)).doubt(Stands.NO)
        for node in item.nodes:
            node.wanted = None
        self.touch(item)

    # ---- the connection

    def resume(self) -> None:
        """There is a connection: close every gap."""
        self._open = True
        self._dirty = dict.fromkeys(self._items)
        self._pump()

    def cut(self) -> None:
        """The connection is gone: what was under way may or may not have been done, and no watch is left."""
        self._open = False
        self._dangling.clear()
        for item in self._items.values():
            item.cut()

    def session_ended(self) -> None:
        """All that this agent made went with the session."""
        for node in self._nodes():
            node.session_ended()

    def uprooted(self, parents: Container[str]) -> None:
        """These nodes were gone, and have been made again: whatever stood below them is gone."""
        for node in self._nodes():
            if node.path.rpartition("/")[0] in parents:
                node.uprooted()

    def standing(self) -> list[str]:
        """Paths of all that may stand and is this agent's to delete, on leaving; nothing is made any more."""
        self._open = False
        paths = [node.path for node in self._nodes() if node.may_stand]
        return paths + [self._paths.worker(i.worker) for i in self._items.values() if i.own or i.deleting]

    # ---- a look at everything

    def look(self, names: Iterable[str]) -> bool:
        """Compare with all names in /workers; whether a second look is needed soon."""
        present = set(names)
        for item in self._items.values():
            if item.worker + STAND_IN not in present and (node := item.node(self._paths.stand_in(item.worker))):
                node.doubt(Stands.YES)
            if item.own is not None and item.own != (item.worker in present):
                item.own = None
                self.touch(item)
        strays, self._strays = self._strays, {}
        now = self._clock()
        for name in sorted(present):
            self._judge(name, strays.get(name, now), now)
        return bool(self._strays)

    def _judge(self, name: str, since: float, now: float) -> None:
        """Is this the registration of a worker of this agent that is not there (any more)?"""
        is_stand_in = name.endswith(STAND_IN)
        worker = name.removesuffix(STAND_IN)
        item = self._items.get(worker)
        if item is None:
            verdict = judge_stray(worker, self._agent, is_stand_in=is_stand_in, since=since, now=now)
            if verdict is StrayJudgement.LOOK_AGAIN:
                self._strays[name] = since
            if verdict is not StrayJudgement.CONDEMNED:
                return
            item = self._item(worker)
            item.dead = True
            if not is_stand_in:
                item.own = True
                self.touch(item)
        if is_stand_in:
            item.made_node(self._session, self._paths.stand_in(worker)).doubt(Stands.NO)

    def look_at_addresses(self, names: Iterable[str]) -> None:
        """Compare with all names in the service registry: a former life of this agent may have made some of them."""
        now = self._clock()
        for name in sorted(names):
            if judge_stray(name, self._agent, is_stand_in=True, since=now, now=now) is StrayJudgement.CONDEMNED:
                is_known = name in self._items
                item = self._item(name)
                item.dead = item.dead or not is_known
                item.made_node(self._session, self._paths.service(name)).doubt(Stands.NO)

    def tidy(self) -> None:
        """Take back the watches on registrations that dead workers never made."""
        dangling, self._dangling = self._dangling, {}
        for item in dangling.values():
            self._link.unwatch(self._paths.worker(item.worker), item.fired)

    # ---- closing the gap

    def step(self) -> None:
        """Ask for whatever lies between what is wanted and what is. Called by the pump."""
        if not self._open:
            return
        for worker in list(islice(self._dirty, AT_ONCE)):
            del self._dirty[worker]
            item = self._items.get(worker)
            if item is not None:
                self._step(item)
        if self._dirty:
            self._pump()

    def _step(self, item: _Item) -> None:
        if item.watching and item.own is None and not item.asking:
            item.asking = True
            path = self._paths.worker(item.worker)
            if item.has_come:
                self._link.get_foreign(path, partial(self._read, item), item.fired)
            else:
                self._link.exists(path, partial(self._looked, item), item.fired)
        if item.dead and item.own and not item.deleting:
            item.deleting = True
            self._bulk.delete(self._paths.worker(item.worker), partial(self._own_deleted, item))
        for node in item.nodes:
            node.step()
        if item.is_over:
            self._items.pop(item.worker, None)
            if item.armed:
                self._dangling[item.worker] = item

    def _looked(self, item: _Item, stat: Any, error: Exception | None) -> None:
        """Whether there is a registration of its own. What stands in it is read only where there is anything."""
        if error is None and stat is not None and stat.dataLength and not item.dead:
            self._link.get_foreign(self._paths.worker(item.worker), partial(self._read, item), item.fired)
            return
        item.asking = False
        if error is None:
            self._learn(item, own=stat is not None, address=None)

    def _read(self, item: _Item, value: Any, error: Exception | None) -> None:
        item.asking = False
        if error is None:
            self._learn(item, own=True, address=read_worker(value[0]).address)
        elif isinstance(error, NoNodeError):
            item.has_come = False  # gone again, and now there is no watch
            self.touch(item)

    def _learn(self, item: _Item, *, own: bool, address: str | None) -> None:
        item.own, item.armed = own, True
        if (own, address) != (item.told, item.told_address) and not item.dead:
            item.told, item.told_address = own, address
            if own:
                self._seen(item.worker, address)
            else:
                self._gone(item.worker)
        if item.dead:
            self.touch(item)

    def node_made(self, item: _Item, node: EphemeralNode) -> None:
        """What the agent keeps for a worker stands."""
        if node.path == self._paths.stand_in(item.worker):
            self._made(item.worker)

    def fired(self, item: _Item, event: WatchedEvent) -> None:
        """The watch on a worker's own registration has said something."""
        item.armed, item.has_come = False, event.type != EventType.DELETED
        self._dangling.pop(item.worker, None)
        if item.dead:
            # It registered in its last moment, or what has been deleted is gone; there is no need to look.
            item.own = item.has_come
            self._items.setdefault(item.worker, item)
        else:
            item.own = None
        self.touch(item)

    def _own_deleted(self, item: _Item, error: Exception | None) -> None:
        item.deleting = False
        if error is None or isinstance(error, NoNodeError):
            item.own = False
            self.touch(item)

    def _item(self, worker: str) -> _Item:
        item = self._items.get(worker)
        if item is None:
            item = self._items[worker] = _Item(worker, self)
        return item

    def _nodes(self) -> Iterator[EphemeralNode]:
        return (node for item in self._items.values() for node in item.nodes)

    def _want(self, worker: str, path: str, data: bytes | None) -> None:
        """A node for the worker, which lives, or none."""
        item = self._items.get(worker)
        if data is not None:
            item = self._item(worker)
            item.dead, item.made_node(self._session, path).wanted = False, data
        elif item is not None and (node := item.node(path)) is not None:
            node.wanted = None
        if item is not None:
            self.touch(item)

    def touch(self, item: _Item) -> None:
        """Close its gap soon."""
        self._dirty[item.worker] = None
        self._pump()
