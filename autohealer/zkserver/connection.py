"""What the server knows of one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from autohealer.zkserver.frames import FrameBuffer

if TYPE_CHECKING:
    from autohealer.zkserver.acl import Identity
    from autohealer.zkserver.sessions import Session

#: With so many bytes unread by the peer, no more of its requests are taken.
HIGH_WATER: Final = 1 << 20
#: So many watches, in each of the two tables, and so many identities are enough for anyone.
MAX_WATCHES: Final = 100_000
MAX_IDENTITIES: Final = 100
#: With so many (events go on coming) it is given up.
GIVE_UP: Final = 16 << 20


class Connection:
    """Bytes in, bytes out.

    The shell feeds ``frames``, sends what is in ``outgoing``, and keeps ``outgoing_size`` at what is still unsent.
    """

    __slots__ = (
        "closing",
        "connected_at",
        "dirty",
        "frames",
        "identities",
        "outgoing",
        "outgoing_size",
        "peer",
        "port",
        "received",
        "sent",
        "session",
        "touched",
    )

    def __init__(self, peer: str, port: int, now: float, touched: list[Connection]) -> None:
        self.peer = peer
        self.port = port
        self.connected_at = now
        self.frames = FrameBuffer()
        self.identities: list[Identity] = [("ip", peer)]
        self.session: Session | None = None
        self.outgoing: list[bytes] = []
        self.outgoing_size = 0  # handed to send and not yet taken by the peer
        self.closing = False  # once all is sent
        self.received = self.sent = 0  # frames
        self.touched = touched  # all connections with news for the shell
        self.dirty = False  # among them

    def send(self, data: bytes) -> None:
        """Bytes for the peer: a reply or an event. Nothing is sent any more once it is closing."""
        if self.closing:
            return
        self.outgoing.append(data)
        self.outgoing_size += len(data)
        self.sent += 1
        if not self.dirty:
            self.dirty = True
            self.touched.append(self)
        if self.outgoing_size > GIVE_UP:
            self.abort()

    def close(self) -> None:
        """No more is read from it; it is closed when all is sent."""
        self.closing = True
        if not self.dirty:
            self.dirty = True
            self.touched.append(self)

    def abort(self) -> None:
        """Close it without sending what is unsent."""
        self.outgoing.clear()
        self.outgoing_size = 0
        self.close()

    @property
    def is_saturated(self) -> bool:
        """Its peer does not read fast enough to be asked for more."""
        return self.outgoing_size > HIGH_WATER
