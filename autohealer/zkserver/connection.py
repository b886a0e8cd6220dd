"""What the server knows of one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from autohealer.zkserver.frames import FrameBuffer
from autohealer.zkserver.statistics import Latency

if TYPE_CHECKING:
    from autohealer.zkserver.acl import Identity
    from autohealer.zkserver.sessions import Session

#: With so many bytes unread by the peer, no more of its requests are taken.
HIGH_WATER: Final = 1 << 20
#: So many watches of data, and as many of children: a watch costs some 300 bytes. ZooKeeper has no limit.
MAX_WATCHES: Final = 1_000_000
#: ZooKeeper has no limit; each costs time in every check of an ACL.
MAX_IDENTITIES: Final = 100
#: With so many bytes unread it is given up: no request is answered beyond HIGH_WATER, but events go on coming.
MAX_UNREAD: Final = 16 << 20


class Connection:
    """Bytes in, bytes out.

    The shell feeds ``frames``, sends what is in ``outgoing``, and keeps ``outgoing_size`` at what is still unsent.
    """

    __slots__ = (
        "closed_for",
        "closing",
        "connected_at",
        "connected_wall_ms",
        "dirty",
        "frames",
        "identities",
        "last_operation",
        "last_reply_at",
        "last_xid",
        "last_zxid",
        "latency",
        "outgoing",
        "outgoing_size",
        "peer",
        "port",
        "received",
        "sent",
        "session",
        "touched",
    )

    def __init__(self, peer: str, port: int, now: float, wall_ms: int, touched: list[Connection]) -> None:
        self.peer = peer
        self.port = port
        self.connected_at = now
        self.connected_wall_ms = wall_ms
        self.frames = FrameBuffer()
        self.identities: list[Identity] = [("ip", peer)]
        self.session: Session | None = None
        self.outgoing: list[bytes] = []
        self.outgoing_size = 0  # handed to send and not yet taken by the peer
        self.closing = False  # once all is sent
        self.closed_for = ""  # why, if the log is to say it: one of this server's limits
        self.latency = Latency()
        self.reset_statistics()
        self.touched = touched  # all connections with news for the shell
        self.dirty = False  # among them

    def reset_statistics(self) -> None:
        """Count from zero again. The last three are what `cons` shows where nothing was answered yet."""
        self.received = self.sent = 0  # frames
        self.last_operation = self.last_xid = 0
        self.last_zxid = -1
        self.last_reply_at = 0.0
        self.latency.reset()

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
        if self.outgoing_size > MAX_UNREAD:
            self.closed_for = f"{MAX_UNREAD >> 20} MiB of answers and events are waiting for it, and it does not read"
            self.abort()

    def heard(self, now: float) -> None:
        """Its client is there, though its requests cannot be answered yet."""
        if self.session is not None:
            self.session.heard_at = now

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
