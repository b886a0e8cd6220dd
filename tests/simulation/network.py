"""The way between a host and ZooKeeper: bytes that take their time, stop for a while, and never overtake each other."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from autohealer.zkserver.connection import Connection
    from tests.simulation.clock import Clock
    from tests.simulation.server import Server


class WireObserver(Protocol):
    """The client's end of a wire."""

    def arrived(self, wire: Wire, data: bytes) -> None:
        """Bytes from the server."""

    def ended(self, wire: Wire) -> None:
        """The server has closed it, or there is none."""


class Network:
    """One host's way. Either direction can be blocked: what is on its way waits then, as TCP sends it again."""

    def __init__(self, clock: Clock, dice: random.Random, server: Server) -> None:
        self.clock, self.server = clock, server
        self._dice = dice
        self.slow_s = 0.0
        self._blocked = [False, False]  # up, down
        self._wires: dict[Wire, object] = {}  # whose each is

    def latency(self) -> float:
        """One way."""
        return self._dice.uniform(0.0003, 0.004) + self._dice.random() * self.slow_s

    def is_blocked(self, direction: int) -> bool:
        return self._blocked[direction]

    @property
    def is_open(self) -> bool:
        return not any(self._blocked)

    def block(self, *, up: bool = True, down: bool = True) -> None:
        """Nothing passes in these directions."""
        self._blocked = [self._blocked[0] or up, self._blocked[1] or down]

    def delay_open(self, seconds: float) -> None:
        """All that is sent on the connections that are open takes so much longer; others are as quick as ever."""
        for wire in self._wires:
            wire.delay_s = seconds

    def mend(self) -> None:
        """All that waits passes."""
        self._blocked = [False, False]
        self.slow_s = 0.0
        for wire in self._wires:
            wire.delay_s = 0.0
        for wire in list(self._wires):
            wire.resume()

    def connect(self, observer: WireObserver, process: object) -> Wire:
        """A new connection of this process to the server."""
        wire = Wire(self, observer)
        self._wires[wire] = process
        return wire

    def close_all(self, process: object) -> None:
        """The process is gone: its kernel closes what it had open."""
        for wire in [wire for wire, owner in self._wires.items() if owner is process]:
            wire.close()

    def forget(self, wire: Wire) -> None:
        self._wires.pop(wire, None)


class Wire:
    """One connection; its client's end, and its server's."""

    def __init__(self, network: Network, observer: WireObserver) -> None:
        self._network, self._observer = network, observer
        self._connection: Connection | None = None
        self._is_refused = self._client_closed = self._server_closed = False
        self.delay_s = 0.0
        self._arrives_at = [0.0, 0.0]
        self._queues: tuple[deque[Callable[[], None]], ...] = (deque(), deque())
        self._held = [0, 0]
        """So many of them would have arrived, and were blocked."""

    # ---- the client's end

    def send_up(self, data: bytes) -> None:
        """To the server."""
        if not self._client_closed:
            self._put(0, lambda: self._up(data))

    def ping(self) -> int | None:
        """Ask and hear at once, if nothing is in the way or on its way; the server's zxid."""
        network, connection = self._network, self._connection
        is_free = network.is_open and not (network.slow_s or self.delay_s or self._queues[0] or self._queues[1])
        return network.server.pinged(connection) if is_free and connection is not None else None

    def close(self) -> None:
        """The client reads and writes no more; the server hears of it when it can."""
        if not self._client_closed:
            self._client_closed = True
            self._put(0, self._closed_up)

    # ---- the server's end

    def send_down(self, data: bytes) -> None:
        """To the client."""
        self._put(1, lambda: self._down(data))

    def server_closed(self) -> None:
        """The server reads and writes no more."""
        if not self._server_closed:
            self._server_closed = True
            self._put(1, self._closed_down)

    # ---- how

    def resume(self) -> None:
        """Nothing is in the way any more."""
        for direction in (0, 1):
            held, self._held[direction] = self._held[direction], 0
            for _ in range(held):
                self._schedule(direction)

    def _put(self, direction: int, deliver: Callable[[], None]) -> None:
        self._queues[direction].append(deliver)
        self._schedule(direction)

    def _schedule(self, direction: int) -> None:
        """The first that waits arrives at that moment: none overtakes another."""
        clock = self._network.clock
        at = max(self._arrives_at[direction], clock.now + self._network.latency() + self.delay_s)
        self._arrives_at[direction] = at
        clock.later(at - clock.now, self._arrive, direction)

    def _arrive(self, direction: int) -> None:
        if self._network.is_blocked(direction):
            self._held[direction] += 1
        else:
            self._queues[direction].popleft()()

    def _up(self, data: bytes) -> None:
        server = self._network.server
        if self._connection is None and not self._is_refused:
            self._connection = server.connected(self)
            self._is_refused = self._connection is None
            if self._is_refused:
                self.server_closed()
        if self._connection is not None:
            server.received(self._connection, data)

    def _closed_up(self) -> None:
        if self._connection is not None:
            self._network.server.disconnected(self._connection)
        self._network.forget(self)

    def _down(self, data: bytes) -> None:
        if not self._client_closed:
            self._observer.arrived(self, data)

    def _closed_down(self) -> None:
        self._network.forget(self)
        if not self._client_closed:
            self._client_closed = True
            self._observer.ended(self)
