"""The shared memory in which workers note that they have been born.

A file that ``worker.c`` and the benchmark map alike: a counter of 8 bytes, then records of 16 bytes (nanoseconds of the
monotonic clock, pid). A worker takes the next record by an atomic add, so a thousand of them can be born at once and
none waits for a reader, nor for the benchmark.
"""

from __future__ import annotations

import mmap
import struct
import time
from dataclasses import dataclass
from pathlib import Path

RECORDS = 1 << 16
_RECORD = struct.Struct("=QQ")
_HEAD = 8
# Long enough to leave the cores to who is measured; the times are the workers' own.
POLL_S = 0.002


@dataclass(frozen=True)
class Birth:
    """A worker's first instruction: at which time of the monotonic clock, in ns, and in which process."""

    ns: int
    pid: int


class Board:
    """Births in their order; each is told once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        size = _HEAD + RECORDS * _RECORD.size
        with path.open("w+b") as file:
            file.truncate(size)
            self._memory = mmap.mmap(file.fileno(), size)
        self._told = 0

    def close(self) -> None:
        """Unmap it."""
        self._memory.close()

    def new(self) -> list[Birth]:
        """Births since the last call."""
        births: list[Birth] = []
        while self._told < RECORDS:
            ns, pid = _RECORD.unpack_from(self._memory, _HEAD + self._told * _RECORD.size)
            if pid == 0:
                break
            births.append(Birth(ns, pid))
            self._told += 1
        return births

    def wait(self, count: int, timeout_s: float) -> list[Birth]:
        """So many births, or fewer when the time is over."""
        births = self.new()
        deadline = time.monotonic() + timeout_s
        while len(births) < count and time.monotonic() < deadline:
            time.sleep(POLL_S)
            births += self.new()
        return births
