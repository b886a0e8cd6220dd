"""Sessions: ids, passwords, timeouts, and when they expire.

A session dies when nothing was heard of its client for its timeout, rounded up to the next bucket. To be heard costs
one assignment: a session stays in its old bucket until that one is due, and is moved on then.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from autohealer.zkserver.connection import Connection

BUCKET_MS: Final = 200
MIN_TIMEOUT_MS: Final = 400
MAX_TIMEOUT_MS: Final = 60_000
PASSWORD_SIZE: Final = 16
#: A connection that has not asked for a session by then is closed.
HANDSHAKE_MS: Final = 10_000


class Session:
    """One client's session, which outlives its connections."""

    __slots__ = ("connection", "heard_at", "id", "password", "timeout_ms")

    def __init__(self, session_id: int, password: bytes, timeout_ms: int, heard_at: float) -> None:
        self.id = session_id
        self.password = password
        self.timeout_ms = timeout_ms
        self.heard_at = heard_at
        self.connection: Connection | None = None


class Sessions:
    """All living sessions. Times are seconds on a monotonic clock, handed in by the caller."""

    def __init__(self, first_id: int, random_bytes: Callable[[int], bytes]) -> None:
        self.by_id: dict[int, Session] = {}
        self._next_id = first_id
        self._random_bytes = random_bytes
        self._buckets: dict[int, list[Session]] = {}  # by number: the one that ends at number * BUCKET_MS
        self._due: list[int] = []  # a heap of the buckets' numbers

    def open(self, timeout_ms: int, now: float) -> Session:
        """A new session, with an id and a password of its own."""
        while self._next_id in self.by_id:
            self._next_id += 1
        session_id = self._next_id
        self._next_id += 1
        return self.restore(session_id, self._random_bytes(PASSWORD_SIZE), timeout_ms, now)

    def restore(self, session_id: int, password: bytes, timeout_ms: int, now: float) -> Session:
        """A session as the journal knew it; its whole timeout lies before it again."""
        session = self.by_id[session_id] = Session(session_id, password, timeout_ms, now)
        self._enter_bucket(session)
        return session

    def close(self, session: Session) -> None:
        """It is over: closed by its client, or expired."""
        # its place in a bucket is found void when that is due
        del self.by_id[session.id]

    def retime(self, session: Session, timeout_ms: int, now: float) -> None:
        """Its client came back, with another timeout maybe."""
        shorter = timeout_ms < session.timeout_ms
        session.timeout_ms = timeout_ms
        session.heard_at = now
        if shorter:
            # the bucket it is in would come too late; being found in two does no harm
            self._enter_bucket(session)

    def next_deadline(self) -> float | None:
        """When the next bucket is due. Nothing need be looked at before."""
        return self._due[0] * BUCKET_MS / 1000 if self._due else None

    def expired(self, now: float) -> list[Session]:
        """Those whose time is up. They still have to be closed."""
        dead: dict[int, Session] = {}
        while self._due and self._due[0] * BUCKET_MS / 1000 <= now:
            number = heapq.heappop(self._due)
            for session in self._buckets.pop(number):
                if self.by_id.get(session.id) is not session:
                    continue
                if self._bucket_of(session) <= number:
                    dead[session.id] = session
                else:
                    self._enter_bucket(session)
        return list(dead.values())

    def buckets(self) -> dict[float, list[Session]]:
        """When which sessions expire, unless they are heard of, for those who look."""
        return {
            number * BUCKET_MS / 1000: [s for s in self._buckets[number] if self.by_id.get(s.id) is s]
            for number in sorted(self._due)
        }

    @staticmethod
    def negotiate(timeout_ms: int) -> int:
        """What is granted of the timeout that was asked for."""
        return min(max(timeout_ms, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS)

    @staticmethod
    def _bucket_of(session: Session) -> int:
        return (int(session.heard_at * 1000) + session.timeout_ms) // BUCKET_MS + 1

    def _enter_bucket(self, session: Session) -> None:
        number = self._bucket_of(session)
        bucket = self._buckets.get(number)
        if bucket is None:
            self._buckets[number] = [session]
            heapq.heappush(self._due, number)
        else:
            bucket.append(session)
