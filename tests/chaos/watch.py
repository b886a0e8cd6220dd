"""What an agent costs, looked at from outside: memory, descriptors and threads, which must not grow for ever."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Cost:
    """Of one process, now."""

    rss: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Cost:
        """Raises psutil.NoSuchProcess where it is gone."""
        process = psutil.Process(pid)
        return cls(process.memory_info().rss, len(list(Path(f"/proc/{pid}/fd").iterdir())), process.num_threads())

    def __str__(self) -> str:
        return f"{self.rss / 2**20:.1f} MiB, {self.descriptors} descriptors, {self.threads} threads"
