"""One node followed for as long as one likes: what is there, and every change, whatever the connection does.

ZooKeeper's watches tell that something has changed, once, and not what. So a look reads everything anew, sets the
watches for the next one, and what differs from the look before is what has happened. The last state is always seen;
of several changes between two looks only their sum.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
from kazoo.exceptions import NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.explorer.requests import check_path
from autohealer.coordination.session.access import Access
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.link import Link
from autohealer.errors import AutohealerError

SESSION_S = 10.0
CLOSE_WITHIN_S = 1.0
# Whatever a watch may have missed: a server tells nothing to those who may not read a node any more.
LOOK_AGAIN_S = 30.0


class Seen(msgspec.Struct, frozen=True):
    """A node as one look has found it. ``life`` and ``edition`` tell it from another of the same path and data."""

    life: int
    edition: int
    data: bytes | None
    children: tuple[str, ...]


class NodeChange(msgspec.Struct, frozen=True):
    """What has happened (created, changed, children, deleted), and what is there since."""

    event: str
    data: bytes | None = None
    children: tuple[str, ...] | None = None


def differences(before: Seen | None, now: Seen | None) -> Iterator[NodeChange]:
    """What has happened between two looks. A node that is new is ``created``, and has ``children`` if it has any."""
    if before is not None and (now is None or now.life != before.life):
        yield NodeChange("deleted")
        before = None
    if now is None:
        return
    if before is None:
        yield NodeChange("created", now.data, now.children)
    elif now.edition != before.edition:
        yield NodeChange("changed", now.data, now.children)
    if now.children != (before.children if before is not None else ()):
        yield NodeChange("children", now.data, now.children)


class Watching:
    """Follows one node. ``note`` is told how the connection fares, and whether there is a node to begin with."""

    def __init__(self, hosts: str, path: str, *, access: Access, note: Callable[[str], None]) -> None:
        check_path(path)
        ensemble = Ensemble(hosts, SESSION_S, access)
        self._hosts, self._path = hosts, path
        self._full = (ensemble.chroot + path).rstrip("/") or "/"
        self._access, self._note = access, note
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changes: list[NodeChange] = []
        self._seen: Seen | None = None
        self._looked_once = self._looking = self._again = False
        self._away = True
        self._link = Link(ensemble, observer=self, call_soon=self._call_soon)
        self._link.connect()

    def close(self) -> None:
        """End the session, if the server can be reached."""
        self._link.close(CLOSE_WITHIN_S)

    def changes(self, connect_within: float) -> Iterator[NodeChange]:
        """What is there, then what changes, without end. UnreachableError: no server has answered in time."""
        deadline = time.monotonic() + connect_within
        while True:
            changes, self._changes = self._changes, []
            yield from changes
            try:
                self._inbox.get(timeout=self._patience(deadline))()
            except queue.Empty:
                if not self._looked_once:
                    raise self._access.unreachable(self._hosts, connect_within) from None
                self._look()

    def _patience(self, deadline: float) -> float:
        """How long to wait for news."""
        return LOOK_AGAIN_S if self._looked_once else max(0.0, deadline - time.monotonic())

    # ---- the connection (LinkObserver)

    def opened(self, granted_s: float, *, resumed: bool) -> None:
        """A session is there."""
        self._begin()

    def resumed(self) -> None:
        """The server answers again."""
        self._begin()

    def suspended(self) -> None:
        """The server does not answer."""
        self._cut()

    def lost(self) -> None:
        """The session has ended; the client makes another."""
        self._cut()

    def denied(self, path: str) -> None:
        """These credentials may not see it."""
        raise AutohealerError(
            f"Insufficient permission: {self._path}",
            "give credentials: AUTOHEALER_ZK_AUTH=digest:USER:PASSWORD, or --auth-file",
        )

    def _call_soon(self, function: Callable[..., None], *arguments: object) -> None:
        self._inbox.put(partial(function, *arguments))

    def _begin(self) -> None:
        if self._away and self._looked_once:
            self._note("ZooKeeper answers again")
        self._away = False
        self._look()

    def _cut(self) -> None:
        self._looking = self._again = False
        if not self._away:
            self._away = True
            self._note("ZooKeeper does not answer: what changes now is shown when it does")

    # ---- looking

    def _look(self) -> None:
        if self._looking:
            self._again = True
        elif self._link.up:
            self._looking, self._again = True, False
            self._link.get(self._full, self._got, self._fired)

    def _got(self, value: Any, error: Exception | None) -> None:
        if isinstance(error, NoNodeError):
            self._link.exists(self._full, self._missed, self._fired)
        elif error is None:
            self._link.children(self._full, partial(self._listed, *value), self._fired)
        else:
            raise AutohealerError(f"ZooKeeper refuses: {type(error).__name__}")

    def _listed(self, data: bytes | None, stat: Any, names: Any, error: Exception | None) -> None:
        if error is None:
            self._conclude(Seen(stat.czxid, stat.mzxid, data, tuple(sorted(names))))
        else:
            self._once_more()  # deleted since we read it

    def _missed(self, stat: Any, error: Exception | None) -> None:
        if stat is None and error is None:
            self._conclude(None)
        else:
            self._once_more()  # created since we missed it

    def _conclude(self, now: Seen | None) -> None:
        if now is None and not self._looked_once:
            self._note(f"Node does not exist: {self._path}; its creation will be shown")
        self._changes += differences(self._seen, now)
        self._seen, self._looking, self._looked_once = now, False, True
        if self._again:
            self._look()

    def _once_more(self) -> None:
        self._looking = False
        self._look()

    def _fired(self, event: WatchedEvent) -> None:
        # Type NONE: the connection is gone, which is told by other means.
        if event.type != EventType.NONE:
            self._look()
