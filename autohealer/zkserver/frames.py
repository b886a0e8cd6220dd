"""The byte stream of one connection, cut into frames: a length, then as many bytes."""

from __future__ import annotations

from autohealer.zkserver.jute import INT
from autohealer.zkserver.protocol import MAX_REQUEST, ConnectionRefused, LimitExceeded


class FrameBuffer:
    """Bytes in, whole frames out. Holds one unfinished frame and one read's worth of finished ones, never more."""

    __slots__ = ("_at", "_data", "_needed", "_partial")

    def __init__(self) -> None:
        self._data = b""  # whole frames first, from _at on
        self._at = 0
        self._partial = bytearray()  # an unfinished frame that grows over several reads
        self._needed = 0

    def __len__(self) -> int:
        return len(self._data) - self._at + len(self._partial)

    def feed(self, data: bytes) -> None:
        """Add what was read. All frames that were whole before must have been taken."""
        if self._partial:
            self._partial += data
            if len(self._partial) < self._needed:
                return
            data = bytes(self._partial)
            self._partial = bytearray()
        elif self._at < len(self._data):
            data = self._data[self._at :] + data
        self._data = data
        self._at = 0

    def peek(self) -> bytes:
        """The first four bytes, as far as they are there: a length, or a four-letter word."""
        return self._data[self._at : self._at + 4] or bytes(self._partial[:4])

    def next_frame(self) -> bytes | None:
        """The next frame without its length, or None until more has come."""
        at = self._at
        end = at + 4
        size = len(self._data)
        if end > size:
            if at < size:
                self._keep(4)
            return None
        length: int = INT.unpack_from(self._data, at)[0]
        if length < 0:
            raise ConnectionRefused(f"a frame of {length} bytes")
        if length > MAX_REQUEST:
            raise LimitExceeded(f"it sent a request of {length:,} bytes, and {MAX_REQUEST:,} is the most")
        if end + length > size:
            self._keep(4 + length)
            return None
        self._at = at = end + length
        return self._data[end:at]

    def _keep(self, needed: int) -> None:
        self._partial += self._data[self._at :]
        self._needed = needed
        self._data = b""
        self._at = 0
