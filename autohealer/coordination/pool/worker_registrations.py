"""The registrations of this agent's workers: their own ones watched, stand-ins made and withdrawn, the dead's removed.

For each worker it is known what is wanted and what ZooKeeper holds; ``_step`` asks for what lies between. Whatever
may have changed (an order, an answer, a watch, a new connection) leads to another step, so nothing depends on which
of them comes first, twice or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import islice
from typing import Any

from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.pool.paths import STAND_IN, Paths
from autohealer.coordination.session.access import Access
from autohealer.coordination.session.batch import Batch
from autohealer.coordination.session.port import SessionPort, Transaction
from autohealer.core.cluster.judgements import Stray, judge_stray

# So many workers are seen to before the loop may turn to something more urgent, such as a death.
AT_ONCE = 50


class Stands(Enum):
    """Whether a stand-in is there. UNKNOWN: the connection broke while it was made or deleted."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


@dataclass(slots=True, eq=False)
class _Item:
    """One worker: what is wanted first, then what is known (``own`` is None while that is not known)."""

    worker: str
    touched: Callable[[_Item, WatchedEvent], None]
    watching: bool = False
    stand_in: bytes | None = None
    dead: bool = False
    own: bool | None = None
    told: bool = False
    asking: bool = False
    armed: bool = False
    deleting: bool = False
    stands: Stands = Stands.NO
    busy: bool = False

    def fired(self, event: WatchedEvent) -> None:
        """The watch on the worker's own registration. A method, so that kazoo sees the same watch as the same."""
        if event.type != EventType.NONE:
            self.touched(self, event)


class WorkerRegistrations:
    """``seen`` and ``gone`` tell of workers' own registrations, ``made`` of stand-ins."""

    def __init__(
        self,
        link: SessionPort,
        bulk: Batch,
        paths: Paths,
        access: Access,
        agent: str,
        *,
        seen: Callable[[str], None],
        gone: Callable[[str], None],
        made: Callable[[str], None],
        pump: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._link, self._bulk, self._paths, self._access, self._agent = link, bulk, paths, access, agent
        self._seen, self._gone, self._made, self._pump, self._clock = seen, gone, made, pump, clock
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
        self._touch(item)

    def stand_in(self, worker: str, data: bytes) -> None:
        """Register for the worker."""
        item = self._item(worker)
        item.stand_in, item.dead = data, False
        self._touch(item)

    def withdraw(self, worker: str) -> None:
        """The worker's own registration is enough."""
        item = self._items.get(worker)
        if item is not None:
            item.stand_in = None
            self._touch(item)

    def remove(self, worker: str) -> None:
        """The worker is dead."""
        item = self._item(worker)
        item.dead, item.stand_in = True, None
        self._touch(item)

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
            item.own = None
            if item.busy:
                item.stands = Stands.UNKNOWN
            item.asking = item.busy = item.armed = item.deleting = False

    def session_ended(self) -> None:
        """All stand-ins went with the session."""
        for item in self._items.values():
            item.stands = Stands.NO

    def uprooted(self) -> None:
        """The parent of all of them was deleted: whatever stood is gone."""
        for item in self._items.values():
            if not item.busy:
                item.stands = Stands.NO

    def standing(self) -> list[str]:
        """Paths of all that may stand and is this agent's to delete, on leaving; nothing is made any more."""
        self._open = False
        paths = [self._paths.stand_in(i.worker) for i in self._items.values() if i.busy or i.stands is not Stands.NO]
        return paths + [self._paths.worker(i.worker) for i in self._items.values() if i.own or i.deleting]

    # ---- a look at everything

    def look(self, names: Iterable[str]) -> bool:
        """Compare with all names in /workers; whether a second look is needed soon."""
        present = set(names)
        for item in self._items.values():
            if item.stands is Stands.YES and not item.busy and item.worker + STAND_IN not in present:
                item.stands = Stands.UNKNOWN
                self._touch(item)
            if item.own is not None and item.own != (item.worker in present):
                item.own = None
                self._touch(item)
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
            if verdict is Stray.LOOK_AGAIN:
                self._strays[name] = since
            if verdict is not Stray.CONDEMNED:
                return
            item = self._item(worker)
            item.dead = True
            if not is_stand_in:
                item.own = True
                self._touch(item)
        if is_stand_in and item.stands is Stands.NO and not item.busy:
            item.stands = Stands.UNKNOWN
            self._touch(item)

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
            self._link.exists(self._paths.worker(item.worker), partial(self._looked, item), item.fired)
        if item.dead and item.own and not item.deleting:
            item.deleting = True
            self._bulk.delete(self._paths.worker(item.worker), partial(self._own_deleted, item))
        if item.busy:
            return
        path = self._paths.stand_in(item.worker)
        if item.stand_in is not None and item.stands is not Stands.YES:
            item.busy = True
            self._bulk.create(path, item.stand_in, self._access.acl, partial(self._created, item))
        elif item.stand_in is None and item.stands is not Stands.NO:
            item.busy = True
            self._bulk.delete(path, partial(self._deleted, item))
        elif item.dead and not (item.asking or item.deleting or item.own):
            self._items.pop(item.worker, None)
            if item.armed:
                self._dangling[item.worker] = item

    def _looked(self, item: _Item, stat: Any, error: Exception | None) -> None:
        item.asking = False
        if error is not None:
            return
        item.own, item.armed = stat is not None, True
        if item.own != item.told and not item.dead:
            item.told = item.own
            (self._seen if item.own else self._gone)(item.worker)
        if item.dead:
            self._touch(item)

    def _fired(self, item: _Item, event: WatchedEvent) -> None:
        item.armed = False
        self._dangling.pop(item.worker, None)
        if item.dead:
            # It registered in its last moment, or what has been deleted is gone; there is no need to look.
            item.own = event.type != EventType.DELETED
            self._items.setdefault(item.worker, item)
        else:
            item.own = None
        self._touch(item)

    def _own_deleted(self, item: _Item, error: Exception | None) -> None:
        item.deleting = False
        if error is None or isinstance(error, NoNodeError):
            item.own = False
            self._touch(item)

    def _deleted(self, item: _Item, error: Exception | None) -> None:
        item.busy = False
        if error is None or isinstance(error, NoNodeError):
            item.stands = Stands.NO
            self._touch(item)

    def _created(self, item: _Item, error: Exception | None) -> None:
        if isinstance(error, NodeExistsError):
            path = self._paths.stand_in(item.worker)
            self._link.exists(path, partial(self._examined, item))
            return
        item.busy = False
        if error is None:
            item.stands = Stands.YES
            if item.stand_in is not None:
                self._made(item.worker)
            else:
                self._touch(item)

    def _examined(self, item: _Item, stat: Any, error: Exception | None) -> None:
        """There is such a stand-in already: one of this session, or one that a former life has left."""
        session = self._link.session
        if error is None and stat is not None and session is not None and stat.ephemeralOwner != session[0]:
            path, data = self._paths.stand_in(item.worker), item.stand_in or b""

            def replace(transaction: Transaction) -> None:
                # With its version, so that what somebody has put in its place meanwhile is left alone.
                transaction.delete(path, stat.version)
                transaction.create(path, data, acl=self._access.acl, ephemeral=True)

            self._link.commit(path, replace, partial(self._replaced, item))
        elif error is None and stat is not None:
            self._created(item, None)
        else:
            self._retry(item, error)

    def _replaced(self, item: _Item, _results: Any, error: Exception | None) -> None:
        if error is None:
            self._created(item, None)
        else:
            self._retry(item, error)

    def _retry(self, item: _Item, error: Exception | None) -> None:
        """What stood there has changed meanwhile. Any other error stays until the next look at everything."""
        item.busy, item.stands = False, Stands.UNKNOWN
        if error is None or isinstance(error, NoNodeError | NodeExistsError | BadVersionError):
            self._touch(item)

    def _item(self, worker: str) -> _Item:
        item = self._items.get(worker)
        if item is None:
            item = self._items[worker] = _Item(worker, self._fired)
        return item

    def _touch(self, item: _Item) -> None:
        self._dirty[item.worker] = None
        self._pump()
