"""Requests to ZooKeeper from a thread that waits for the answers, and never longer than it was told to."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionClosedError, ConnectionLoss, KazooException, SessionExpiredError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KazooState

from autohealer.coordination.session.access import Access
from autohealer.coordination.session.client import kazoo_client
from autohealer.errors import UnreachableError, UsageError

SESSION_S = 10.0
CLOSE_WITHIN_S = 1.0
# So many requests are under way at most when there are many to send: enough to hide the way there and back.
WINDOW = 200
# What a server reads in one piece (jute.maxbuffer). It closes the connection on more, and a client that does not
# know why would send it again and again.
FRAME_LIMIT = 0xFFFFF
HEADER = 8

_AWAY = (ConnectionLoss, ConnectionClosedError, SessionExpiredError, KazooTimeoutError)

Call = Callable[[], Any]


class BlockingClient:
    """One connection. A call is any of kazoo's that answers later; what ZooKeeper refuses is kazoo's error."""

    def __init__(self, hosts: str, servers: str, timeout: float, access: Access) -> None:
        self._hosts, self._timeout, self._access = hosts, timeout, access
        self._closing = False
        self.client: KazooClient = kazoo_client(servers, SESSION_S, access)
        self._connected: threading.Event = self.client.start_async()
        if not self._connected.wait(timeout):
            self.close()
            raise self._unreachable()

    @property
    def is_connected(self) -> bool:
        """Whether the server answers, as far as is known."""
        return self._connected.is_set()

    def on_lost(self, told: Callable[[], None]) -> None:
        """Have this called, in a thread of kazoo's, whenever a session has ended."""

        def heard(state: str) -> None:
            if state == KazooState.LOST and not self._closing:
                told()

        self.client.add_listener(heard)

    def close(self) -> None:
        """End the session; takes a second at most, for kazoo waits ten for a server that is away."""
        self._closing = True
        stopper = threading.Thread(target=self._stop, name="zookeeper-stop", daemon=True)
        stopper.start()
        stopper.join(CLOSE_WITHIN_S)

    def _stop(self) -> None:
        with suppress(Exception):
            self.client.stop()
            self.client.close()

    def ask(self, call: Call) -> Any:
        """The answer, asked for again where the connection breaks: for requests that do no harm twice."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return call().get(timeout=self._timeout)
            except _AWAY as error:
                left = deadline - time.monotonic()
                if left <= 0 or not self._connected.wait(left):
                    raise self._unreachable() from error

    def ask_once(self, call: Call) -> Any:
        """The answer to a request that must not be done twice."""
        if not self._connected.wait(self._timeout):
            raise self._unreachable()
        try:
            return call().get(timeout=self._timeout)
        except _AWAY as error:
            raise UnreachableError(
                f"the connection to {self._hosts} broke, and whether it was done is not known",
                "see what is there before you repeat it",
            ) from error

    def each(self, calls: Iterable[Call]) -> Iterator[Any]:
        """The answers to many requests that do no harm twice, in their order; kazoo's error where one is refused."""
        under_way: deque[tuple[Call, Any]] = deque()
        for call in calls:
            under_way.append((call, call()))
            if len(under_way) >= WINDOW:
                yield self._outcome(*under_way.popleft())
        while under_way:
            yield self._outcome(*under_way.popleft())

    def _outcome(self, call: Call, result: Any) -> Any:
        try:
            try:
                return result.get(timeout=self._timeout)
            except _AWAY:
                return self.ask(call)
        except KazooException as error:
            return error

    def send(self, request: Any) -> Any:
        """A request as such, where it is not larger than a server reads; a call for the methods above."""
        size = len(request.serialize()) + HEADER
        if size > FRAME_LIMIT:
            raise UsageError(
                f"this request of {size:,} bytes is more than ZooKeeper takes", "keep the data of a node below 1 MiB"
            )
        result = self.client.handler.async_result()
        self.client._call(request, result)  # noqa: SLF001 - some of these requests kazoo has no method for
        return result

    def _unreachable(self) -> UnreachableError:
        return self._access.unreachable(self._hosts, self._timeout)
