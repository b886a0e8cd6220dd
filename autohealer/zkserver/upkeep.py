"""What the server does by itself when its time has come: it ends sessions of which nothing was heard, and deletes
containers that are empty and nodes whose time to live is over.

A server that was itself held up is patient: what its clients sent meanwhile has not been read yet.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from autohealer.zkserver.sessions import BUCKET_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from autohealer.zkserver.sessions import Session, Sessions
    from autohealer.zkserver.tree import Tree

_BUCKET_S: Final = BUCKET_MS / 1000
_SWEEP_EVERY_S: Final = 1.0

# How much is done in one go before others get their turn, in this process as well: the server may share it.
_SESSIONS_IN_ONE_GO: Final = 50
_SWEPT_IN_ONE_GO: Final = 200


class Upkeep:
    """``expire`` ends a session, ``delete`` a node: both are transactions."""

    def __init__(
        self,
        sessions: Sessions,
        tree: Tree,
        *,
        wall_ms: Callable[[], int],
        expire: Callable[[Session], None],
        delete: Callable[[str], None],
    ) -> None:
        self._sessions = sessions
        self._tree = tree
        self._wall_ms = wall_ms
        self._expire = expire
        self._delete = delete
        self._doomed: deque[Session] = deque()  # expired, and not yet closed
        self._patient_until: float | None = None
        self._sweep_at: float | None = None
        self._to_sweep: deque[str] = deque()

    def next_deadline(self, now: float) -> float | None:
        """When `tick` is wanted. None: not before something comes in."""
        if self._doomed or self._to_sweep:
            return now
        deadline = self._sessions.next_deadline()
        if deadline is not None and self._patient_until is not None:
            deadline = max(deadline, self._patient_until)
        if not self._tree.transient:
            self._sweep_at = None
        elif self._sweep_at is None:
            self._sweep_at = now + _SWEEP_EVERY_S
        if self._sweep_at is None:
            return deadline
        return self._sweep_at if deadline is None else min(deadline, self._sweep_at)

    def tick(self, now: float) -> None:
        """Close what has expired, sweep what has served its time."""
        self._find_expired(now)
        for _ in range(min(len(self._doomed), _SESSIONS_IN_ONE_GO)):
            session = self._doomed.popleft()
            if self._sessions.by_id.get(session.id) is session:
                self._expire(session)
        if self._sweep_at is not None and now >= self._sweep_at:
            self._sweep_at = None
            self._to_sweep.extend(self._tree.sweepable(self._wall_ms()))
        self._sweep()

    def _find_expired(self, now: float) -> None:
        deadline = self._sessions.next_deadline()
        if deadline is None or deadline > now:
            return
        if self._patient_until is None and now - deadline > _BUCKET_S:
            self._patient_until = now + _BUCKET_S
        elif self._patient_until is None or now >= self._patient_until:
            self._patient_until = None
            self._doomed.extend(self._sessions.expired(now))

    def _sweep(self) -> None:
        for _ in range(min(len(self._to_sweep), _SWEPT_IN_ONE_GO)):
            path = self._to_sweep.popleft()
            node = self._tree.nodes.get(path)
            if node is not None and node.owner < 0 and not node.children:
                self._delete(path)
