"""What the four-letter words tell of the work done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autohealer.zkserver.connection import Connection


class Latency:
    """How long requests took from being read to being answered, in ms. What is answered in one go counts once."""

    __slots__ = ("count", "last_ms", "longest_ms", "shortest_ms", "total_ms")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Count from zero again."""
        self.count = 0
        self.last_ms = self.shortest_ms = self.longest_ms = self.total_ms = 0.0

    def took(self, elapsed_ms: float) -> None:
        """Some requests were answered within so much time."""
        if not self.count or elapsed_ms < self.shortest_ms:
            self.shortest_ms = elapsed_ms
        self.longest_ms = max(self.longest_ms, elapsed_ms)
        self.count += 1
        self.last_ms = elapsed_ms
        self.total_ms += elapsed_ms

    @property
    def average_ms(self) -> float:
        """Over all that was counted."""
        return self.total_ms / self.count if self.count else 0.0


class Statistics:
    """Frames in and out, latencies, and who was turned away."""

    def __init__(self) -> None:
        self.latency = Latency()
        self.rejected = 0  # connections that were closed before they could say anything
        self._received = self._sent = 0  # besides what the connections count themselves

    def reset(self, connections: Iterable[Connection]) -> None:
        """Count from zero again. The connections do not."""
        self._received = self._sent = 0
        self._received, self._sent = -self.received(connections), -self.sent(connections)
        self.rejected = 0
        self.latency.reset()

    def forget(self, connection: Connection) -> None:
        """It is gone, or counts anew; what it did still counts."""
        self._received += connection.received
        self._sent += connection.sent

    def received(self, connections: Iterable[Connection]) -> int:
        """Frames from all connections, those that are gone included."""
        return self._received + sum(connection.received for connection in connections)

    def sent(self, connections: Iterable[Connection]) -> int:
        """Frames to all connections, those that are gone included."""
        return self._sent + sum(connection.sent for connection in connections)
