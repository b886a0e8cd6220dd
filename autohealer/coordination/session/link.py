"""One kazoo client, seen from the loop's thread.

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

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from kazoo.client import KazooClient, TransactionRequest
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
from kazoo.protocol.states import KazooState, KeeperState, WatchedEvent

from autohealer.coordination.session.access import Access
from autohealer.coordination.session.client import (
    RECONNECT,
    LoopHandler,
    Marshal,
    RemoveWatches,
    kazoo_client,
)

Done = Callable[[Any, Exception | None], None]
Watch = Callable[[WatchedEvent], None]
Session = tuple[int, bytes]

# So many requests are on the wire at most: more would not be quicker, and each answer costs the loop a moment in
# which it hears of no death.
WINDOW = 24

# The longest pause of a client between two tries, and a handshake.
PREFERENCE_S = RECONNECT["max_delay"] * 1.4 + 0.3
RIVAL_MAX_DELAY_S = 0.3

_GONE = (ConnectionLoss, ConnectionClosedError, SessionExpiredError, SessionMovedError)
_INNOCENT = (RolledBackError, RuntimeInconsistency)
_DENIED = (NoAuthError, AuthFailedError, InvalidACLError)


class LinkObserver(Protocol):
    """Who is told how the connection fares."""

    def opened(self, granted_s: float, *, resumed: bool) -> None:
        """A session is there."""

    def suspended(self) -> None:
        """The server does not answer."""

    def resumed(self) -> None:
        """It answers again, in the same session."""

    def lost(self) -> None:
        """The session has ended."""

    def denied(self, path: str) -> None:
        """The server refuses these credentials, for this path or (where it is empty) altogether."""


class _Client:
    """A kazoo client, and what it has to say handed to the loop's thread."""

    def __init__(
        self,
        servers: str,
        session_timeout: float,
        access: Access,
        *,
        call_soon: Callable[..., None],
        turned: Callable[[_Client, str, Session | None, float, bool], None],
        prior: Session | None = None,
        max_delay_s: float = RECONNECT["max_delay"],
    ) -> None:
        self.marshal = Marshal(call_soon)
        self._turned = turned
        self.kazoo = kazoo_client(
            servers,
            session_timeout,
            access,
            max_delay_s=max_delay_s,
            client_id=prior,
            handler=LoopHandler(self.marshal),
        )
        self.kazoo.add_listener(self._heard)
        self.connected = False

    def start(self) -> None:
        """Begin; what comes of it is told by ``turned``."""
        self.kazoo.start_async()

    def stop(self) -> threading.Thread:
        """Say nothing more, and end the session if the server can be reached, in a thread."""
        self.marshal.closed = True
        stopper = threading.Thread(target=self._stop, name="zookeeper-stop", daemon=True)
        stopper.start()
        return stopper

    def _stop(self) -> None:
        # kazoo waits ten seconds for its own thread, then raises; by then nobody cares.
        with suppress(Exception):
            self.kazoo.stop()
            self.kazoo.close()

    def _heard(self, state: str) -> None:
        """In kazoo's thread: take down what it knows at this moment, and hand it over."""
        refused = self.kazoo.client_state == KeeperState.AUTH_FAILED
        self.marshal.put(self._told, state, self.kazoo.client_id, self.kazoo.handshake.granted_s, refused)

    def _told(self, state: str, session: Session | None, granted_s: float, refused: bool) -> None:
        if not self.marshal.closed:
            self.connected = state == KazooState.CONNECTED and session is not None
            self._turned(self, state, session, granted_s, refused)


class Link:
    """Requests to ZooKeeper, a bounded number at a time, and the session they run in."""

    def __init__(
        self,
        servers: str,
        session_timeout: float,
        *,
        observer: LinkObserver,
        call_soon: Callable[..., None],
        prior: Session | None,
        access: Access,
    ) -> None:
        self._observer = observer
        self._prior = prior
        self._make = partial(_Client, servers, session_timeout, access, call_soon=call_soon, turned=self._turned)
        self._old = self._make(prior=prior)
        self._rival: _Client | None = None
        self._rival_facts: tuple[Session, float] | None = None
        self._timer: threading.Timer | None = None
        self._patience_s = session_timeout
        self.session: Session | None = None
        self.up = False
        self._connection = 0
        self._in_flight = 0
        self._waiting: deque[tuple[str, Callable[[], Any], Done]] = deque()

    # ---- life

    def connect(self) -> None:
        """Begin; what comes of it is told to the observer."""
        self._old.start()

    def close(self, timeout: float) -> None:
        """End the session if the server can be reached; never takes longer than ``timeout``."""
        self.begin_close().join(timeout)

    def begin_close(self) -> threading.Thread:
        """Use the connection no more, and end the session; the thread that ends it."""
        self.abandon()
        return self._old.stop()

    def cut(self, seconds: float) -> None:
        """Break the connection and reach no server for so long, as if the network were down: for drills."""
        self._old.kazoo.handshake.cut(time.monotonic() + seconds)

    def abandon(self) -> None:
        """Go without ending the session, for another one lives in it."""
        self._old.marshal.closed = True
        self._dismiss_rival()
        self._cut()

    @property
    def _client(self) -> KazooClient:
        return self._old.kazoo

    # ---- requests

    def get(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Data and stat."""
        self._send(path, partial(self._client.get_async, path, watch), done)

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

        self._send("", partial(self._client.get_async, path, watch), got)

    def exists(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Stat, or None; a watch is set either way."""
        self._send(path, partial(self._client.exists_async, path, watch), done)

    def children(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Names of children."""
        self._send(path, partial(self._client.get_children_async, path, watch), done)

    def set(self, path: str, data: bytes, done: Done) -> None:
        """Stat of the changed node."""
        self._send(path, partial(self._client.set_async, path, data), done)

    def delete(self, path: str, done: Done) -> None:
        """True."""
        self._send(path, partial(self._client.delete_async, path), done)

    def create(
        self, path: str, data: bytes, acl: Sequence[Any], done: Done, *, ephemeral: bool = False, sequence: bool = False
    ) -> None:
        """Path of the new node."""
        call = partial(self._client.create_async, path, data, list(acl), ephemeral=ephemeral, sequence=sequence)
        self._send(path, call, done)

    def commit(self, about: str, fill: Callable[[TransactionRequest], None], done: Done) -> None:
        """A transaction's results, one an operation; in one that failed, those are errors."""

        def call() -> Any:
            transaction = self._client.transaction()
            fill(transaction)
            return transaction.commit_async()

        self._send(about, call, partial(self._judged, about, done))

    def _judged(self, about: str, done: Done, results: Any, error: Exception | None) -> None:
        """A transaction fails as a whole; of its errors all but one only say that another one failed."""
        if error is None:
            failures = (r for r in results if isinstance(r, Exception) and not isinstance(r, _INNOCENT))
            error = next(failures, None)
            if isinstance(error, _DENIED):
                self._observer.denied(about)
        done(results, error)

    def unwatch(self, path: str, watch: Watch) -> None:
        """Take back a data watch, which kazoo cannot: one for each worker that ever was would pile up."""

        def ended(_value: Any, _error: Exception | None) -> None:
            watchers = self._client._data_watchers  # noqa: SLF001
            if path in watchers:
                watchers[path].discard(watch)
                if not watchers[path]:
                    watchers.pop(path, None)

        def call() -> Any:
            result = self._client.handler.async_result()
            self._client._call(RemoveWatches(path), result)  # noqa: SLF001
            return result

        self._send(path, call, ended)

    def forget_waiting(self) -> None:
        """Drop what has not been sent yet."""
        self._waiting.clear()

    def _send(self, path: str, call: Callable[[], Any], done: Done) -> None:
        if self.up:
            self._waiting.append((path, call, done))
            self._fill()

    def _fill(self) -> None:
        while self._waiting and self._in_flight < WINDOW:
            path, call, done = self._waiting.popleft()
            self._in_flight += 1
            call().rawlink(partial(self._answered, self._connection, path, done))

    def _answered(self, connection: int, path: str, done: Done, result: Any) -> None:
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

    def _turned(self, client: _Client, state: str, session: Session | None, granted_s: float, refused: bool) -> None:
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
        if not (self.up or self._rival or self._old.marshal.closed):
            self._rival = self._make(max_delay_s=RIVAL_MAX_DELAY_S)
            self._rival.kazoo.handshake.refused_until = self._old.kazoo.handshake.refused_until
            self._rival.start()

    def _succeed(self) -> None:
        """The servers take the rival, and still not the old one."""
        rival, facts = self._rival, self._rival_facts
        if self.up or rival is None or facts is None or not rival.connected:
            return
        if self._client.handshake.is_under_way:
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
        """By a thread: those who use this have loops of several kinds, and all of them can be called from afar."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self._old.marshal.put, [function])
        self._timer.daemon = True
        self._timer.start()

    def _connected(self, session: Session, granted_s: float) -> None:
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
