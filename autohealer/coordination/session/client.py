"""kazoo, set up as it is used here, and what of its inside has to be known for that."""

from __future__ import annotations

import errno
import logging
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import inf
from typing import Any, ClassVar

import msgspec
from kazoo.client import KazooClient
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.protocol.serialization import Connect, int_struct, write_string

from autohealer.coordination.session.access import Access
from autohealer.errors import UsageError

# By itself kazoo doubles its pauses up to a minute or more, and so outlives its session while the server is up.
RECONNECT = {"max_tries": -1, "delay": 0.05, "backoff": 1.5, "max_delay": 1.0}

_log = logging.getLogger("kazoo")


def kazoo_client(
    servers: str, session_timeout: float, access: Access, *, max_delay_s: float = RECONNECT["max_delay"], **options: Any
) -> KazooClient:
    """A client that comes back quickly, and keeps off stderr: below WARNING kazoo would even write passwords.

    Its ``handshake`` is a `Handshake`.
    """
    _log.setLevel(logging.WARNING)
    _log.propagate = False
    if not _log.handlers:
        _log.addHandler(logging.NullHandler())
    try:
        client = KazooClient(
            hosts=servers,
            timeout=session_timeout,
            auth_data=list(access.credentials),
            connection_retry={**RECONNECT, "max_delay": max_delay_s},
            **(access.tls.for_kazoo if access.tls is not None else {}),
            **options,
        )
    except ValueError as error:
        raise UsageError(f"{servers!r} is no list of ZooKeeper servers", "write it as HOST:PORT,HOST:PORT") from error
    client.handshake = Handshake(client, session_timeout)
    return client


class Handshake:
    """How a client gets to its servers: it waits for none so long that its session ends before it has tried another.

    By itself kazoo gives a single server all of the session timeout, and so it does to each that takes no connection,
    as a host without power. A server that is only just starting may take a greeting and never answer it.
    """

    def __init__(self, client: KazooClient, session_timeout: float) -> None:
        self.granted_s: float = session_timeout
        """The session timeout that the server grants, as last heard: kazoo keeps it in a local variable."""
        self.is_under_way = False
        self.refused_until = 0.0
        """Until then (monotonic seconds) no server is reached, as if the network were down: for drills."""
        self._patience_s = session_timeout / (len(client.hosts) + 1)
        connection, handler = client._connection, client.handler
        self._connection, self._stopped = connection, client._stopped
        self._invoke, connection._invoke = connection._invoke, self._greet
        self._create, handler.create_connection = handler.create_connection, self._reach
        self._handler = handler

    def _reach(self, *arguments: Any, timeout: float, **options: Any) -> Any:
        if time.monotonic() < self.refused_until:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "cut off by a drill")
        with self._patience(timeout) as limit:
            return self._create(*arguments, timeout=limit, **options)

    def _greet(self, timeout: float, request: Any, xid: int | None = None) -> Any:
        if not isinstance(request, Connect):
            return self._invoke(timeout, request, xid)
        with self._patience(timeout) as limit:
            result = self._invoke(limit, request, xid)
        self.granted_s = result[0].time_out / 1000
        if isinstance(self._handler, LoopHandler):
            self._handler.granted_s = self.granted_s
        return result

    def cut(self, until: float) -> None:
        """Break the connection, and reach no server until then (monotonic seconds); inf: nor try ever again."""
        self.refused_until = until
        if until == inf:
            self._stopped.set()  # kazoo's thread ends, and the session is left as it is
        connection = self._connection._socket
        with suppress(OSError, AttributeError):  # there is none
            connection.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _patience(self, timeout: float) -> Iterator[float]:
        self.is_under_way = True
        try:
            yield min(timeout, self._patience_s)
        finally:
            self.is_under_way = False


class RemoveWatches(msgspec.Struct, frozen=True):
    """A request that kazoo does not know (ZooKeeper 3.5 and later)."""

    path: str
    type: ClassVar[int] = 18

    def serialize(self) -> bytes:
        """The path, and which watches: 2 stands for data."""
        path: bytes = write_string(self.path)
        which: bytes = int_struct.pack(2)
        return path + which

    def deserialize(self, _data: bytes, _offset: int) -> bool:
        """The answer is its header."""
        return True


class Marshal:
    """From kazoo's thread into the loop's."""

    def __init__(self, call_soon: Callable[..., None]) -> None:
        self._call_soon = call_soon
        self.closed = False

    def put(self, function: Callable[..., None], *arguments: object) -> None:
        """Have this called there; a method of this name is all that kazoo asks of a queue."""
        if not self.closed:
            # A loop that has been closed meanwhile has nobody left who wants to know.
            with suppress(RuntimeError):
                self._call_soon(function, *arguments)


def wait_in_step(now: float, wait_s: float, sent_at: float, session_timeout_s: float) -> float:
    """How long a client that would ping after ``wait_s`` waits instead, to do so when others do.

    kazoo pings up to 0.4 s before a third of the session timeout has passed since it sent something. The last moment
    before that third is over which is a multiple of a quarter of it, is taken, unless kazoo's own comes after it. So a
    ping is never later than kazoo's may be, and the next one can be at such a moment again.
    """
    step_s = session_timeout_s / 12
    if step_s <= 0:
        return wait_s
    shared = (sent_at + 4 * step_s) // step_s * step_s
    return max(wait_s, shared - now)


class LoopHandler(SequentialThreadingHandler):  # type: ignore[misc]  # kazoo has no types
    """kazoo's handler without its two threads: callbacks go to the loop.

    Waiting costs less, too: by a cheaper call, and the clients of one machine ping at the same moments. Each wake-up
    finds a processor that has forgotten all; of twenty at once the first one alone pays for that.
    """

    def __init__(self, marshal: Marshal) -> None:
        super().__init__()
        # While it does not run, kazoo calls back in whatever thread it is in.
        self.callback_queue = self.completion_queue = marshal
        self._running = True
        self.granted_s = 0.0
        """The session timeout that the server grants."""
        self._sent_at = 0.0

    def start(self) -> None:
        """There is nothing to start."""

    def stop(self) -> None:
        """There is nothing to stop."""

    def select(
        self, readers: Sequence[Any], writers: Sequence[Any], _: Sequence[Any], timeout: float | None = None
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Which of these sockets are ready. kazoo's own makes an epoll for each wait, and there are four a ping."""
        now = time.monotonic()
        if writers:  # it asks before it sends anything
            self._sent_at = now
        elif len(readers) > 1 and timeout is not None:  # it waits for answers, requests and its next ping
            timeout = wait_in_step(now, timeout, self._sent_at, self.granted_s)
        poll = select.poll()
        for sock in readers:
            poll.register(sock, select.POLLIN)
        for sock in writers:
            poll.register(sock, select.POLLOUT)
        ready = {fd for fd, _ in poll.poll(None if timeout is None else timeout * 1000)}
        return (
            [sock for sock in readers if sock.fileno() in ready],
            [sock for sock in writers if sock.fileno() in ready],
            [],
        )
