"""How much processor time and memory processes take, for those who look: nothing is kept of whom nobody asks about."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

Usage = tuple[float | None, int]


class Meter:
    """Measures the same processes again and again; what a process takes is a matter of two looks at it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._former: dict[tuple[int, bytes], tuple[float, int]] = {}

    def measure(self, pids: Iterable[int]) -> dict[int, Usage]:
        """Of each that is there: the fraction of a core since the last look (None at the first), and bytes in memory.

        Of the process itself: what its children take is theirs. One read of ``/proc/PID/stat`` each.
        """
        found: dict[int, Usage] = {}
        seen = {}
        for pid in pids:
            fields = (procfs.read_file(f"/proc/{pid}/stat", 4096) or b"").rpartition(b")")[2].split(None, 23)
            if len(fields) < 23:
                continue
            now, life, ticks = self._clock(), (pid, fields[19]), int(fields[11]) + int(fields[12])
            since, before = self._former.get(life, (now, ticks))
            cpu = (ticks - before) / _TICKS_PER_S / (now - since) if now > since else None
            found[pid] = (cpu, int(fields[21]) * _PAGE)
            seen[life] = (now, ticks)
        self._former = seen
        return found
