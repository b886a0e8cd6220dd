"""kazoo behind the port: one client, and what it has to say handed to the loop's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Any

from kazoo.protocol.states import KazooState, KeeperState

from autohealer.coordination.session.client import RECONNECT, LoopHandler, Marshal, RemoveWatches, kazoo_client
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.port import (
    ClientPort,
    Fill,
    Joinable,
    Pending,
    SessionId,
    Timer,
    Turned,
    Watch,
)

RIVAL_MAX_DELAY_S = 0.3
LET_GO_S = 10.0


class KazooSession:
    """A kazoo client."""

    def __init__(
        self,
        ensemble: Ensemble,
        call_soon: Callable[..., None],
        *,
        turned: Turned,
        prior: SessionId | None = None,
        rival_of: ClientPort | None = None,
    ) -> None:
        self._marshal = Marshal(call_soon)
        self._turned = turned
        self.kazoo = kazoo_client(
            ensemble.servers,
            ensemble.session_timeout_s,
            ensemble.access,
            max_delay_s=RECONNECT["max_delay"] if rival_of is None else RIVAL_MAX_DELAY_S,
            client_id=prior,
            handler=LoopHandler(self._marshal),
        )
        if isinstance(rival_of, KazooSession):
            self.kazoo.handshake.refused_until = rival_of.kazoo.handshake.refused_until
        self.kazoo.add_listener(self._heard)
        self._connected = False

    @property
    def connected(self) -> bool:
        """Whether it is in a session, as far as was told."""
        return self._connected

    @property
    def silent(self) -> bool:
        """Whether it has been told to say nothing more."""
        return self._marshal.closed

    @property
    def last_zxid(self) -> int:
        """The number of the last transaction that the server knew of when it last answered a request."""
        zxid: int = self.kazoo.last_zxid
        return zxid

    @property
    def greeting(self) -> bool:
        """Whether it is in the middle of a handshake."""
        under_way: bool = self.kazoo.handshake.is_under_way
        return under_way

    def start(self) -> None:
        """Begin; what comes of it is told by ``turned``."""
        self.kazoo.start_async()

    def silence(self) -> None:
        """Say nothing more."""
        self._marshal.closed = True

    def stop(self) -> Joinable:
        """Say nothing more, and end the session if the server can be reached, in a thread."""
        self.silence()
        stopper = threading.Thread(target=self._stop, name="zookeeper-stop", daemon=True)
        stopper.start()
        return stopper

    def cut(self, seconds: float) -> None:
        """Break the connection, and reach no server for so long; inf: never again, and what it holds is let go."""
        self.kazoo.handshake.cut(time.monotonic() + seconds)
        if seconds == inf:
            threading.Thread(target=self._let_go, name="zookeeper-let-go", daemon=True).start()

    def _let_go(self) -> None:
        with suppress(Exception):  # as in `_stop`
            self.kazoo._connection.stop(LET_GO_S)
            self.kazoo.close()

    def later(self, seconds: float, function: Callable[[], None]) -> Timer:
        """By a thread: those who use this have loops of several kinds, and all of them can be called from afar."""
        timer = threading.Timer(seconds, self._marshal.put, [function])
        timer.daemon = True
        timer.start()
        return timer

    # ---- requests

    def get(self, path: str, watch: Watch | None) -> Pending:
        """Data and stat."""
        return self.kazoo.get_async(path, watch)  # type: ignore[no-any-return]  # kazoo has no types

    def exists(self, path: str, watch: Watch | None) -> Pending:
        """Stat, or None."""
        return self.kazoo.exists_async(path, watch)  # type: ignore[no-any-return]  # kazoo has no types

    def children(self, path: str, watch: Watch | None) -> Pending:
        """Names of children."""
        return self.kazoo.get_children_async(path, watch)  # type: ignore[no-any-return]  # kazoo has no types

    def set(self, path: str, data: bytes) -> Pending:
        """Stat of the changed node."""
        return self.kazoo.set_async(path, data)  # type: ignore[no-any-return]  # kazoo has no types

    def delete(self, path: str) -> Pending:
        """True."""
        return self.kazoo.delete_async(path)  # type: ignore[no-any-return]  # kazoo has no types

    def create(self, path: str, data: bytes, acl: Sequence[Any], *, ephemeral: bool, sequence: bool) -> Pending:
        """Path of the new node."""
        pending: Pending = self.kazoo.create_async(path, data, list(acl), ephemeral=ephemeral, sequence=sequence)
        return pending

    def commit(self, fill: Fill) -> Pending:
        """A transaction's results."""
        transaction = self.kazoo.transaction()
        fill(transaction)
        return transaction.commit_async()  # type: ignore[no-any-return]  # kazoo has no types

    def unwatch(self, path: str, watch: Watch) -> Pending:
        """Take back a data watch, which kazoo cannot: one for each worker that ever was would pile up."""
        result: Pending = self.kazoo.handler.async_result()
        self.kazoo._call(RemoveWatches(path), result)

        def ended(_: Pending) -> None:
            watchers = self.kazoo._data_watchers
            if path in watchers:
                watchers[path].discard(watch)
                if not watchers[path]:
                    watchers.pop(path, None)

        result.rawlink(ended)
        return result

    # ---- kazoo's thread

    def _stop(self) -> None:
        # kazoo waits ten seconds for its own thread, then raises; by then nobody cares.
        with suppress(Exception):
            self.kazoo.stop()
            self.kazoo.close()

    def _heard(self, state: str) -> None:
        """In kazoo's thread: take down what it knows at this moment, and hand it over."""
        refused = self.kazoo.client_state == KeeperState.AUTH_FAILED
        self._marshal.put(self._told, state, self.kazoo.client_id, self.kazoo.handshake.granted_s, refused)

    def _told(self, state: str, session: SessionId | None, granted_s: float, refused: bool) -> None:
        if not self.silent:
            self._connected = state == KazooState.CONNECTED and session is not None
            self._turned(self, state, session, granted_s, refused)
