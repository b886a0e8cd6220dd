"""What those who look at an agent from another thread may see of it and ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from autohealer.core.operations import Answer, Operation
    from autohealer.core.pool.snapshot import Snapshot


class AgentHandle(msgspec.Struct, frozen=True):
    """Nothing here waits, for either side. ``call_soon`` calls a function in the agent's own thread.

    ``show_others`` has the agent ask, for a while, what the others say of themselves: it does not know that by itself,
    unless it leads.
    """

    pool: str
    agent: str
    host: str
    zookeeper: str
    call_soon: Callable[[Callable[[], object]], object]
    snapshot: Callable[[], Snapshot]
    do: Callable[[Operation, Callable[[Answer], object]], None]
    show_others: Callable[[], object] = lambda: None

    def ask(self, operation: Operation, answered: Callable[[Answer], object]) -> None:
        """Have this done; ``answered`` is called in the agent's thread, once it is known what came of it."""
        with suppress(RuntimeError):  # the agent has ended
            self.call_soon(lambda: self.do(operation, answered))

    def look(self, deliver: Callable[[Snapshot, float], object], *, others: bool = False) -> None:
        """Have ``deliver`` called with how things stand and the processor time that it took to tell.

        In the agent's thread, as soon as that has a moment.
        """

        def tell() -> None:
            if others:
                self.show_others()
            began = time.thread_time()
            snapshot = self.snapshot()
            deliver(snapshot, time.thread_time() - began)

        with suppress(RuntimeError):  # the agent has ended
            self.call_soon(tell)
