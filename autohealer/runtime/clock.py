"""The one clock of an agent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


def now() -> float:
    """Seconds since the machine's start: never set back, and going on while the machine is suspended.

    Time in which the machine sleeps is time in which ZooKeeper waits; `time.monotonic` does not count it.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def call_at_next(
    loop: asyncio.AbstractEventLoop, every_s: float, function: Callable[[], object]
) -> asyncio.TimerHandle:
    """Call this at the next multiple of so many seconds: what looks now and then, in all pools, shares a wake-up."""
    return loop.call_at((loop.time() // every_s + 1) * every_s, function)
