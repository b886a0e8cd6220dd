"""The shell around the engine: sockets, the journal and the clock, in one thread.

It waits for sockets or for the engine's next deadline, and never wakes without a reason. A pass reads what has come,
lets the engine answer, writes the journal once, and then sends each connection all it has in one write.

This is not asyncio: with one kind of socket and one deadline an epoll loop is as short, and a request costs half.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from typing import TYPE_CHECKING, Final

from autohealer.zkserver.acceptor import Acceptor
from autohealer.zkserver.client_socket import ClientSocket
from autohealer.zkserver.sessions import HANDSHAKE_MS

if TYPE_CHECKING:
    import socket

    from autohealer.zkserver.admission import Admission
    from autohealer.zkserver.connection import Connection
    from autohealer.zkserver.engine import Engine
    from autohealer.zkserver.journal import Journal

logger = logging.getLogger("autohealer.zkserver")

#: A connection that has no session by then, or does not take its last bytes, is closed.
_PATIENCE_S: Final = HANDSHAKE_MS / 1000
#: After so much work without a wait a rest is due: about a millisecond is what others have to wait for their turn.
_WORK_S: Final = 0.001
_REST_S: Final = 0.00005
#: What is as good as a rest.
_WAITED_S: Final = 0.00002
_AFTER_FAULT_S: Final = 0.1  # lest the same one fills the log


class Loop:
    """Serves one listening socket until it is told to stop."""

    def __init__(
        self,
        engine: Engine,
        listener: socket.socket,
        journal: Journal | None,
        *,
        max_connections: int,
        admission: Admission | None = None,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._epoll = select.epoll()
        self._acceptor = Acceptor(
            listener,
            self._epoll,
            max_connections=max_connections,
            admission=admission,
            statistics=engine.statistics,
        )
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._peers: dict[int, ClientSocket] = {}
        self._by_connection: dict[Connection, ClientSocket] = {}
        self._busy: dict[ClientSocket, None] = {}  # with frames left to answer
        self._waited_for: dict[ClientSocket, float] = {}  # for their session, or to take their last bytes
        self._rested_at = 0.0
        self._tick_at: float | None = None
        self._wake_lock = threading.RLock()  # a signal handler may come in while we hold it
        self._stopping = False
        self._epoll.register(self._wake, select.EPOLLIN)

    def stop(self) -> None:
        """From any thread, or a signal handler. A loop that has ended does not mind."""
        with self._wake_lock:
            self._stopping = True
            if self._wake != -1:
                os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """Serve until `stop` is called. The sockets and the journal are closed when it returns."""
        try:
            while not self._stopping:
                try:
                    self._pass()
                except Exception:
                    # our own fault: better to go on with it than to leave all clients alone
                    logger.exception("the server broke its own rules, and goes on")
                    time.sleep(_AFTER_FAULT_S)
        finally:
            self._close()

    def _pass(self) -> None:
        before = time.monotonic()
        ready = self._epoll.poll(self._timeout(before))
        now = self._rest_if_due(before, time.monotonic())
        busy = list(self._busy)
        for fd, mask in ready:
            peer = self._peers.get(fd)
            if peer is not None:
                self._serve(peer, mask, now)
            elif fd == self._acceptor.fd:
                self._accept(now)
        for peer in busy:
            self._busy.pop(peer, None)
            self._answer(peer, now)
        self._keep_time(now)
        if self._journal is not None:
            self._write_journal(self._journal, now)
        if self._engine.touched:
            self._flush(now)

    def _rest_if_due(self, before: float, now: float) -> float:
        """Let the other threads of this process run, if there is so much to do that we never wait for anything.

        A system call gives up the interpreter's lock too, but takes it back before a thread that waits for it wakes.
        """
        if now - before > _WAITED_S:
            self._rested_at = now
        elif now - self._rested_at > _WORK_S:
            time.sleep(_REST_S)
            self._rested_at = now = time.monotonic()
        return now

    def _timeout(self, now: float) -> float | None:
        self._tick_at = self._engine.next_deadline(now)
        if self._busy or (self._journal is not None and self._journal.is_busy):
            return 0
        deadlines = [
            self._tick_at,
            next(iter(self._waited_for.values()), None),
            self._acceptor.again_at,
            self._journal.retry_at() if self._journal is not None else None,
        ]
        earliest = min((deadline for deadline in deadlines if deadline is not None), default=None)
        return None if earliest is None else max(0.0, earliest - now)

    # in

    def _accept(self, now: float) -> None:
        for sock, address in self._acceptor.accept(self._peers, now):
            peer = ClientSocket(sock, self._engine.connect(address[0], address[1], now))
            self._peers[sock.fileno()] = peer
            self._by_connection[peer.connection] = peer
            self._waited_for[peer] = now + _PATIENCE_S
            self._epoll.register(sock.fileno(), peer.interest)

    def _serve(self, peer: ClientSocket, mask: int, now: float) -> None:
        if mask & select.EPOLLOUT:
            self._send(peer, now)
        if mask & select.EPOLLIN and peer.interest & select.EPOLLIN:
            data = peer.read()
            if data is None:
                return
            if not data:
                self._drop(peer)
                return
            if peer.connection.is_saturated:
                # it may be slow to read, and still is there
                peer.connection.heard(now)
                peer.put_by(data)
                self._update_interest(peer)
                return
            peer.connection.frames.feed(data)
            self._answer(peer, now)
        elif mask & (select.EPOLLHUP | select.EPOLLERR) and peer not in self._busy:
            self._drop(peer)

    def _answer(self, peer: ClientSocket, now: float) -> None:
        connection = peer.connection
        if connection.closing or connection.is_saturated:
            return
        if peer.unanswered_size:
            peer.take_up()
        had_session = connection.session is not None
        try:
            more = self._engine.receive(connection, now)
        except Exception:
            # our own fault: it must not be the other clients' too
            logger.exception("a request from %s:%d broke the server's own rules", connection.peer, connection.port)
            connection.abort()
            return
        if more:
            self._busy[peer] = None
        if not had_session and connection.session is not None:
            self._waited_for.pop(peer, None)
        self._update_interest(peer)

    # time

    def _keep_time(self, now: float) -> None:
        if self._tick_at is not None and self._tick_at <= now:
            self._engine.tick(now)
        while self._waited_for:
            peer, until = next(iter(self._waited_for.items()))
            if until > now:
                break
            self._drop(peer)
        self._acceptor.resume(now)

    def _write_journal(self, journal: Journal, now: float) -> None:
        journal.append(self._engine.take_entries(), now)
        journal.work(now)

    # out

    def _flush(self, now: float) -> None:
        touched = self._engine.touched
        answered_at = time.monotonic()
        elapsed_ms = (answered_at - now) * 1000
        self._engine.statistics.latency.took(elapsed_ms)
        for connection in touched:
            connection.dirty = False
            connection.latency.took(elapsed_ms)
            connection.last_reply_at = answered_at
            peer = self._by_connection.get(connection)
            if peer is None:
                continue
            peer.unsent.extend(connection.outgoing)
            connection.outgoing.clear()
            if connection.closing and not connection.outgoing_size:
                self._drop(peer)
            elif not peer.interest & select.EPOLLOUT:  # else it is not ready for more
                self._send(peer, now)
        touched.clear()

    def _send(self, peer: ClientSocket, now: float) -> None:
        connection = peer.connection
        was_saturated = connection.is_saturated
        try:
            sent = peer.write()
        except OSError:
            self._drop(peer)
            return
        if sent and was_saturated:
            # it reads, however slowly; what it has sent meanwhile may wait for us
            connection.heard(now)
        if connection.closing:
            if not connection.outgoing_size:
                self._drop(peer)
                return
            self._waited_for.setdefault(peer, now + _PATIENCE_S)
        elif was_saturated and not connection.is_saturated:
            self._busy[peer] = None
        self._update_interest(peer)

    def _update_interest(self, peer: ClientSocket) -> None:
        interest = peer.wants(is_busy=peer in self._busy)
        if interest != peer.interest:
            peer.interest = interest
            self._epoll.modify(peer.socket.fileno(), interest)

    def _drop(self, peer: ClientSocket) -> None:
        fd = peer.socket.fileno()
        if self._peers.pop(fd, None) is None:
            return
        del self._by_connection[peer.connection]
        self._busy.pop(peer, None)
        self._waited_for.pop(peer, None)
        self._engine.disconnect(peer.connection)
        if peer.connection.closed_for:
            session = peer.connection.session
            logger.warning(
                "closed the connection of %s:%d, session 0x%x: %s",
                peer.connection.peer,
                peer.connection.port,
                session.id if session else 0,
                peer.connection.closed_for,
            )
        # closing takes it out of epoll too
        peer.socket.close()

    def _close(self) -> None:
        for peer in list(self._peers.values()):
            self._drop(peer)
        if self._journal is not None:
            self._journal.append(self._engine.take_entries(), time.monotonic())
            self._journal.close()
        self._acceptor.close()
        self._epoll.close()
        with self._wake_lock:
            wake, self._wake = self._wake, -1
            os.close(wake)
