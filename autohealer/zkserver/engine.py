"""The server without its sockets: bytes and the time in, bytes and a deadline out.

    connection = engine.connect(peer, port, now)
    connection.frames.feed(data)
    engine.receive(connection, now)       # until it says that nothing is left
    engine.take_entries()                 # to be journalled before anything is sent
    engine.touched                        # connections that have bytes to send, or are to be closed
    engine.tick(now)                      # at engine.next_deadline(now)
    engine.disconnect(connection)         # when its socket is gone

Requests are answered in the order in which they come, each before the next is looked at. An event is in a
connection's bytes before the reply to the write that caused it, and before any read that sees the new state.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from autohealer.zkserver import entries, four_letter, records
from autohealer.zkserver.auth import authenticate
from autohealer.zkserver.connection import HIGH_WATER, Connection
from autohealer.zkserver.journal_batch import JournalBatch
from autohealer.zkserver.jute import MALFORMED, MalformedError
from autohealer.zkserver.protocol import (
    AUTH,
    CLOSE_SESSION,
    CREATE_SESSION,
    ERROR,
    MARSHALLING_ERROR,
    OK,
    PING,
    PING_XID,
    UNIMPLEMENTED,
    ConnectionRefused,
    LimitExceeded,
    RequestError,
)
from autohealer.zkserver.reads import Reads
from autohealer.zkserver.sessions import PASSWORD_SIZE, Session, Sessions
from autohealer.zkserver.statistics import Statistics
from autohealer.zkserver.transactions import Transaction
from autohealer.zkserver.tree import ACL_CHANGED, Tree
from autohealer.zkserver.upkeep import Upkeep
from autohealer.zkserver.watches import Watches
from autohealer.zkserver.writes import WRITES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEADER: Final = Struct(">ii")

# How much is done in one go before others get their turn, in this process as well: the server may share it.
_FRAMES_IN_ONE_GO: Final = 32


class ServerPlace(NamedTuple):
    """Where a server listens and keeps its journal, for who asks it."""

    port: int = 0
    data_dir: str = ""
    journal_size: Callable[[], int] = lambda: 0
    """Of bytes."""


NOWHERE = ServerPlace()


class Engine:
    """One server's state and its answers."""

    def __init__(
        self,
        *,
        zxid: int,
        sessions: Sessions,
        now: float,
        wall_ms: Callable[[], int],
        journalled: bool = False,
        place: ServerPlace = NOWHERE,
    ) -> None:
        self.zxid = zxid  # of the last transaction
        self.tree = Tree()
        self.watches = Watches()
        self.sessions = sessions
        self.connections: dict[Connection, None] = {}
        self.touched: list[Connection] = []
        self.statistics = Statistics()
        self.started_at = now
        self.place = place
        self._wall_ms = wall_ms
        self._batch = JournalBatch(self.epoch) if journalled else None
        self._reads = Reads(self.tree, self.watches).table()
        self._upkeep = Upkeep(sessions, self.tree, wall_ms=wall_ms, expire=self.expire, delete=self._delete)

    def restore(self, state: entries.State, now: float) -> None:
        """Be what a former life was: every session has its whole timeout before it again."""
        state.grow(self.tree)
        for session_id, (timeout_ms, password) in state.sessions.items():
            self.sessions.restore(session_id, password, timeout_ms, now)
        for session_id in list(self.tree.ephemerals):
            if session_id not in self.sessions.by_id:
                raise MalformedError(f"a node belongs to session 0x{session_id:x}, which is not known")

    # what the shell calls

    def connect(self, peer: str, port: int, now: float) -> Connection:
        """A socket was accepted."""
        connection = Connection(peer, port, now, self._wall_ms(), self.touched)
        self.connections[connection] = None
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Its socket is gone: so are its watches. Its session waits for the next connection."""
        connection.closing = True
        if connection not in self.connections:
            return
        del self.connections[connection]
        self.watches.forget(connection)
        self.statistics.forget(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None

    def receive(self, connection: Connection, now: float) -> bool:
        """Answer some of the frames that have come. True if there may be more of them to answer."""
        before = connection.received
        try:
            more = (connection.session is not None or self._begin(connection, now)) and self._answer_some(connection)
        except ConnectionRefused as refused:
            if isinstance(refused, LimitExceeded):
                connection.closed_for = str(refused)
            connection.close()
            more = False
        if connection.session is not None and connection.received > before:
            connection.session.heard_at = now
        return more

    def _answer_some(self, connection: Connection) -> bool:
        next_frame = connection.frames.next_frame
        for _ in range(_FRAMES_IN_ONE_GO):
            frame = next_frame()
            if frame is None:
                return False
            connection.received += 1
            self._answer(connection, frame)
            if connection.closing:
                return False
            if connection.outgoing_size > HIGH_WATER:
                break
        return True

    def take_entries(self) -> bytes:
        """What the journal has to hold before anything is sent."""
        return b"" if self._batch is None else self._batch.take(self.epoch)

    @property
    def epoch(self) -> int:
        """The high word of the zxids."""
        return self.zxid >> 32

    def everything(self) -> Iterator[bytes]:
        """All there is, as entries, in pieces: changes may come between two of them."""
        return entries.write_everything(self.tree, self.sessions.by_id.values(), self.epoch)

    def current(self, keys: set[entries.Key]) -> bytes:
        """What these nodes and sessions are now, as entries."""
        return entries.write_current(keys, self.tree, self.sessions.by_id, self.epoch)

    def next_deadline(self, now: float) -> float | None:
        """When `tick` is wanted. None: not before something comes in."""
        return self._upkeep.next_deadline(now)

    def tick(self, now: float) -> None:
        """Do what the time has come for: see ``upkeep``."""
        self._upkeep.tick(now)

    def expire(self, session: Session) -> None:
        """End a session that its client did not close."""
        self._close_session(session)
        if session.connection is not None:
            # nothing tells a client of this but the end of its connection
            session.connection.abort()

    # a connection's first bytes

    def _begin(self, connection: Connection, now: float) -> bool:
        word = connection.frames.peek()
        if len(word) == 4 and word in four_letter.WORDS:
            connection.received += 1
            connection.send(four_letter.answer(self, word, now))
            connection.close()
            return False
        frame = connection.frames.next_frame()
        if frame is None:
            return False
        connection.received += 1
        try:
            request = records.read_connect(frame)
        except MALFORMED as error:
            raise ConnectionRefused("not a connect request") from error
        if request.last_zxid_seen > self.zxid:
            # it knows a later state than ours: to answer would show it the past
            raise ConnectionRefused("the client has seen a later zxid")
        session = self._session_for(request, now)
        if session is None:
            connection.send(records.write_connect(0, 0, bytes(PASSWORD_SIZE), has_read_only=request.has_read_only))
            connection.close()
            return False
        connection.session = session
        session.connection = connection
        connection.last_operation, connection.last_zxid = CREATE_SESSION, self.zxid
        connection.send(
            records.write_connect(session.timeout_ms, session.id, session.password, has_read_only=request.has_read_only)
        )
        return True

    def _session_for(self, request: records.ConnectRequest, now: float) -> Session | None:
        timeout_ms = self.sessions.negotiate(request.timeout_ms)
        if request.session_id == 0:
            session = self.sessions.open(timeout_ms, now)
            self.zxid += 1
        else:
            known = self.sessions.by_id.get(request.session_id)
            if known is None or known.password != request.password:
                return None
            session = known
            if session.connection is not None:
                former, session.connection = session.connection, None
                self.watches.forget(former)
                former.abort()
            self.sessions.retime(session, timeout_ms, now)
        if self._batch is not None:
            self._batch.opened(session)
        return session

    # requests

    def _answer(self, connection: Connection, frame: bytes) -> None:
        if len(frame) < 8:
            raise ConnectionRefused("a frame without a header")
        xid, operation = _HEADER.unpack_from(frame)
        body = b""
        code = OK
        try:
            read = self._reads.get(operation)
            if read is not None:
                body = read(connection, frame)
            elif (write := WRITES.get(operation)) is not None:
                # a write that fails takes a zxid too
                self.zxid += 1
                session = connection.session
                transaction = Transaction(
                    self.tree, session.id if session else 0, connection.identities, self.zxid, self._wall_ms()
                )
                body = write(transaction, frame)
                if self.tree.changes:
                    self._publish()
            else:
                self._answer_other(connection, xid, operation, frame)
                return
        except RequestError as error:
            code, body = error.code, error.body
        except MALFORMED:
            code = MARSHALLING_ERROR
        connection.last_operation = operation if read is not None or not code else ERROR
        connection.last_xid, connection.last_zxid = xid, self.zxid
        connection.send(records.write_reply(xid, self.zxid, code, body))

    def _answer_other(self, connection: Connection, xid: int, operation: int, frame: bytes) -> None:
        if operation == PING:
            connection.last_operation, connection.last_zxid = PING, self.zxid
            connection.send(records.write_reply(PING_XID, self.zxid, OK))
        elif operation == AUTH:
            authenticate(connection, xid, frame)
        elif operation == CLOSE_SESSION:
            if connection.session is not None:
                self._close_session(connection.session)
            connection.send(records.write_reply(xid, self.zxid, OK))
            connection.close()
        else:
            connection.send(records.write_reply(xid, -1, UNIMPLEMENTED))
            connection.close()

    # what follows from a change

    def _publish(self) -> None:
        """The change stands: into the journal and to the watchers."""
        tree = self.tree
        changes = tree.changes
        if self._batch is not None:
            self._batch.changed(tree, changes)
        trigger = self.watches.trigger
        for kind, path in changes:
            if kind != ACL_CHANGED:
                trigger(kind, path)
        changes.clear()

    def _close_session(self, session: Session) -> None:
        self.sessions.close(session)
        self.zxid += 1
        for path in list(self.tree.ephemerals.get(session.id, ())):
            self.tree.delete(path, self.zxid)
        self._publish()
        if self._batch is not None:
            self._batch.closed(session)

    def _delete(self, path: str) -> None:
        self.zxid += 1
        self.tree.delete(path, self.zxid)
        self._publish()
