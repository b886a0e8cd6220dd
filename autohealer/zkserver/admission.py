"""Who may connect to a server that is there for some users of this machine only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from autohealer.zkserver.peer_user import PeerUsers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from autohealer.zkserver.peer_user import Address

_ROOT: Final = 0
#: To look up who else may connect can cost milliseconds, and strangers could ask for it without end.
_LOOKED_UP_EVERY_S: Final = 1.0
_NOTED_EVERY_S: Final = 60.0
_NOTED_USERS: Final = 1000


class Admission:
    """Serves this process's user, root, and those whom ``others`` names when a stranger comes.

    ``others`` is called in the server's thread, at most once a second.
    """

    def __init__(self, others: Callable[[], Iterable[int]]) -> None:
        self._others = others
        self._own = {_ROOT, os.getuid(), os.geteuid()}
        self._found: set[int] = set()
        self._look_at = 0.0
        self._note_at: dict[int | None, float] = {}
        self._peers = PeerUsers()

    def close(self) -> None:
        """Nobody is asked for any more."""
        self._peers.close()

    def admits(self, peer: Address, own: Address, now: float) -> tuple[bool, str]:
        """May this connection be served? If not, a line for the log: once a minute for each user, else empty."""
        user = self._peers.user_of(peer, own)
        if user in self._own:
            return True, ""
        if user is None:
            # its process has closed it already, so that nobody is kept from anything
            return False, ""
        if now >= self._look_at:
            # also for those who were let in before: their workers may be gone
            self._found = set(self._others())
            self._look_at = now + _LOOKED_UP_EVERY_S
        if user in self._found:
            return True, ""
        return False, self._note(user, now)

    def _note(self, user: int, now: float) -> str:
        if now < self._note_at.get(user, 0.0):
            return ""
        if len(self._note_at) >= _NOTED_USERS:
            self._note_at.clear()
        self._note_at[user] = now + _NOTED_EVERY_S
        return (
            f"a connection of user {user} was closed: this server serves the user of its agent, root, and the users "
            "that its workers run as"
        )
