"""A ZooKeeper client of bare bytes: it packs requests and unpacks replies itself, with nothing of the server's own.

It does what no client library does: it sends what should not be sent, and shows all that comes back, in its order.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

Acl = tuple[tuple[int, str, str], ...]

WORLD: Acl = ((31, "world", "anyone"),)


def integer(value: int) -> bytes:
    return struct.pack(">i", value)


def long(value: int) -> bytes:
    return struct.pack(">q", value)


def boolean(value: object) -> bytes:
    return b"\1" if value else b"\0"


def buffer(value: bytes | None) -> bytes:
    return integer(-1) if value is None else integer(len(value)) + value


def string(value: str | None) -> bytes:
    return buffer(None if value is None else value.encode())


def strings(values: list[str]) -> bytes:
    return integer(len(values)) + b"".join(map(string, values))


def acl(entries: Acl = WORLD) -> bytes:
    packed = [integer(perms) + string(scheme) + string(name) for perms, scheme, name in entries]
    return integer(len(packed)) + b"".join(packed)


def create(path: str, data: bytes | None = b"", flags: int = 0, entries: Acl = WORLD) -> bytes:
    return string(path) + buffer(data) + acl(entries) + integer(flags)


def multi(operations: list[tuple[int, bytes]]) -> bytes:
    parts = [integer(kind) + boolean(False) + integer(-1) + body for kind, body in operations]
    return b"".join(parts) + integer(-1) + boolean(True) + integer(-1)


class ClosedError(Exception):
    """The server closed the connection."""


@dataclass(frozen=True)
class Reply:
    """One answer."""

    xid: int
    zxid: int
    error: int
    body: bytes


@dataclass(frozen=True)
class Event:
    """One watch event."""

    kind: int
    path: str


@dataclass
class Wire:
    """One connection. ``connect`` makes it a session's."""

    hosts: str
    timeout_ms: int = 10_000
    session_id: int = 0
    password: bytes = bytes(16)
    zxid: int = 0
    events: list[Event] = field(default_factory=list)
    granted_ms: int = 0
    _xid: int = 0

    def __post_init__(self) -> None:
        host, _, port = self.hosts.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    def connect(self) -> Self:
        """The handshake, with the session's id and password if there is one. A refusal leaves the id 0."""
        self.send_frame(self._connect_request())
        answer = self.receive_frame()
        _, self.granted_ms, self.session_id, size = struct.unpack_from(">iiqi", answer)
        self.password = answer[20 : 20 + size]
        return self

    def connect_and_close(self) -> None:
        """Take a session over and end it, in one go: its other client gets no chance to take it back."""
        close = integer(1) + integer(-11)
        request = self._connect_request()
        self.socket.sendall(integer(len(request)) + request + integer(len(close)) + close)
        self.receive_frame()
        self.receive_frame()

    def _connect_request(self) -> bytes:
        session = long(self.session_id) + buffer(self.password)
        return integer(0) + long(self.zxid) + integer(self.timeout_ms) + session + boolean(False)

    def send_frame(self, frame: bytes) -> None:
        self.socket.sendall(integer(len(frame)) + frame)

    def receive_frame(self) -> bytes:
        (size,) = struct.unpack(">i", self._receive(4))
        return self._receive(size)

    def send(self, kind: int, body: bytes = b"", xid: int | None = None) -> int:
        if xid is None:
            self._xid += 1
            xid = self._xid
        self.send_frame(integer(xid) + integer(kind) + body)
        return xid

    def receive(self) -> Reply | Event:
        frame = self.receive_frame()
        xid, zxid, error = struct.unpack_from(">iqi", frame)
        if xid == -1:
            kind, _state, size = struct.unpack_from(">iii", frame, 16)
            return Event(kind, frame[28 : 28 + size].decode())
        return Reply(xid, zxid, error, frame[16:])

    def ask(self, kind: int, body: bytes = b"", xid: int | None = None) -> Reply:
        """Send one request and take its reply; the events before it are kept in ``events``."""
        sent = self.send(kind, body, xid)
        while isinstance(message := self.receive(), Event):
            self.events.append(message)
        assert message.xid == sent, (message, sent)
        return message

    def ping(self) -> None:
        """Whatever was on its way has come when this returns."""
        self.ask(11, xid=-2)

    def is_closed(self) -> bool:
        """Wait until the server says or ends something: True for the end."""
        try:
            return not self.socket.recv(1)
        except ConnectionResetError:
            return True

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                raise ClosedError
            data += more
        return data


@contextlib.contextmanager
def session(hosts: str, timeout_ms: int = 10_000) -> Iterator[Wire]:
    """A connection that is a session's; it is not closed as one, only left."""
    with Wire(hosts, timeout_ms=timeout_ms) as wire:
        yield wire.connect()
