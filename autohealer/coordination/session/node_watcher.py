"""Something in ZooKeeper, read anew whenever it may have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kazoo.exceptions import NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.session.port import Done, SessionPort, Watch

Ask = Callable[[str, Done, Watch | None], None]


class NodeWatcher:
    """Asks for one node's data or children, with a watch, and asks again when that fires.

    A watch tells once, and only that something has changed; so what was read is always the whole, and what changes
    while the answer is under way is asked for again. ``read`` may be called at any time and as often as one likes.
    """

    def __init__(self, link: SessionPort, path: str, ask: Ask, found: Callable[[Any], None]) -> None:
        self._link, self._path, self._ask, self._found = link, path, ask, found
        self._in_flight = False
        self._again = False
        self._stopped = False

    def read(self) -> None:
        """Ask; what is found (None: no such node) is told."""
        if self._in_flight:
            self._again = True
        elif self._link.up and not self._stopped:
            self._in_flight, self._again = True, False
            self._ask(self._path, self._answered, self._fired)

    def cut(self) -> None:
        """The connection is gone, and every answer and watch with it."""
        self._in_flight = self._again = False

    def stop(self) -> None:
        """Nobody wants to know any more."""
        self._stopped = True

    def _answered(self, value: Any, error: Exception | None) -> None:
        if isinstance(error, NoNodeError):
            # Only exists sets a watch on what is not there.
            self._link.exists(self._path, self._looked, self._fired)
        else:
            self._conclude(value, known=error is None)

    def _looked(self, stat: Any, error: Exception | None) -> None:
        self._again = self._again or stat is not None
        self._conclude(None, known=error is None and stat is None)

    def _conclude(self, value: Any, *, known: bool) -> None:
        self._in_flight = False
        if known and not self._stopped:
            self._found(value)
        if self._again:
            self.read()

    def _fired(self, event: WatchedEvent) -> None:
        # Type NONE: the connection is gone. Whoever owns this reads again once there is a new one.
        if event.type != EventType.NONE:
            self.read()
