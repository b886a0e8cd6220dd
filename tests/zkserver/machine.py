"""The engine with a clock that is turned by hand, and peers that have no sockets."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field

from autohealer.zkserver.connection import Connection
from autohealer.zkserver.engine import Engine, ServerPlace
from autohealer.zkserver.entries import State
from autohealer.zkserver.sessions import Sessions
from tests.zkserver.wire import Event, Reply, boolean, buffer, integer, long

FIRST_ZXID = 1000
FIRST_SESSION = 0x10


@dataclass
class Machine:
    """An engine and its time. ``wall_ms`` goes with the monotonic clock, from some date on."""

    state: State = field(default_factory=State)
    now: float = 50.0
    journal: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        seeds = itertools.count(1)
        self.engine = Engine(
            zxid=FIRST_ZXID,
            sessions=Sessions(FIRST_SESSION, lambda size: next(seeds).to_bytes(size, "big")),
            now=self.now,
            wall_ms=lambda: 1_700_000_000_000 + int(self.now * 1000),
            journalled=True,
            place=ServerPlace(2181),
        )
        self.engine.restore(self.state, self.now)

    def peer(self, *, timeout_ms: int = 4000, session_id: int = 0, password: bytes = bytes(16)) -> Peer:
        """A peer that shook hands."""
        peer = self.bare_peer()
        peer.shake_hands(timeout_ms=timeout_ms, session_id=session_id, password=password)
        return peer

    def bare_peer(self) -> Peer:
        """A peer that has said nothing yet."""
        return Peer(self, self.engine.connect("127.0.0.1", 40_000, self.now))

    def sleep(self, seconds: float) -> None:
        """Turn the clock, and call the engine at each deadline on the way, as its shell would."""
        until = self.now + seconds
        while (deadline := self.engine.next_deadline(self.now)) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.engine.tick(self.now)
            self.settle()
        self.now = until

    def settle(self) -> None:
        """What the shell does at the end of a pass: the journal, then the connections."""
        self.journal += self.engine.take_entries()
        for connection in self.engine.touched:
            connection.dirty = False
            if connection.closing:
                self.engine.disconnect(connection)
        self.engine.touched.clear()


@dataclass
class Peer:
    """One connection, from the other side."""

    machine: Machine
    connection: Connection
    session_id: int = 0
    password: bytes = b""
    granted_ms: int = 0

    @property
    def is_closed(self) -> bool:
        return self.connection.closing

    def feed(self, data: bytes) -> None:
        """Bytes come in, and all that can be answered is."""
        self.connection.frames.feed(data)
        while self.machine.engine.receive(self.connection, self.machine.now):
            pass
        self.machine.settle()

    def take(self) -> bytes:
        """All bytes that were sent to this peer since it last looked."""
        data = b"".join(self.connection.outgoing)
        self.connection.outgoing.clear()
        self.connection.outgoing_size = 0
        return data

    def messages(self) -> list[Reply | Event]:
        """The same as messages."""
        data = self.take()
        messages: list[Reply | Event] = []
        while data:
            (size,) = struct.unpack_from(">i", data)
            frame, data = data[4 : 4 + size], data[4 + size :]
            xid, zxid, error = struct.unpack_from(">iqi", frame)
            if xid == -1:
                kind, state, length = struct.unpack_from(">iii", frame, 16)
                assert (zxid, error, state, length) == (-1, 0, 3, len(frame) - 28)
                messages.append(Event(kind, frame[28:].decode()))
            else:
                messages.append(Reply(xid, zxid, error, frame[16:]))
        return messages

    def shake_hands(
        self, *, timeout_ms: int = 4000, session_id: int = 0, password: bytes | None = bytes(16), zxid: int = 0
    ) -> None:
        self.feed(frame(connect_request(timeout_ms, session_id, password, zxid)))
        answer = self.take()
        if answer:
            _size, _version, self.granted_ms, self.session_id, length = struct.unpack_from(">iiiqi", answer)
            self.password = answer[24 : 24 + length]

    def ask(self, kind: int, body: bytes = b"", xid: int = 1) -> Reply:
        """The reply to one request. Events that come before it must have been taken."""
        self.feed(request(kind, body, xid))
        *events, reply = self.messages()
        assert not events
        assert isinstance(reply, Reply)
        return reply


def frame(body: bytes) -> bytes:
    return integer(len(body)) + body


def request(kind: int, body: bytes = b"", xid: int = 1) -> bytes:
    return frame(integer(xid) + integer(kind) + body)


def connect_request(
    timeout_ms: int = 4000, session_id: int = 0, password: bytes | None = bytes(16), zxid: int = 0
) -> bytes:
    return integer(0) + long(zxid) + integer(timeout_ms) + long(session_id) + buffer(password) + boolean(False)
