"""What those who look at an agent from another thread may see of it and ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autohealer.core.pool.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class AgentHandle:
    """Nothing here waits, for either side. ``call_soon`` calls a function in the agent's own thread.

    ``show_others`` has the agent ask, for a while, what the others say of themselves: it does not know that by itself,
    unless it leads.
    """

    agent: str
    host: str
    zookeeper: str
    call_soon: Callable[[Callable[[], object]], object]
    snapshot: Callable[[], Snapshot]
    show_others: Callable[[], object] = lambda: None

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
