"""Requests to ZooKeeper and the session they run in, seen from the loop's thread.

kazoo runs a thread for its socket, and two more for callbacks, whose order among each other is chance. Here those two
are left out: whatever kazoo has to say (a state, a watch, a result) is handed to the loop as it comes, in the order of
the wire. So a result of a former connection can never come after the news that the connection is gone.

A request is answered once, by its ``done``, or not at all when the connection goes first: then ``suspended`` or
``lost`` is told, and whoever asked forgets what was in flight and asks again.

Servers that have lost their data close every connection of a client that has seen more than they have, without a
word and for ever. So a client that has been without a server for a session timeout gets a rival: one with no history.
Where the rival gets a connection and the old one, given a moment more, does not, the session is over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any

from kazoo.exceptions import (
    AuthFailedError,
    ConnectionClosedError,
    ConnectionLoss,
    InvalidACLError,
    NoAuthError,
    NoNodeError,
    RolledBackError,
    RuntimeInconsistency,
    SessionExpiredError,
    SessionMovedError,
)
from kazoo.protocol.states import KazooState

from autohealer.coordination.session.client import RECONNECT
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.kazoo_session import KazooSession
from autohealer.coordination.session.port import (
    ClientPort,
    Done,
    Fill,
    Joinable,
    LinkObserver,
    Pending,
    SessionId,
    Timer,
    Watch,
)

# So many requests are on the wire at most: more would not be quicker, and each answer costs the loop a moment in
# which it hears of no death.
WINDOW = 24

# The longest pause of a client between two tries, and a handshake.
PREFERENCE_S = RECONNECT["max_delay"] * 1.4 + 0.3

_GONE = (ConnectionLoss, ConnectionClosedError, SessionExpiredError, SessionMovedError)
_INNOCENT = (RolledBackError, RuntimeInconsistency)
_DENIED = (NoAuthError, AuthFailedError, InvalidACLError)


class Link:
    """Requests to ZooKeeper, a bounded number at a time, and the session they run in."""

    def __init__(
        self,
        ensemble: Ensemble,
        *,
        observer: LinkObserver,
        call_soon: Callable[..., None],
        prior: SessionId | None = None,
    ) -> None:
        self._observer = observer
        self._prior = prior
        self._make = ensemble.make_client or partial(KazooSession, ensemble, call_soon)
        self._old = self._make(turned=self._turned, prior=prior)
        self._rival: ClientPort | None = None
        self._rival_facts: tuple[SessionId, float] | None = None
        self._timer: Timer | None = None
        self._patience_s = ensemble.session_timeout_s
        self.session: SessionId | None = None
        self.up = False
        self._connection = 0
        self._in_flight = 0
        self._waiting: deque[tuple[str, Callable[[], Pending], Done]] = deque()

    # ---- life

    def connect(self) -> None:
        """Begin; what comes of it is told to the observer."""
        self._old.start()

    def close(self, timeout: float) -> None:
        """End the session if the server can be reached; never takes longer than ``timeout``."""
        self.begin_close().join(timeout)

    def begin_close(self) -> Joinable:
        """Use the connection no more, and end the session; what is waited for until it has ended."""
        self._use_no_more()
        return self._old.stop()

    def cut(self, seconds: float) -> None:
        """Break the connection and reach no server for so long, as if the network were down: for drills."""
        self._old.cut(seconds)

    def abandon(self) -> None:
        """Go without ending the session, for another one lives in it."""
        self._use_no_more()
        self._old.cut(inf)  # two clients in one session would take it from each other again and again

    def _use_no_more(self) -> None:
        self._old.silence()
        self._dismiss_rival()
        self._cut()

    # ---- requests

    def get(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Data and stat."""
        self._send(path, partial(self._old.get, path, watch), done)

    def get_foreign(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Data and stat of what anybody may have made; what may not be read counts as empty, and is no denial."""

        def got(value: Any, error: Exception | None) -> None:
            if isinstance(error, NoAuthError):
                self.exists(path, looked, watch)
            else:
                done(value, error)

        def looked(stat: Any, error: Exception | None) -> None:
            absent = NoNodeError() if stat is None else None
            done((b"", stat), error or absent)

        self._send("", partial(self._old.get, path, watch), got)

    def exists(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Stat, or None; a watch is set either way."""
        self._send(path, partial(self._old.exists, path, watch), done)

    def children(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Names of children."""
        self._send(path, partial(self._old.children, path, watch), done)

    def set(self, path: str, data: bytes, done: Done) -> None:
        """Stat of the changed node."""
        self._send(path, partial(self._old.set, path, data), done)

    def delete(self, path: str, done: Done) -> None:
        """True."""
        self._send(path, partial(self._old.delete, path), done)

    def create(
        self, path: str, data: bytes, acl: Sequence[Any], done: Done, *, ephemeral: bool = False, sequence: bool = False
    ) -> None:
        """Path of the new node."""
        call = partial(self._old.create, path, data, acl, ephemeral=ephemeral, sequence=sequence)
        self._send(path, call, done)

    def commit(self, about: str, fill: Fill, done: Done) -> None:
        """A transaction's results, one an operation; in one that failed, those are errors."""
        self._send(about, partial(self._old.commit, fill), partial(self._judged, about, done))

    def _judged(self, about: str, done: Done, results: Any, error: Exception | None) -> None:
        """A transaction fails as a whole; of its errors all but one only say that another one failed."""
        if error is None:
            failures = (r for r in results if isinstance(r, Exception) and not isinstance(r, _INNOCENT))
            error = next(failures, None)
            if isinstance(error, _DENIED):
                self._observer.denied(about)
        done(results, error)

    def unwatch(self, path: str, watch: Watch) -> None:
        """Take back a data watch."""
        self._send(path, partial(self._old.unwatch, path, watch), _unminded)

    def ask_zxid(self, done: Callable[[int], None]) -> None:
        """The number of the last transaction that the server knows of, by a request that tells nothing else."""

        def answered(_stat: Any, error: Exception | None) -> None:
            if error is None:
                done(self._old.last_zxid)

        self._send("", partial(self._old.exists, "/", None), answered)

    def forget_waiting(self) -> None:
        """Drop what has not been sent yet."""
        self._waiting.clear()

    def _send(self, path: str, call: Callable[[], Pending], done: Done) -> None:
        if self.up:
            self._waiting.append((path, call, done))
            self._fill()

    def _fill(self) -> None:
        while self._waiting and self._in_flight < WINDOW:
            path, call, done = self._waiting.popleft()
            self._in_flight += 1
            call().rawlink(partial(self._answered, self._connection, path, done))

    def _answered(self, connection: int, path: str, done: Done, result: Pending) -> None:
        if connection != self._connection:
            return
        self._in_flight -= 1
        error = result.exception
        if isinstance(error, _GONE):
            return
        if path and isinstance(error, _DENIED):
            self._observer.denied(path)
        self._fill()
        done(result.value, error)

    # ---- the session

    def _turned(
        self, client: ClientPort, state: str, session: SessionId | None, granted_s: float, refused: bool
    ) -> None:
        if client is not self._old:
            if client is self._rival and client.connected and session is not None:
                self._rival_facts = session, granted_s
                self._later(PREFERENCE_S, self._succeed)
            return
        if state == KazooState.CONNECTED and session is not None:
            self._dismiss_rival()
            self._patience_s = granted_s
            self._connected(session, granted_s)
        elif state == KazooState.SUSPENDED:
            self._cut()
            self._later(self._patience_s, self._rise)
            self._observer.suspended()
        elif state == KazooState.LOST:
            self._cut()
            self._dismiss_rival()
            self._later(self._patience_s, self._rise)
            self.session = None
            self._observer.lost()
            if refused:
                self._observer.denied("")

    def _rise(self) -> None:
        """Without a server for so long: try one that nobody has anything against."""
        if not (self.up or self._rival or self._old.silent):
            self._rival = self._make(turned=self._turned, rival_of=self._old)
            self._rival.start()

    def _succeed(self) -> None:
        """The servers take the rival, and still not the old one."""
        rival, facts = self._rival, self._rival_facts
        if self.up or rival is None or facts is None or not rival.connected:
            return
        if self._old.greeting:
            self._later(PREFERENCE_S, self._succeed)
            return
        self._rival = self._rival_facts = None
        self._old.stop()
        self._old, self._prior = rival, None
        had, self.session = self.session, None
        if had is not None:
            self._observer.lost()
        self._connected(*facts)

    def _dismiss_rival(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._rival is not None:
            self._rival.stop()
            self._rival = self._rival_facts = None

    def _later(self, seconds: float, function: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._old.later(seconds, function)

    def _connected(self, session: SessionId, granted_s: float) -> None:
        same = self.session is not None and self.session[0] == session[0]
        if self.session is not None and not same:
            self._cut()
            self._observer.lost()
        self.session, self.up = session, True
        if same:
            self._observer.resumed()
        else:
            resumed = self._prior is not None and self._prior[0] == session[0]
            self._observer.opened(granted_s, resumed=resumed)

    def _cut(self) -> None:
        self.up = False
        self._connection += 1
        self._in_flight = 0
        self._waiting.clear()


def _unminded(_value: Any, _error: Exception | None) -> None:
    """There is nothing to be done about it."""
