"""What is asked of a pool from a screen: carried out through ZooKeeper, as commands do, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from autohealer.errors import AutohealerError
from autohealer.views.controls import Kill, Order, Restart, Scale

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient

EXPIRES_S = 60.0
RESTART_EXPIRES_S = 3600.0
IDLE_S = 10.0


class Errands:
    """Takes orders one after the other; ``said`` gets what came of each.

    The session is there while there is something to do, and ``IDLE_S`` longer.
    """

    def __init__(self, connect: Callable[[], PoolClient], said: Callable[[str], None]) -> None:
        self._connect, self._said = connect, said
        self._orders: deque[Order] = deque()
        self._stirred = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def give(self, order: Order) -> None:
        """See to it. Never waits."""
        with self._stirred:
            if isinstance(order, Scale) and self._orders and isinstance(self._orders[-1], Scale):
                self._orders.pop()  # only the last number matters
            self._orders.append(order)
            self._stirred.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="errands", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Take no more; what is under way may end by itself."""
        with self._stirred:
            self._closed = True
            self._orders.clear()
            self._stirred.notify()

    def _run(self) -> None:
        console: PoolClient | None = None
        while (order := self._next()) is not None:
            try:
                console = console or self._connect()
                self._said(_carry_out(order, console))
            except AutohealerError as error:
                self._said(f"{error}; {error.hint}" if error.hint else str(error))
                if console is not None:
                    console.close()
                    console = None
        if console is not None:
            console.close()

    def _next(self) -> Order | None:
        """The next order; None when there has been none for a while, which ends the thread."""
        with self._stirred:
            self._stirred.wait_for(lambda: self._orders or self._closed, IDLE_S)
            if self._orders and not self._closed:
                return self._orders.popleft()
            self._thread = None
            return None


def _carry_out(order: Order, console: PoolClient) -> str:
    """Ask the pool for it; what to tell who asked."""
    now = time.time()
    if isinstance(order, Scale):
        console.scale(order.workers)
        return f"the target is now {order.workers:,}"
    if isinstance(order, Kill):
        console.request("kill", order.worker, now + EXPIRES_S)
        return f"asked to kill {order.worker}"
    if isinstance(order, Restart):
        agents = console.agents()
        for agent in agents:
            console.request("restart", agent, now + RESTART_EXPIRES_S)
        return f"all workers of {len(agents)} {'agent' if len(agents) == 1 else 'agents'} are being exchanged"
    raise TypeError(f"not an order to a pool: {order!r}")
