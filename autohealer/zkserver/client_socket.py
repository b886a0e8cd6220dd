"""One connection's socket: what the kernel takes and gives, and what waits on our side of it."""

from __future__ import annotations

import select
import socket
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from autohealer.zkserver.connection import Connection

_READ_SIZE: Final = 1 << 16
_WRITE_SIZE: Final = 1 << 18
#: So many bytes of requests are taken in from a peer that does not read its answers: there may be pings among them.
_MAX_UNANSWERED: Final = 1 << 20
#: The kernel takes megabytes for a peer that reads slowly: we would hear for seconds nothing of its reading.
_UNSENT_IN_KERNEL: Final = 1 << 17


class ClientSocket:
    """``interest`` is what epoll was asked to tell of it."""

    __slots__ = ("_unanswered", "connection", "interest", "socket", "unanswered_size", "unsent")

    def __init__(self, sock: socket.socket, connection: Connection) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_IN_KERNEL)
        self.socket = sock
        self.connection = connection
        self.unsent: deque[bytes] = deque()
        self.interest = select.EPOLLIN
        self._unanswered: list[bytes] = []  # read, while it does not read its answers
        self.unanswered_size = 0

    def read(self) -> bytes | None:
        """What has come; nothing where the peer is gone, None where nothing is there now."""
        try:
            return self.socket.recv(_READ_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def put_by(self, data: bytes) -> None:
        """It is to be answered once the peer has read its answers."""
        self._unanswered.append(data)
        self.unanswered_size += len(data)

    def take_up(self) -> None:
        """What was put by is answered next."""
        self.connection.frames.feed(b"".join(self._unanswered))
        self._unanswered.clear()
        self.unanswered_size = 0

    def write(self) -> int:
        """Send what the kernel takes of what is unsent; how many bytes. OSError: the peer is gone."""
        total = 0
        while self.unsent:
            data = _take_some(self.unsent)
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                sent = 0
            total += sent
            if sent < len(data):
                self.unsent.appendleft(data[sent:])
                break
        self.connection.outgoing_size -= total
        return total

    def wants(self, *, is_busy: bool) -> int:
        """What epoll is to tell of it now. ``is_busy``: it has more to answer, and nothing need be read before."""
        connection = self.connection
        interest = 0
        takes_more = self.unanswered_size < _MAX_UNANSWERED if connection.is_saturated else not is_busy
        if takes_more and not connection.closing:
            interest |= select.EPOLLIN
        if self.unsent:
            interest |= select.EPOLLOUT
        return interest


def _take_some(unsent: deque[bytes]) -> bytes:
    """What one write may take of what is waiting."""
    if len(unsent) == 1:
        return unsent.popleft()
    size = 0
    parts = []
    while unsent and size < _WRITE_SIZE:
        parts.append(unsent.popleft())
        size += len(parts[-1])
    return b"".join(parts)
