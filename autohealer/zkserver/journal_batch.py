"""What one pass of the server has changed, until the journal takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autohealer.zkserver import entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autohealer.zkserver.sessions import Session
    from autohealer.zkserver.tree import Tree


class JournalBatch:
    """Entries in the order of the changes. ``epoch``: that of the life that has begun."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._entries: list[bytes] = []

    def changed(self, tree: Tree, changes: Iterable[tuple[int, str]]) -> None:
        """A transaction has changed these nodes."""
        self._entries.append(entries.write_changes(tree, changes))

    def opened(self, session: Session) -> None:
        """A session is new, or has another timeout."""
        self._entries.append(entries.write_session(session.id, session.timeout_ms, session.password))

    def closed(self, session: Session) -> None:
        """A session is over."""
        self._entries.append(entries.write_closed(session.id))

    def take(self, epoch: int) -> bytes:
        """All of it. So many transactions in one life may have come that there is a new ``epoch``."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._entries.append(entries.write_epoch(epoch))
        if not self._entries:
            return b""
        taken = b"".join(self._entries)
        self._entries.clear()
        return taken
