"""How long may one act on what ZooKeeper has granted, when it has not said so since?

A session ends at the server once it has heard nothing for the session timeout; then others may take over. Nobody can
know when a request was heard, only that it was not before it was sent. So authority counts from the *sending* of the
last request that was answered, and it ends, with time alone, before any server can have ended the session:

    sent          1/6            1/3                     2/3       3/4       5/6         1
     |-------------|--------------|-----------------------|---------|---------|-----------|----> session timeouts
     a request     the next one                           |         |         |           the session may end
                                                  stop signal    SIGKILL    nothing is left

The last sixth is not for slow machines alone. In an ensemble a follower tells the leader only with the next ping which
sessions it has heard, so that of a follower that goes down, what it heard in the last half of a tick is lost: the
leader counts from the request before. That is why requests follow each other after a sixth, and why a request
counts only if it has been through the leader, as a write has.
"""

from __future__ import annotations

from autohealer.core.model import Instant

REQUEST_AFTER = 1 / 6
STOP_AFTER = 2 / 3
KILL_AFTER = 3 / 4


class Lease:
    """What one session proves. Moments are of whatever clock the caller has."""

    def __init__(self) -> None:
        self._timeout = 0.0
        self._asked: Instant | None = None
        self._proven: Instant | None = None

    def granted(self, session_timeout: float) -> None:
        """A session begins, or goes on with another timeout."""
        self._timeout = session_timeout

    def asked(self, at: Instant) -> None:
        """A request is about to be sent."""
        self._asked = at

    def answered(self, asked_at: Instant) -> tuple[Instant, Instant]:
        """The request that was sent at that moment has been answered; answers of older ones may come late.

        Returns ``stop_at`` and ``kill_at`` as they are from now on.
        """
        self._proven = asked_at if self._proven is None else max(asked_at, self._proven)
        return self._proven + self._timeout * STOP_AFTER, self._proven + self._timeout * KILL_AFTER

    def ended(self) -> None:
        """The session is over, or what was granted in it: nothing that was proven counts any more."""
        self._asked = self._proven = None

    def ask_at(self) -> Instant | None:
        """When the next request is due; None: at once."""
        return None if self._asked is None else self._asked + self._timeout * REQUEST_AFTER

    @property
    def stop_at(self) -> Instant | None:
        """When the stop signal is due if nothing more is proven; None: there is no authority."""
        return None if self._proven is None else self._proven + self._timeout * STOP_AFTER

    @property
    def kill_at(self) -> Instant | None:
        """When SIGKILL is due."""
        return None if self._proven is None else self._proven + self._timeout * KILL_AFTER

    def holds(self, now: Instant) -> bool:
        """May one act?"""
        stop_at = self.stop_at
        return stop_at is not None and now < stop_at
