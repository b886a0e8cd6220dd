"""What the four-letter words tell of the work done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autohealer.zkserver.connection import Connection


class Statistics:
    """Frames in and out, and how long a batch of requests took from being read to being answered."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Count from zero again."""
        self._received = self._sent = 0
        self.batches = 0
        self.shortest_ms = self.longest_ms = self._total_ms = 0.0

    def took(self, seconds: float) -> None:
        """A batch was answered within so much time."""
        elapsed_ms = seconds * 1000
        if not self.batches or elapsed_ms < self.shortest_ms:
            self.shortest_ms = elapsed_ms
        self.longest_ms = max(self.longest_ms, elapsed_ms)
        self.batches += 1
        self._total_ms += elapsed_ms

    def forget(self, connection: Connection) -> None:
        """It is gone; what it did still counts."""
        self._received += connection.received
        self._sent += connection.sent

    @property
    def average_ms(self) -> float:
        """Over all batches."""
        return self._total_ms / self.batches if self.batches else 0.0

    def received(self, connections: Iterable[Connection]) -> int:
        """Frames from all connections, those that are gone included."""
        return self._received + sum(connection.received for connection in connections)

    def sent(self, connections: Iterable[Connection]) -> int:
        """Frames to all connections, those that are gone included."""
        return self._sent + sum(connection.sent for connection in connections)
