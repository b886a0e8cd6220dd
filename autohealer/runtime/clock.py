"""The one clock of an agent."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since the machine's start: never set back, and going on while the machine is suspended.

    Time in which the machine sleeps is time in which ZooKeeper waits; `time.monotonic` does not count it.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)
